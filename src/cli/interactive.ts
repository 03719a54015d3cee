// The interactive mode. (Not yet.)

import type { TargetCommand } from "./args.ts";
import type { Edge } from "./edge.ts";

export async function runInteractive(_command: TargetCommand, _edge: Edge): Promise<number> {
  return 2;
}
