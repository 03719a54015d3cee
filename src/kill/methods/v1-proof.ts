// v1, where the directory is kept: no single read of the lists proves that a subtree is empty, because a process that is
// moved to and fro by another is in none of them when it is read. But its own /proc/PID/cgroup always names a place
// inside. So all of /proc is asked, best while the subtree is frozen: then no member can fork or end meanwhile.

import { isWithin, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { presentPath } from "../../cgroup/open/open-path.ts";
import { PROC_PATH_BYTES } from "../../cgroup/open/path-names.ts";
import { encodeText } from "../../sys/bytes.ts";
import { isDenied, isGone, SysError } from "../../sys/errno.ts";
import { isDead, isInPidNamespace, listThreads, type ProcessStat, readStat } from "../../sys/proc.ts";
import { type Pid, PROC, type Sys } from "../../sys/sys.ts";
import { type KillContext, walkDeadline, yieldToSignals } from "../context.ts";
import { SIGNALS } from "../signal-names.ts";
import { signalAll } from "../steps/signal.ts";

/** What /proc says of a target. */
interface Claims {
  readonly inside: ReadonlySet<Pid>;
  /** Every process was asked, and the target had one name all the while. */
  readonly isComplete: boolean;
}

const YIELD_EVERY = 128;
/** A target that is renamed without end. */
const SCANS = 8;

export const needsProof = ({ plan, cgroup }: KillContext): boolean => !plan.remove && cgroup.hierarchy.version === "v1";

/** Which processes say that they are inside, by any of their threads? Those that are spared are not asked. */
async function readClaims(ctx: KillContext): Promise<Claims> {
  const { sys, plan } = ctx;
  for (let scan = 1; ; scan++) {
    const path = pathOf(ctx);
    if (path === undefined) return { inside: new Set(), isComplete: false };
    const inside = new Set<Pid>();
    let isComplete = !isInPidNamespace(sys);
    let asked = 0;
    const end = walkDeadline(ctx);
    for (const { name } of sys.readSubdirs(PROC)) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === sys.pid || plan.options.spare.includes(pid)) continue;
      const claim = readClaim(ctx, pid, path);
      if (claim === true) inside.add(pid);
      isComplete &&= claim !== undefined;
      if (++asked % YIELD_EVERY !== 0) continue;
      await yieldToSignals(ctx);
      if (sys.now() > end) return { inside, isComplete: false };
    }
    if (pathOf(ctx) === path) return { inside, isComplete };
    if (scan === SCANS) return { inside, isComplete: false };
  }
}

function pathOf({ sys, cgroup }: KillContext): string | undefined {
  try {
    const path = presentPath(sys, cgroup);
    return path === undefined || encodeText(path).length >= PROC_PATH_BYTES ? undefined : path;
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

/** @returns `undefined` where its /proc is hidden from us */
function readClaim({ sys, cgroup }: KillContext, pid: Pid, path: string): boolean | undefined {
  const isInside = (id: Pid): boolean => {
    const place = readCgroupPath(sys, cgroup.hierarchy, id);
    return place !== undefined && isWithin(place, path);
  };
  try {
    if (isInside(pid)) return isAlive(readStat(sys, pid));
    return hasThreads(sys, pid) && listThreads(sys, pid).some((tid) => tid !== pid && isInside(tid));
  } catch (error) {
    if (isDenied(error)) return undefined;
    if (isGone(error)) return false;
    throw error;
  }
}

/** The link count of its directory of threads is 2 + their number. */
function hasThreads(sys: Sys, pid: Pid): boolean {
  const fd = sys.openDir(PROC, `${pid}/task`);
  try {
    return sys.statusOf(fd).links > 3;
  } finally {
    sys.close(fd);
  }
}

const isAlive = (stat: ProcessStat | undefined): boolean => stat !== undefined && !isDead(stat);

/** SIGKILL the members that no list has shown; until a scan finds no new one. Called while the subtree is frozen. */
export async function signalUnlisted(ctx: KillContext, done: Set<Pid>, isFrozen: boolean): Promise<void> {
  const { record } = ctx;
  for (;;) {
    const { inside, isComplete } = await readClaims(ctx);
    const fresh = [...inside].filter((pid) => !done.has(pid));
    record.isScanned = isFrozen && isComplete && fresh.length === 0;
    if (fresh.length === 0) return;
    await killClaimed(ctx, fresh, done);
    if (ctx.sys.now() > record.deadline) return;
  }
}

async function killClaimed(ctx: KillContext, pids: readonly Pid[], done: Set<Pid>): Promise<void> {
  const listed = { pids: new Set(pids), invisible: 0, cgroups: new Set<bigint>(), isComplete: true };
  const options = { signal: SIGNALS.KILL, after: (pid: Pid) => void ctx.record.signalled.set(pid, null), byProc: true };
  await signalAll(ctx, pids, listed, options, done);
  // One that could not be signalled is not tried again in this round.
  for (const pid of pids) done.add(pid);
}

/** The same of a target that was found empty: nothing is killed. Its emptiness is proven if it is so. */
export async function isScannedEmpty(ctx: KillContext): Promise<boolean> {
  const { inside, isComplete } = await readClaims(ctx);
  ctx.record.isScanned = isComplete && inside.size === 0;
  return ctx.record.isScanned;
}

/**
 * The last word on an emptied v1 target that is kept: no process claims to be inside. What does is killed.
 *
 * @returns whether it is so
 */
export async function proveEmpty(ctx: KillContext): Promise<boolean> {
  const { record } = ctx;
  if (!needsProof(ctx) || record.isScanned) return true;
  const { inside, isComplete } = await readClaims(ctx);
  record.isScanned = isComplete && inside.size === 0;
  if (inside.size === 0) return true;
  await killClaimed(ctx, [...inside], new Set());
  return false;
}
