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
  /** The number of texts dropped since the last call. */
  takeDropped(): number;
  /** The error that ended the output: a closed pipe, a full disk, a closed descriptor. */
  errno(): string | undefined;
}

/** How to write to a descriptor without blocking. */
interface Writer {
  readonly fd: Fd;
  /** Maximum bytes per write; `undefined`: no limit. */
  readonly chunkBytes: number | undefined;
  readonly isReady: () => boolean;
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
 * Pipes and terminals are opened again: O_NONBLOCK on the given descriptor would affect every process that shares its
 * open file description. What cannot be opened again, such as a socket or another user's terminal, is polled before each
 * chunk. Regular files never block.
 */
function createWriter(sys: Host, given: Fd): Writer {
  const kind = sys.kindOf(given);
  if (kind === "file") return { fd: given, chunkBytes: undefined, isReady: () => true };
  const polled: Writer = { fd: given, chunkBytes: CHUNK_BYTES, isReady: () => pollWritable(sys, [given], 0) };
  if (kind === "socket") return polled;
  try {
    const fd = sys.openForWriting(given);
    const [reopened, original] = [sys.statusOf(fd), sys.statusOf(given)];
    // If /proc belongs to another pid namespace, /proc/self/fd may name another file.
    if (reopened.dev === original.dev && reopened.ino === original.ino) {
      return { fd, chunkBytes: undefined, isReady: () => true };
    }
    sys.close(fd);
  } catch {
    // Not permitted to open it again: it is polled.
  }
  return polled;
}

export function createQueue(sys: Host, given: Fd): Queue {
  const queued: Uint8Array[] = [];
  let queuedBytes = 0;
  let dropped = 0;
  let endedBy: string | undefined;
  let writer: Writer | undefined;

  /** @returns the number of bytes accepted; 0 if it is full or the output has ended */
  const writeSome = (bytes: Uint8Array): number => {
    try {
      writer ??= createWriter(sys, given);
      const { fd, chunkBytes = bytes.length, isReady } = writer;
      return isReady() ? sys.writeSome(fd, bytes.subarray(0, chunkBytes)) : 0;
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
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
    errno: () => endedBy,
  };
}
