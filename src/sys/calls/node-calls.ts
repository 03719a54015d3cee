// The system calls by Node's API, where FFI is refused: no pidfds (ENOSYS, as on an old kernel), naps instead of events,
// no lock, no terminal.

// By name: the whole of node:fs brings fs/promises with it, which needs a thread.
import {
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

import { encodeText } from "../bytes.ts";
import type { Calls, DirEntry, Result } from "./calls.ts";

const ENOSYS = 38;
const ENOTTY = 25;
const EIO = 5;

/** An error of Node's has the number too. */
function attempt<T>(call: () => T): T | Result {
  try {
    return call();
  } catch (error) {
    const { errno } = error as { errno?: unknown };
    return typeof errno === "number" && errno !== 0 ? -Math.abs(errno) : -EIO;
  }
}

const done = (call: () => void): Result =>
  attempt(() => {
    call();
    return 0;
  });

const bytesOf = (path: string): Buffer => Buffer.from(encodeText(path));

/** The pace at which a host without poll(2) is looked at again. */
const NAP_MS = 5;
/** The least soft limit that is usual. */
const FILE_LIMIT = 256;

export function nodeCalls(): Calls {
  return {
    isWalled: () => false,
    open: (path, flags) => attempt(() => openSync(bytesOf(path), flags)),
    close: (fd) => void done(() => closeSync(fd)),
    pread: (fd, into, from, at) => attempt(() => readSync(fd, into, from, into.length - from, at)),
    read: (fd, into) => attempt(() => readSync(fd, into, 0, into.length, null)),
    write: (fd, bytes) => attempt(() => writeSync(fd, bytes, 0, bytes.length)),
    writeOnce: (fd, bytes) => attempt(() => writeSync(fd, bytes, 0, bytes.length)),
    fstat: (fd) =>
      attempt(() => {
        const { dev, ino, mode, nlink, uid } = fstatSync(fd, { bigint: true });
        return { dev, ino, mode: Number(mode), links: Number(nlink), uid: Number(uid) };
      }),
    readlink: (path) => attempt(() => readlinkSync(bytesOf(path), { encoding: "buffer" }) as unknown as Uint8Array),
    subdirs: (path) =>
      attempt(() => {
        const dir = bytesOf(path);
        const found: DirEntry[] = [];
        for (const name of readdirSync(dir, { encoding: "buffer" })) {
          const path = Buffer.concat([dir, Buffer.from("/"), name]);
          const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
          if (status?.isDirectory() === true) found.push({ name, ino: status.ino });
        }
        return found;
      }),
    mkdir: (path) => done(() => mkdirSync(bytesOf(path))),
    rmdir: (path) => done(() => rmdirSync(bytesOf(path))),
    flock: () => -ENOSYS,
    mountId: () => -ENOSYS,
    cloneMount: () => -ENOSYS,
    getxattr: () => -ENOSYS,
    setxattr: () => -ENOSYS,
    removexattr: () => -ENOSYS,

    pidfdOpen: () => -ENOSYS,
    pidfdSendSignal: () => -ENOSYS,
    pidfdCgroup: () => -ENOSYS,
    kill: (pid, signal) => done(() => process.kill(pid, signal)),
    poll(fds, timeoutMs) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(timeoutMs, NAP_MS));
      // Any of them may be ready: whatever was asked for has come.
      for (let at = 1; at < fds.length; at += 2) fds[at] = (fds[at] as number) | ((fds[at] as number) << 16);
      return fds.length / 2;
    },
    raiseFileLimit: () => FILE_LIMIT,
    // The priority that the first instructions asked for (scripts/build/entry.ts) stays: Node has no call for it.
    setUrgent() {},
    // Nor one for what a signal does: those that it cannot handle end us here.
    ignoreUndeliverable() {},
    makeInterrupting: () => false,
    hasRoomFor: () => false,
    windowSize: () => -ENOTTY,
  };
}
