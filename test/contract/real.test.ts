import { canStage } from "../support/real-cgroup.ts";
import { realWorld } from "../support/real-world.ts";
import { killCases } from "./kill-cases.ts";

for (const version of ["v2", "v1"] as const) {
  if (canStage(version)) killCases("real", version, () => realWorld(version));
}
