// Standby: what is done, and said, when cgkill starts to wait for names.

import { prepareStandby } from "../../run/standby.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { outcomeToJson } from "../output/json.ts";
import { eventSink } from "../output/log.ts";
import { renderOutcomeLine } from "../output/outcome-text.ts";

/** What cannot be had is said once, with what it means. */
export async function waitForNames({ output }: TargetCommand, { sys, io }: CliContext): Promise<void> {
  const paint = await io.paint("out", output.color);
  const lacks = await prepareStandby(sys, async (outcome) => {
    // Rendered as the first answer will be, and thrown away.
    if (output.json) outcomeToJson("kill", outcome);
    else renderOutcomeLine(outcome, paint);
  });
  const warn = eventSink(io, output.level, output.logFormat, sys.wallClock);
  for (const { lack, consequence } of lacks) {
    warn({ level: "warn", message: `standby: ${lack}: ${consequence}`, fields: {} });
  }
}
