// Acts on names from standard input as they arrive, and prepares to wait for them: standby.

import { watchHierarchies } from "../../cgroup/open/hierarchy-watch.ts";
import { loadAll } from "../../kill/load-all.ts";
import { createGuardedCache } from "../../kill/plan/guarded-cache.ts";
import type { GuardedReader } from "../../kill/plan/guarded-processes.ts";
import type { KillOutcome } from "../../kill/types.ts";
import { prepareStandby } from "../../run/standby.ts";
import { collectGarbage } from "../../sys/calls/memory.ts";
import type { Call } from "../cli-context.ts";
import { outcomeToJson } from "../output/json.ts";
import { eventSink } from "../output/log.ts";
import { renderOutcomeLine } from "../output/outcome-text.ts";
import type { SingleTarget } from "../targets/expand.ts";
import { stdinTargets } from "../targets/from-stdin.ts";

/** How many pieces of input are acted on between two collections of garbage. */
const COLLECT_EVERY = 200;

/** Act on each name before the next is read. */
export async function runStdin(
  call: Call,
  act: (single: SingleTarget, standing: Call) => Promise<void>,
): Promise<void> {
  const { sys, io, abort } = call;
  // Mounts may change while names arrive.
  using mounts = watchHierarchies(sys);
  using guarded = createGuardedCache(true);
  const standing: Call = { ...call, hierarchies: mounts.hierarchies, readGuarded: guarded.read };
  let drained = 0;
  const release = (): void => {
    mounts.release();
    guarded.expire();
    if (++drained % COLLECT_EVERY === 0) collectGarbage();
  };
  const onWait = async (): Promise<void> => {
    if (call.command.kind === "kill") await waitForNames(call, guarded.read);
  };
  for await (const single of stdinTargets(standing, release, onWait)) {
    await act(single, standing);
    await io.settle(abort);
  }
}

/** Prepare for names that come later, maybe on a host without resources. What is not possible is reported once. */
async function waitForNames({ sys, io, command }: Call, readGuarded: GuardedReader): Promise<void> {
  const { output, allowAncestors } = command;
  await loadAll();
  await import("../../restart/supervisors.ts");
  await import("../targets/report-failure.ts");
  const paint = await io.paint("out", output.color);
  const report = async (outcome: KillOutcome): Promise<void> => {
    // Render it as the first answer will be, and discard the text.
    if (output.json) outcomeToJson("kill", outcome);
    else renderOutcomeLine(outcome, paint);
  };
  const lacks = await prepareStandby(sys, { allowAncestors, readGuarded, report });
  const warn = eventSink(io, output, sys);
  for (const lack of lacks) warn({ level: "warn", message: `standby: ${lack}`, fields: {} });
}
