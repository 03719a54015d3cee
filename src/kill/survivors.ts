// Which processes are left at the deadline, why, and what an operator can do about it. Reads nothing that can hang.

import { type Advice, AS_OWNER_OF_PROCESS } from "../advice.ts";
import { comparablePath } from "../cgroup/inside.ts";
import { readProcs } from "../cgroup/members.ts";
import { findFreezer, readCgroupPath } from "../cgroup/open/hierarchy.ts";
import { isWithin } from "../cgroup/open/path-names.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import { readOr } from "../sys/errno.ts";
import { isDead, readStat, readStatus, readWchan } from "../sys/proc.ts";
import type { Pid } from "../sys/sys.ts";
import { type KillContext, listLeft, yieldToSignals } from "./context.ts";
import { readFrozenBy, thawCommand } from "./frozen-by.ts";
import { proveEmpty } from "./methods/v1-proof.ts";
import { isEmpty } from "./steps/wait.ts";
import type { Survivor, SurvivorReason } from "./types.ts";

/** Time past the deadline for the lists and the descriptions. After it, survivors are reported without details. */
const DESCRIBE_MS = 300;

/** A process that was just thawed or signalled shows where it is blocked only when it has run again. */
const SETTLE_MS = 10;
/** On a busy machine it takes longer until it has run. */
const MAX_LOOKS = 8;

/**
 * Describe every remaining member, and every process that was signalled or moved and lives elsewhere.
 *
 * Survivors without a pid, because they are in another pid namespace or in no list, share one entry.
 *
 * @returns none only if all have died meanwhile: call it only if the kernel says that the subtree is not empty
 */
export async function findSurvivors(ctx: KillContext): Promise<readonly Survivor[]> {
  const { sys, cgroup, followed, record } = ctx;
  sys.poll([], SETTLE_MS);
  const until = sys.now() + DESCRIBE_MS;
  followed.dropAllDead();
  const { pids, invisible } = await listLeft(ctx, until);
  const freezer = findFreezer(sys);
  record.invisible = invisible;
  const describeAll = async (): Promise<Survivor[]> => {
    const described: Survivor[] = [];
    for (const pid of new Set([...pids, ...followed.pids])) {
      if (pid === sys.pid || ctx.plan.options.spare.includes(pid)) continue;
      await yieldToSignals(ctx);
      const survivor = sys.now() > until ? withPidOnly(ctx, pid) : describeIfReadable(ctx, pid, freezer, pids);
      if (survivor !== undefined && survivor !== "dead") described.push(survivor);
    }
    return described;
  };
  let survivors: Survivor[] = [];
  for (let look = 1; ; look++) {
    survivors = await describeAll();
    const isNone = survivors.length + invisible === 0;
    if (isNone) {
      followed.dropAllDead();
      if (followed.size === 0 && (await isEmpty(ctx)) && (await proveEmpty(ctx))) return [];
    }
    const isSettled = !isNone && survivors.every(({ state }) => state !== "R");
    if (isSettled || look === MAX_LOOKS || sys.now() > until) break;
    sys.poll([], SETTLE_MS);
  }
  if (invisible > 0) survivors.push(withoutPid(cgroup.path, "not-visible", invisible));
  if (survivors.length === 0) survivors.push(withoutPid(cgroup.path, "still-exiting", 1));
  const { explainBlocks } = await import("./stuck/explain-blocks.ts");
  return await explainBlocks(ctx, survivors, pids);
}

/** A survivor whose /proc entry cannot be read is reported by its pid alone. */
function describeIfReadable(
  ctx: KillContext,
  pid: Pid,
  freezer: Hierarchy | undefined,
  listed: ReadonlySet<Pid>,
): Survivor | "dead" | undefined {
  const read = (): Survivor | "dead" | undefined => {
    const survivor = describe(ctx, pid, freezer);
    if (survivor !== undefined || !listed.has(pid)) return survivor;
    // With hidepid=2 a process may be missing from /proc and still be in the lists.
    return readProcs(ctx.sys, ctx.cgroup.dir).includes(pid) ? withPidOnly(ctx, pid) : undefined;
  };
  return readOr(withPidOnly(ctx, pid), read);
}

