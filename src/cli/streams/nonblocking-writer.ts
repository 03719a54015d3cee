// A descriptor that is written to without being waited for: what it does not take at once is kept, and tried again. A
// write that waits for a reader would stop a kill whose target is frozen, and make it deaf to signals.

import { encodeText } from "../../sys/bytes.ts";
import { SysError } from "../../sys/errno.ts";
import { type Fd, type Host, type Millis, POLLOUT, type Sys } from "../../sys/sys.ts";

/** PIPE_BUF: so much goes at once into a pipe or a socket that poll(2) calls writable. */
const CHUNK_BYTES = 4096;

export interface Queue {
  /** @param most  where more bytes than these are kept already, the text is dropped */
  write(text: string, most?: number): void;
  /** Write what can be written at once. @returns whether anything could be */
  push(): boolean;
  hasRest(): boolean;
  /** How many texts were dropped since this was last asked. */
  takeDropped(): number;
  /** What ended the writing: a reader that is gone, a full disk, a closed descriptor. */
  errno(): string | undefined;
}

/** How a descriptor is written to. */
interface Way {
  readonly fd: Fd;
  /** `undefined`: everything at once. */
  readonly chunk: number | undefined;
  readonly isReady: () => boolean;
}

/** Has one of these room? Where poll(2) itself fails it may have: better to wait for a reader than to tell nothing. */
export function hasRoom(sys: Sys, fds: readonly Fd[], timeoutMs: Millis): boolean {
  try {
    const asked = fds.map((fd) => ({ fd, events: POLLOUT }));
    return sys.poll(asked, timeoutMs).length > 0;
  } catch (error) {
    if (error instanceof SysError) return true;
    throw error;
  }
}

/**
 * A pipe and a terminal are opened once more, for a file status of our own: O_NONBLOCK on the descriptor we were given
 * would be everybody's who shares it. What cannot be opened (a socket, or what belongs to somebody else) is asked before
 * each chunk. A file never makes anybody wait.
 */
function findWay(sys: Host, given: Fd): Way {
  const kind = sys.kindOf(given);
  if (kind === "file") return { fd: given, chunk: undefined, isReady: () => true };
  const asked: Way = { fd: given, chunk: CHUNK_BYTES, isReady: () => hasRoom(sys, [given], 0) };
  if (kind === "socket") return asked;
  try {
    const fd = sys.openForWriting(given);
    const [mine, theirs] = [sys.statusOf(fd), sys.statusOf(given)];
    // /proc may be that of another pid namespace.
    if (mine.dev === theirs.dev && mine.ino === theirs.ino) return { fd, chunk: undefined, isReady: () => true };
    sys.close(fd);
  } catch {
    // Asked each time, then.
  }
  return asked;
}

export function createQueue(sys: Host, given: Fd): Queue {
  const kept: Uint8Array[] = [];
  let keptBytes = 0;
  let dropped = 0;
  let ended: string | undefined;
  let way: Way | undefined;

  /** @returns how many bytes were taken, 0 where it is full */
  const attempt = (work: (way: Way) => number): number => {
    try {
      way ??= findWay(sys, given);
      return way.isReady() ? work(way) : 0;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "EAGAIN") return 0;
      ended = error.errno;
      kept.length = 0;
      keptBytes = 0;
      return 0;
    }
  };
  const keep = (bytes: Uint8Array): void => {
    if (bytes.length === 0 || ended !== undefined) return;
    kept.push(bytes);
    keptBytes += bytes.length;
  };
  const push = (): boolean => {
    let isMoved = false;
    for (let first = kept[0]; first !== undefined; first = kept[0]) {
      const bytes = first;
      const wrote = attempt(({ fd, chunk = bytes.length }) => sys.writeSome(fd, bytes.subarray(0, chunk)));
      if (wrote === 0) break;
      isMoved = true;
      keptBytes -= wrote;
      if (wrote === bytes.length) kept.shift();
      else kept[0] = bytes.subarray(wrote);
    }
    return isMoved;
  };
  return {
    write(text, most = Number.POSITIVE_INFINITY) {
      if (ended !== undefined || text === "") return;
      push();
      if (keptBytes > most) {
        dropped++;
        return;
      }
      keep(encodeText(text));
      push();
    },
    push,
    hasRest: () => kept.length > 0,
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
    errno: () => ended,
  };
}
