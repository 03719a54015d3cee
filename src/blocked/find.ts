// Finds what blocks a process: the entry to this folder for commands that report. Read-only, and reads nothing that may
// hang: no path on a suspect file system, no memory of a process, no file in /proc that an exec may block.

import type { MountInfo } from "../cgroup/open/mountinfo.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Dir } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { readStatus } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import {
  type AdviceContext,
  deviceAdvice,
  dumpAdvice,
  fuseAdvice,
  memoryAdvice,
  networkAdvice,
  type Reach,
  type Text,
  vforkAdvice,
} from "./advice.ts";
import { findDeviceWait } from "./device.ts";
import { openFuseConnections } from "./fuse/connections.ts";
import { findHolders, type Holders, SEARCH_MS } from "./fuse/servers.ts";
import { findFuseWait, type FuseWait, judgeService } from "./fuse/wait.ts";
import { isReleasing, measureRelease } from "./memory.ts";
import { createMountReader, isServedHere, readOpenMounts, type SeenMounts } from "./mounts.ts";
import { findNetworkWait } from "./network.ts";
import { findDumpHandler, findVforkChild } from "./processes.ts";
import { type BlockedThread, findBlockedThreads } from "./threads.ts";
import type { BlockedOn, BlockKind, Finding } from "./types.ts";

interface BlockReader extends Disposable {
  /** @returns `undefined` if the process is not blocked, or the cause cannot be found */
  readonly read: (pid: Pid) => Promise<Finding | undefined>;
  /** Whether its descriptors are hidden from us: seeing them takes CAP_SYS_PTRACE. */
  readonly isHidden: (pid: Pid) => boolean;
}

export interface BlockOptions extends AdviceContext {
  /** Whether a process is in the target. */
  readonly isInside: (pid: Pid) => boolean;
  /** The directory of the target. */
  readonly dir?: Dir;
  readonly pace?: Pace;
  /** Processes that have /dev/fuse open, if the caller has already searched for them. */
  readonly holders?: Holders | undefined;
}

/** The reader searches the host for FUSE servers once, at the first process that waits for one. */
export function createBlockReader(sys: Sys, options: BlockOptions): BlockReader {
  const connections = openFuseConnections(sys);
  const waiting = connections?.findWaiting();
  const mountsOf = createMountReader(sys);
  const pace = {
    ...options.pace,
    until: Math.min(options.pace?.until ?? Number.POSITIVE_INFINITY, sys.now() + SEARCH_MS),
  };
  let { holders } = options;
  // A process in an exec cannot be entered.
  const reachOf = (pid: Pid, { isInExec }: BlockedThread, mount: MountInfo | null, seen: SeenMounts): Reach => ({
    enterMountsOf: mount === null || isInExec || seen.ownOf(mount) !== undefined ? null : pid,
    isCovered: mount !== null && seen.isCovered(mount),
  });
  const explainFuse = async (pid: Pid, thread: BlockedThread, seen: SeenMounts, wait: FuseWait): Promise<Finding> => {
    const { connection, mount } = wait;
    const count = connection === null ? null : (waiting?.get(connection) ?? null);
    holders ??= await findHolders(sys, pace);
    const service =
      connection !== null && isServedHere(mount)
        ? judgeService(sys, connection, holders, options.isInside)
        : { server: null, isOver: false, activity: "" };
    const known = { ...wait, waiting: count, server: service.server };
    const reach = reachOf(pid, thread, mount, seen);
    const facts = { ...service, ...known, ...reach, isFusectlMounted: connections !== undefined };
    return createFinding("fuse", { ...known, ...place(mount) }, fuseAdvice(facts, options));
  };
  const explainThread = async (pid: Pid, thread: BlockedThread): Promise<Finding | undefined> => {
    const child = findVforkChild(sys, thread, pid);
    if (child !== undefined) return createFinding("vfork", { server: child }, vforkAdvice(child));
    const seen = mountsOf(pid);
    const wait = findFuseWait(sys, thread, seen, waiting);
    if (wait !== undefined) return await explainFuse(pid, thread, seen, wait);
    const network = findNetworkWait(sys, thread, seen);
    if (network !== undefined) {
      return createFinding("nfs", place(network), networkAdvice(network, reachOf(pid, thread, network, seen)));
    }
    const device = findDeviceWait(sys, thread, seen);
    if (device === undefined) return undefined;
    const { mount, name } = device;
    const known = { ...place(mount), device: name, waiting: device.waiting };
    return { ...createFinding("block", known, deviceAdvice(device)), deviceNumber: device.number };
  };
  return {
    async read(pid) {
      if (readOr(false, () => readStatus(sys, pid)?.isDumpingCore)) {
        const handler = findDumpHandler(sys);
        return createFinding("core-dump", { server: handler }, dumpAdvice(handler));
      }
      for (const thread of findBlockedThreads(sys, pid)) {
        const finding = await explainThread(pid, thread);
        if (finding !== undefined) return finding;
      }
      if (!isReleasing(sys, pid)) return undefined;
      return createFinding("memory", {}, memoryAdvice(await measureRelease(sys, pid, options)));
    },
    isHidden: (pid) => readOpenMounts(sys, pid, []).isDenied,
    [Symbol.dispose]: () => connections?.[Symbol.dispose](),
  };
}

function createFinding(kind: BlockKind, known: Partial<BlockedOn>, advice: Text): Finding {
  const unknown = { mount: null, source: null, connection: null, waiting: null, device: null, server: null };
  return { blockedOn: { ...unknown, ...known, kind }, ...advice };
}

function place(mount: MountInfo | null): Pick<BlockedOn, "mount" | "source"> {
  return { mount: mount?.point ?? null, source: mount?.source ?? null };
}
