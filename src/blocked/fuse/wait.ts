// Finds the FUSE connection that a process waits in, and the process that should answer.

import type { MountInfo } from "../../cgroup/open/mountinfo.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { connectionOf, findOnlyMount, isFuse, type SeenMounts } from "../mounts.ts";
import { readServer, readSwitches } from "../server-state.ts";
import { type BlockedThread, isFuseWait } from "../threads.ts";
import type { Server } from "../types.ts";
import type { Holders } from "./servers.ts";

export interface FuseWait {
  /** `null` if several connections are possible. */
  readonly connection: number | null;
  readonly mount: MountInfo | null;
}

/** Kernel functions that do not reveal the file system: locks of an inode or page, the start of a look-up. */
const GENERIC = /folio|page|rwsem|mutex|d_alloc|d_wait|lookup|iget|inode|writeback/;

/**
 * Find the connection that a blocked thread waits in. Its kernel functions prove that it is FUSE; its descriptors only
 * suggest the connection, because another thread may have replaced them.
 *
 * @param waiting  the connections in which requests wait; `undefined` if that cannot be read
 * @returns `undefined` if the thread does not wait for FUSE
 */
export function findFuseWait(
  sys: Sys,
  thread: BlockedThread,
  seen: SeenMounts,
  waiting: ReadonlyMap<number, number> | undefined,
): FuseWait | undefined {
  const { functions, isInExec } = thread;
  const isKnown = functions.some(isFuseWait);
  if (!isKnown && !isInExec && !functions.some((name) => GENERIC.test(name))) return undefined;
  const possible = seen.mounts.filter((mount) => isFuse(mount) && (waiting?.has(connectionOf(mount)) ?? true));
  const mount = findOnlyMount(sys, thread, seen, possible, isKnown || isInExec);
  if (mount !== undefined) return { connection: connectionOf(mount), mount };
  if (!isKnown) return undefined;
  // A process that has almost exited no longer shows its mounts.
  const [connection, ...more] = possible.length === 0 ? (waiting?.keys() ?? []) : [];
  return { connection: more.length === 0 ? (connection ?? null) : null, mount: null };
}

/** What is known about the servers of one connection. */
export interface Service {
  /** The server to report, preferably one that can act; `null` if unknown. */
  readonly server: Server | null;
  /** Whether no process outside the target can answer any more. */
  readonly isOver: boolean;
  /** Changes when a server that is not dead runs, or when a server appears or disappears. */
  readonly activity: string;
}

/**
 * Judge the processes that may serve a connection.
 *
 * @param isInside  whether a process is in the target, and is therefore killed too
 */
export function judgeService(
  sys: Sys,
  connection: number,
  { byConnection, ofUnknown, isComplete, isCut }: Holders,
  isInside: (pid: Pid) => boolean,
): Service {
  const known = byConnection.get(connection) ?? new Set();
  const pids = [...new Set([...known, ...ofUnknown])];
  const servers = pids.map((pid) => readServer(sys, pid)).filter((server) => server !== undefined);
  const acting = servers.find(({ pid, state }) => state === "alive" && !isInside(pid));
  const isOne = known.size > 0 || ofUnknown.size === 1;
  const shown = servers.filter(({ pid }) => known.has(pid) || known.size === 0);
  return {
    server: isOne ? (shown.find(({ pid }) => pid === acting?.pid) ?? shown[0] ?? null) : null,
    isOver: acting === undefined && !isCut && (isComplete || servers.length > 0),
    activity: servers
      .map(({ pid, state }) => (state === "dead" ? String(pid) : `${pid} ${state} ${readSwitches(sys, pid)}`))
      .join("; "),
  };
}
