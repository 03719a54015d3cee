// Acts on names from standard input as they arrive, and prepares to wait for them: standby.

import { watchHierarchies } from "../../cgroup/open/hierarchy-watch.ts";
import { loadAll } from "../../kill/load-all.ts";
import { prepareStandby } from "../../run/standby.ts";
import { collectGarbage } from "../../sys/memory.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { outcomeToJson } from "../output/json.ts";
import { eventSink } from "../output/log.ts";
import { renderOutcomeLine } from "../output/outcome-text.ts";
import type { SingleTarget, Source } from "../targets/expand.ts";
import { stdinTargets } from "../targets/from-stdin.ts";

/** How many pieces of input are acted on between two collections of garbage. */
const COLLECT_EVERY = 200;

/**
 * Act on each name before the next is read.
 *
 * @param onDrained  called when all input so far has been acted on, before waiting for more
 */
export async function runStdin(
  command: TargetCommand,
  source: Source,
  cli: CliContext,
  onDrained: () => void,
  act: (single: SingleTarget, hierarchies: Source["hierarchies"]) => Promise<void>,
): Promise<void> {
  const { sys, io, abort } = cli;
  // Mounts may change while names arrive.
  using mounts = watchHierarchies(sys);
  let drained = 0;
  const release = (): void => {
    mounts.release();
    onDrained();
    if (++drained % COLLECT_EVERY === 0) collectGarbage();
  };
  const onWait = async (): Promise<void> => {
    if (command.kind === "kill") await waitForNames(command, cli);
  };
  for await (const single of stdinTargets(command, source, release, onWait)) {
    await act(single, mounts.hierarchies);
    await io.settle(abort);
  }
}

/** Prepare for names that come later, maybe on a host without resources. What cannot be had is said once. */
async function waitForNames({ output }: TargetCommand, { sys, io }: CliContext): Promise<void> {
  await loadAll();
  await import("../../restart/supervisors.ts");
  await import("../targets/report-failure.ts");
  const paint = await io.paint("out", output.color);
  const lacks = await prepareStandby(sys, async (outcome) => {
    // Rendered as the first answer will be, and thrown away.
    if (output.json) outcomeToJson("kill", outcome);
    else renderOutcomeLine(outcome, paint);
  });
  const warn = eventSink(io, output, sys);
  for (const { lack, consequence } of lacks) {
    warn({ level: "warn", message: `standby: ${lack}: ${consequence}`, fields: {} });
  }
}
