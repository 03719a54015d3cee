// The first question of the interactive mode: which cgroups. The list is refreshed while it is shown. Cgroups that would be
// refused are shown with the reason and cannot be chosen.

import { setTimeout } from "node:timers/promises";

import { AdvisedError } from "../../advice.ts";
import { InterruptedError } from "../../kill/errors.ts";
import { SysError } from "../../sys/errno.ts";
import type { TargetCommand, TargetSpec } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { readForest } from "../commands/read-forest.ts";
import { createPicker } from "../questions/picker.ts";
import { createDetails, createMatcher, type Listing, toRows } from "./cgroup-rows.ts";
import type { Session } from "./session.ts";

/** The interval between refreshes: longer if reading the list is slow, so that reading never takes most of the time. */
const REFRESH_MS = 500;
const REST_PER_READING = 9;

/**
 * @returns `undefined` if it was cancelled, or if there is nothing to choose from
 * @throws InterruptedError, AdvisedError, SysError  the cgroups cannot be listed
 */
export async function pickTargets({
  command,
  cli,
  prompts,
}: Omit<Session, "guard">): Promise<readonly TargetSpec[] | undefined> {
  const { sys, io } = cli;
  let listing = await readListing(command, cli);
  if (listing.cgroups.size === 0) {
    io.writeOut("no cgroup below the roots has a process; --hierarchy NAME searches another hierarchy\n");
    return undefined;
  }
  const matches = createMatcher(sys, () => listing);
  const picker = createPicker(toRows(listing, undefined), matches);
  const details = createDetails(sys);
  const watch = (redraw: () => void): (() => void) => {
    const over = new AbortController();
    const refresh = async (): Promise<void> => {
      for (let restMs = REFRESH_MS; ;) {
        await setTimeout(restMs, undefined, { signal: over.signal });
        const startedAt = sys.now();
        const next = await readListing(command, { ...cli, abort: over.signal });
        if (over.signal.aborted) return;
        const before = listing;
        listing = next;
        picker.update(toRows(next, before));
        redraw();
        restMs = Math.max(REFRESH_MS, (sys.now() - startedAt) * REST_PER_READING);
      }
    };
    refresh().catch((error: unknown) => {
      // Keep showing the last list.
      if (!over.signal.aborted && !isExpected(error)) throw error;
    });
    return () => over.abort();
  };
  // From here on, most of the time is spent waiting for the operator.
  sys.setUrgent(false);
  const picked = await prompts.pickMany({ picker, details, watch });
  return picked?.map((name) => ({ kind: "name", name }));
}

const isExpected = (error: unknown): boolean =>
  error instanceof InterruptedError || error instanceof SysError || error instanceof AdvisedError;

async function readListing(command: TargetCommand, cli: Pick<CliContext, "sys" | "abort">): Promise<Listing> {
  const at = cli.sys.now();
  const trees = await readForest(cli, { hierarchy: command.hierarchy });
  const cgroups = new Map(trees.flatMap((tree) => tree.cgroups.map((listed) => [listed.path, listed] as const)));
  return { cgroups, at, wallMs: cli.sys.wallClock() };
}
