// The FUSE connections of this host: counts the requests that wait in each. No other file aborts a connection.

import { parseMountInfo } from "../../cgroup/open/mountinfo.ts";
import { openMount } from "../../cgroup/open/open-path.ts";
import { type Dir, dirOf, PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import type { Fd, Sys } from "../../sys/sys.ts";

/** An open directory in /sys/fs/fuse/connections: it stays this connection even if the number is reused. */
export interface FuseConnection {
  readonly number: number;
  readonly fd: Fd;
  readonly dir: Dir;
}

export interface FuseConnections extends Disposable {
  /** The connections in which requests wait, and how many in each. */
  readonly findWaiting: () => ReadonlyMap<number, number>;
  /** @returns the open connection, for the caller to close; `undefined` if there is none */
  readonly open: (connection: number) => FuseConnection | undefined;
}

/** Open /sys/fs/fuse/connections; `undefined` if fusectl is not mounted. */
export function openFuseConnections(sys: Sys): FuseConnections | undefined {
  const [mount] = parseMountInfo(sys.readFile(PROC, "self/mountinfo"), "fusectl").filter(({ root }) => root === "/");
  const fd = mount === undefined ? undefined : readOr(undefined, () => openMount(sys, mount));
  if (mount === undefined || fd === undefined) return undefined;
  const dir = dirOf(fd, mount.point);
  return {
    findWaiting() {
      const names = readOr([], () => sys.readSubdirs(dir)).map(({ name }) => name);
      const counts = names.map((name) => [Number(name), readWaiting(sys, dir, `${name}/waiting`) ?? 0] as const);
      return new Map(counts.filter(([, waiting]) => waiting > 0));
    },
    open(number) {
      const opened = readOr(undefined, () => sys.openDir(dir, String(number)));
      return opened === undefined ? undefined : { number, fd: opened, dir: dirOf(opened, `${mount.point}/${number}`) };
    },
    [Symbol.dispose]: () => sys.close(fd),
  };
}

function readWaiting(sys: Sys, dir: Dir, name: string): number | undefined {
  const waiting = Number(readOr("", () => sys.readRecord(dir, name)).trim() || Number.NaN);
  return Number.isNaN(waiting) ? undefined : waiting;
}

/** @returns the number of waiting requests; `undefined` if the connection has ended or cannot be read */
export const readWaitingIn = (sys: Sys, { dir }: FuseConnection): number | undefined =>
  readWaiting(sys, dir, "waiting");

/**
 * Abort a connection: every request in it fails, now and later, so that all users lose the file system.
 *
 * @throws SysError  EACCES: it belongs to another user; ENOENT: it has ended
 */
export function abortConnection(sys: Sys, { dir }: FuseConnection): void {
  sys.writeFile(dir, "abort", "1");
}
