// Acts on names from standard input as they arrive, and prepares to wait for them: standby.

import { watchHierarchies } from "../../cgroup/open/hierarchy-watch.ts";
import { loadAll } from "../../kill/load-all.ts";
import { createGuardedCache } from "../../kill/plan/guarded-cache.ts";
import type { GuardedReader } from "../../kill/plan/guarded.ts";
import type { KillOutcome } from "../../kill/types.ts";
import { prepareStandby } from "../../run/standby.ts";
import { collectGarbage } from "../../sys/memory.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { outcomeToJson } from "../output/json.ts";
import { eventSink } from "../output/log.ts";
import { renderOutcomeLine } from "../output/outcome-text.ts";
import type { SingleTarget, Source } from "../targets/expand.ts";
import { stdinTargets } from "../targets/from-stdin.ts";
import type { Shared } from "../with-target.ts";

/** How many pieces of input are acted on between two collections of garbage. */
const COLLECT_EVERY = 200;

/** Act on each name before the next is read. */
export async function runStdin(
  command: TargetCommand,
  source: Source,
  cli: CliContext,
  act: (single: SingleTarget, shared: Shared) => Promise<void>,
): Promise<void> {
  const { sys, io, abort } = cli;
  // Mounts may change while names arrive.
  using mounts = watchHierarchies(sys);
  using guarded = createGuardedCache(true);
  const shared: Shared = { hierarchiesNow: mounts.hierarchies, readGuarded: guarded.read };
  let drained = 0;
  const release = (): void => {
    mounts.release();
    guarded.expire();
    if (++drained % COLLECT_EVERY === 0) collectGarbage();
  };
  const onWait = async (): Promise<void> => {
    if (command.kind === "kill") await waitForNames(command, cli, guarded.read);
  };
  for await (const single of stdinTargets(command, source, release, onWait)) {
    await act(single, shared);
    await io.settle(abort);
  }
}

/** Prepare for names that come later, maybe on a host without resources. What is not possible is reported once. */
async function waitForNames(
  { output, allowAncestors }: TargetCommand,
  { sys, io }: CliContext,
  readGuarded: GuardedReader,
): Promise<void> {
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
  for (const { lack, consequence } of lacks) {
    warn({ level: "warn", message: `standby: ${lack}: ${consequence}`, fields: {} });
  }
}
