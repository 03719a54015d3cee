// The system calls through Node's API, for hosts that do not permit FFI. There are no pidfds, no locks and no terminal
// size, and poll is a short sleep. The priority that the first instructions set (scripts/build/entry.ts) stays, and signals
// that JavaScript cannot handle end this process.

// Named imports: the default export of node:fs loads fs/promises, which needs a thread.
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmdirSync,
  writeSync,
} from "node:fs";

import { decodeBytes, encodeText } from "../bytes.ts";
import { AT_FDCWD } from "../dir.ts";
import type { DirEntry, FileStatus } from "../sys.ts";
import { type Calls, ERRNO, type Result, withoutWait } from "./calls.ts";

/** Node's errors have the errno as a number. */
function attempt<T>(call: () => T): T | Result {
  try {
    return call();
  } catch (error) {
    const { errno } = error as { errno?: unknown };
    return typeof errno === "number" && errno !== 0 ? -Math.abs(errno) : -ERRNO.EIO;
  }
}

const done = (call: () => void): Result =>
  attempt(() => {
    call();
    return 0;
  });

/** Node has no calls relative to a directory. */
const bytesOf = (from: number, path: string): Buffer =>
  Buffer.from(encodeText(from === AT_FDCWD ? path : `/proc/self/fd/${from}/${path}`));

/** The longest sleep before the caller checks again. */
const NAP_MS = 5;

const toStatus = ({ dev, ino, mode, nlink, uid }: BigIntStats): FileStatus => ({
  dev,
  ino,
  mode: Number(mode),
  links: Number(nlink),
  uid: Number(uid),
});

export function nodeCalls(): Calls {
  return {
    isWalled: () => false,
    open: (from, path, flags) => attempt(() => openSync(bytesOf(from, path), withoutWait(flags))),
    close: (fd) => void done(() => closeSync(fd)),
    pread: (fd, into, from, at) => attempt(() => readSync(fd, into, from, into.length - from, at)),
    read: (fd, into) => attempt(() => readSync(fd, into, 0, into.length, null)),
    write: (fd, bytes) => attempt(() => writeSync(fd, bytes, 0, bytes.length)),
    writeOnce: (fd, bytes) => attempt(() => writeSync(fd, bytes, 0, bytes.length)),
    fstat: (fd) => attempt(() => toStatus(fstatSync(fd, { bigint: true }))),
    stat: (from, path) => attempt(() => toStatus(lstatSync(bytesOf(from, path), { bigint: true }))),
    readlink: (from, path) => attempt(() => decodeBytes(readlinkSync(bytesOf(from, path), { encoding: "buffer" }))),
    entries: (from, path, kind, isLate) =>
      attempt(() => {
        const dir = bytesOf(from, path);
        const found: DirEntry[] = [];
        for (const name of readdirSync(dir, { encoding: "buffer" })) {
          if (isLate?.() === true) return -ERRNO.ETIMEDOUT;
          const path = Buffer.concat([dir, Buffer.from("/"), name]);
          const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
          if (status !== undefined && (kind === "all" || status.isDirectory()))
            found.push({ name: decodeBytes(name), ino: status.ino });
        }
        return found;
      }),
    mkdir: (from, path) => done(() => mkdirSync(bytesOf(from, path))),
    rmdir: (from, path) => done(() => rmdirSync(bytesOf(from, path))),
    kill: (pid, signal) => done(() => process.kill(pid, signal)),
    poll(fds, timeoutMs) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(timeoutMs, NAP_MS));
      // Any of them may be ready, so report every requested event.
      for (let at = 1; at < fds.length; at += 2) fds[at] = (fds[at] as number) | ((fds[at] as number) << 16);
      return fds.length / 2;
    },
  };
}
