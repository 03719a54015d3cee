import { fakeWorld } from "../support/fake-world.ts";
import { killCases } from "./kill-cases.ts";

for (const version of ["v2", "v1"] as const) killCases("model", version, () => fakeWorld(version));
