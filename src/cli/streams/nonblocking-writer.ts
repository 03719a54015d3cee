// Writing to a descriptor without waiting for its reader: what it does not accept at once is queued and tried again. A
// blocking write would stall a kill while its target is frozen, and keep signals from being handled.

import { encodeText } from "../../sys/bytes.ts";
import { readOr, SysError } from "../../sys/errno.ts";
import { type Fd, type Host, type Millis, POLLOUT, type Sys } from "../../sys/sys.ts";

/** PIPE_BUF: a pipe or socket that poll(2) reports as writable accepts this much at once. */
const CHUNK_BYTES = 4096;

export interface Queue {
  /** @param maxQueuedBytes  the text is dropped if more than this is queued already */
  write(text: string, maxQueuedBytes?: number): void;
  /** Write what the descriptor accepts now. @returns whether it accepted anything */
  push(): boolean;
  isEmpty(): boolean;
  /** The number of texts dropped. */
  dropped(): number;
  /** The error that ended the output: a closed pipe, a full disk, a closed descriptor. */
  errno(): string | undefined;
}

/**
 * Wait until one of the descriptors is writable. If poll(2) itself fails they count as writable: blocking on a reader is
 * better than losing output.
 */
export function pollWritable(sys: Sys, fds: readonly Fd[], timeoutMs: Millis): boolean {
  const requests = fds.map((fd) => ({ fd, events: POLLOUT }));
  return readOr(true, () => sys.poll(requests, timeoutMs).length > 0);
}

/**
 * Open a pipe or terminal again; if that fails, poll it before each chunk. Regular files never block.
 *
 * @returns `mayBlock`: a write waits for poll(2), and is of no more bytes than that has promised
 */
function createWriter(sys: Host, given: Fd): { readonly fd: Fd; readonly mayBlock: boolean } {
  // If fstat(2) is denied, only the kind is unknown: messages must be printed all the same.
  const kind = readOr("other", () => sys.kindOf(given));
  if (kind === "file") return { fd: given, mayBlock: false };
  const fd = kind === "socket" ? undefined : openAgain(sys, given, () => sys.openForWriting(given));
  return fd === undefined ? { fd: given, mayBlock: true } : { fd, mayBlock: false };
}

/**
 * Open the file behind a descriptor again, for reads or writes that never wait. O_NONBLOCK on the given descriptor would
 * affect every process that shares its open file description.
 *
 * @param open  opens its file in /proc/self/fd
 * @returns `undefined` if that is impossible: a socket, or another user's terminal
 */
export function openAgain(sys: Host, given: Fd, open: () => Fd): Fd | undefined {
  return readOr(undefined, () => {
    const fd = open();
    const [reopened, original] = [sys.statusOf(fd), sys.statusOf(given)];
    if (reopened.dev === original.dev && reopened.ino === original.ino) return fd;
    // If /proc belongs to another pid namespace, /proc/self/fd may name another file.
    sys.close(fd);
    return undefined;
  });
}

export function createQueue(sys: Host, given: Fd): Queue {
  const queued: Uint8Array[] = [];
  let queuedBytes = 0;
  let dropped = 0;
  let endedBy: string | undefined;
  let writer: ReturnType<typeof createWriter> | undefined;

  /** @returns the number of bytes accepted; 0 if the output is full or has ended */
  const writeSome = (bytes: Uint8Array): number => {
    try {
      writer ??= createWriter(sys, given);
      const { fd, mayBlock } = writer;
      if (!mayBlock) return sys.writeSome(fd, bytes);
      return pollWritable(sys, [fd], 0) ? sys.writeSome(fd, bytes.subarray(0, CHUNK_BYTES)) : 0;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "EAGAIN") return 0;
      endedBy = error.errno;
      queued.length = 0;
      queuedBytes = 0;
      return 0;
    }
  };
  const push = (): boolean => {
    let hasWritten = false;
    for (let first = queued[0]; first !== undefined; first = queued[0]) {
      const written = writeSome(first);
      if (written === 0) break;
      hasWritten = true;
      queuedBytes -= written;
      if (written === first.length) queued.shift();
      else queued[0] = first.subarray(written);
    }
    return hasWritten;
  };
  return {
    write(text, maxQueuedBytes = Number.POSITIVE_INFINITY) {
      push();
      if (endedBy !== undefined || text === "") return;
      if (queuedBytes > maxQueuedBytes) {
        dropped++;
        return;
      }
      const bytes = encodeText(text);
      queued.push(bytes);
      queuedBytes += bytes.length;
      push();
    },
    push,
    isEmpty: () => queued.length === 0,
    dropped: () => dropped,
    errno: () => endedBy,
  };
}