function withPidOnly({ record, cgroup }: KillContext, pid: Pid): Survivor {
  const reason = record.denied.has(pid) ? "not-permitted" : "still-exiting";
  return { ...withoutPid(cgroup.path, reason, 1), pid };
}

function describe(ctx: KillContext, pid: Pid, freezer: Hierarchy | undefined): Survivor | "dead" | undefined {
  const { sys, cgroup, record } = ctx;
  const stat = readStat(sys, pid);
  const status = readStatus(sys, pid);
  if (stat === undefined || status === undefined) return undefined;
  if (isDead(stat)) return "dead";
  const frozenBy = freezer === undefined ? null : readFrozenBy(sys, freezer, pid, stat.threads);
  const wchan = readWchan(sys, pid);
  const shown = readCgroupPath(sys, cgroup.hierarchy, pid);
  // On v1 an exiting process is shown in the root, wherever it is.
  const isUnknown = shown === undefined || (stat.isExiting && shown === "/" && cgroup.hierarchy.version === "v1");
  const place = isUnknown ? cgroup.path : shown;
  const target = comparablePath(sys, cgroup);
  const isAway = !isUnknown && target !== undefined && !isWithin(place, target);
  const findReason = (): SurvivorReason => {
    if (stat.isKernelThread) return "kernel-thread";
    if (record.denied.has(pid) && !status.sigkillPending) return "not-permitted";
    if (frozenBy !== null) return "frozen-elsewhere";
    if (status.tracerPid > 0 && stat.state.toLowerCase() === "t") return "traced";
    if (status.isDumpingCore) return "dumping-core";
    if (stat.state === "D") return "uninterruptible";
    return isAway ? "moved-away" : "still-exiting";
  };
  return withAdvice({
    pid,
    ppid: stat.ppid,
    comm: stat.comm,
    state: stat.state,
    uid: status.uid,
    wchan,
    sigkillPending: status.sigkillPending,
    frozenBy,
    tracerPid: status.tracerPid > 0 ? status.tracerPid : null,
    blockedOn: null,
    cgroup: place,
    reason: findReason(),
  });
}

type Unadvised = Omit<Survivor, keyof Advice>;

function withAdvice(survivor: Unadvised): Survivor {
  const { reason, frozenBy } = survivor;
  const commands = reason === "frozen-elsewhere" && frozenBy !== null ? [thawCommand(frozenBy)] : [];
  return { ...survivor, hint: hintFor(survivor), commands };
}

function hintFor({ reason, pid, wchan, sigkillPending, tracerPid, cgroup }: Unadvised): string {
  switch (reason) {
    case "kernel-thread":
      return "a kernel thread cannot be killed: move it to the root of the hierarchy";
    case "not-permitted":
      return AS_OWNER_OF_PROCESS;
    case "frozen-elsewhere":
      return "thaw the cgroup that freezes it, and it dies";
    case "traced":
      return `held by its tracer, pid ${tracerPid}: kill or detach it`;
    case "dumping-core":
      return "it dies when its core dump is written: give it more time, --timeout 1m";
    case "uninterruptible":
      return `blocked in the kernel (${wchan ?? "unknown"}): it dies when that call returns; see /proc/${pid}/stack, and its disk, network or FUSE mounts`;
    case "not-visible":
      return "they belong to another pid namespace: run cgkill on the host";
    case "moved-away":
      return `it was moved to ${cgroup} while dying: SIGKILL is under way`;
    case "still-exiting":
      return `${sigkillPending === true ? "SIGKILL is under way" : "it is exiting, or was not reached in time"}: give it more time, --timeout 1m`;
  }
}

function withoutPid(cgroup: string, reason: SurvivorReason, count: number): Survivor {
  return withAdvice({
    pid: 0,
    ppid: null,
    comm: count === 1 ? null : `(${count} processes)`,
    state: null,
    uid: null,
    wchan: null,
    sigkillPending: null,
    frozenBy: null,
    tracerPid: null,
    blockedOn: null,
    cgroup,
    reason,
  });
}
