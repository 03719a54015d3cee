// Stepping aside: moving cgkill itself and spared processes out of the target before the kill. Every move is read back.

import { findInside } from "../../cgroup/inside.ts";
import { moveProcess } from "../../cgroup/members.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { isWithin } from "../../cgroup/open/path-names.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { SysError } from "../../sys/errno.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { emit, type KillContext } from "../context.ts";
import { RefusedError } from "../errors.ts";
import { refuseStandby } from "../plan/refusals.ts";
import { type HeldProcess, holdByPid } from "../steps/held-process.ts";
import type { KillOptions, Refusal } from "../types.ts";
import { destinations, readPathIfShown } from "./destinations.ts";
import { moveHeld } from "./move-held.ts";

/** Find the processes to move out: cgkill itself and the spared ones, if they are inside the target now. */
export async function findToSpare(sys: Sys, cgroup: Cgroup, { spare }: Pick<KillOptions, "spare">): Promise<Pid[]> {
  return await findInside(sys, cgroup, new Set([sys.pid, ...spare]));
}

/**
 * Move cgkill itself and the spared processes out of the target.
 *
 * @returns a function that moves them back
 * @throws RefusedError  no destination accepts one of them, or cgkill may not move itself; earlier moves are undone
 */
export async function stepAside(ctx: KillContext): Promise<() => void> {
  const { sys, cgroup, plan, control, record } = ctx;
  const inside = await findToSpare(sys, cgroup, plan.options);
  if (!plan.options.mayStepAside && inside.includes(sys.pid)) throw new RefusedError(refuseStandby(cgroup.path));
  const origins = new Map<Pid, Origin>();
  // From here on a signal that JavaScript cannot handle must not end cgkill before it has said what it moved.
  if (inside.length > 0) control.begin?.();
  for (const pid of inside) {
    const from = readPlace(sys, cgroup, pid);
    const held = holdByPid(sys, pid);
    const to = await moveOut(ctx, pid, origins);
    if (to === undefined) continue;
    // Each once: it may have been moved in again since.
    const known = record.spared.findIndex((one) => one.pid === pid);
    if (known >= 0) record.spared.splice(known, 1);
    record.spared.push({ pid, cgroup: to });
    origins.set(pid, { held, path: from ?? cgroup.path });
    emit(ctx, "moved-aside", { pid, from: from ?? null, to });
  }
  return () => moveBack(ctx, origins);
}

/** A process that was moved out, and the cgroup that it came from. */
interface Origin {
  readonly held: HeldProcess;
  readonly path: string;
}

/** `undefined` if the process is gone, or /proc hides it. */
const readPlace = (sys: Sys, { hierarchy }: Cgroup, pid: Pid): string | undefined =>
  readPathIfShown(sys, hierarchy, pid === sys.pid ? "self" : pid);

/** Move one process to the first destination that accepts it. @returns its new cgroup; `undefined` if it is gone */
async function moveOut(ctx: KillContext, pid: Pid, origins: ReadonlyMap<Pid, Origin>): Promise<string | undefined> {
  const { sys, cgroup, plan } = ctx;
  const { spareTo } = plan.options;
  const refusals: string[] = [];
  for (const destination of destinations(sys, cgroup, spareTo, (reason) => void refusals.push(reason))) {
    if (refusals.length === 1 && spareTo !== undefined) emit(ctx, "not-spared-to", { pid, reason: refusals[0] ?? "" });
    try {
      moveProcess(sys, destination.dir, pid);
      const isStillInside = (await findInside(sys, cgroup, [pid])).length > 0;
      if (!isStillInside) {
        const place = readPlace(sys, cgroup, pid);
        // On v2 an exited leader stays where it was.
        return place === undefined || isWithin(place, cgroup.path) ? destination.path : place;
      }
      refusals.push(
        `${destination.name}: accepted, but pid ${pid} is in ${readPlace(sys, cgroup, pid) ?? cgroup.path}`,
      );
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "ESRCH") return undefined;
      refusals.push(error.message);
    }
  }
  moveBack(ctx, origins);
  throw new RefusedError(refuseStuck(cgroup, pid, refusals.join("; ") || "no cgroup to move it to"));
}

/** The refusal because a process that must be moved out stays inside. */
export const refuseStuck = ({ path }: Cgroup, pid: Pid, why: string): Refusal => ({
  code: "nowhere-to-step-aside",
  message: `pid ${pid} is inside ${path} and could not be moved out: ${why}`,
  hint: "name a cgroup outside the target that accepts processes: --spare-to CGROUP",
  commands: [],
});

/** Move processes back, since a refused kill must change nothing. Any that has died meanwhile is left out. */
function moveBack(ctx: KillContext, origins: ReadonlyMap<Pid, Origin>): void {
  const { sys, cgroup, record } = ctx;
  const earlier = record.spared.filter(({ pid }) => !origins.has(pid));
  record.spared.splice(0, record.spared.length, ...earlier);
  for (const [pid, { held, path }] of origins) {
    try {
      using origin = openInHierarchy(sys, cgroup.hierarchy, path);
      moveHeld(ctx, held, origin ?? cgroup);
    } catch (error) {
      emit(ctx, "not-moved-back", { pid, error: String(error) });
    }
  }
}
