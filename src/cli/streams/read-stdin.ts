// Standard input as it arrives, by plain reads of descriptor 0.

import { SysError } from "../../sys/errno.ts";
import { type Fd, type Host, type Millis, POLLIN } from "../../sys/sys.ts";
import { findEventLoop } from "./event-loop.ts";

const STDIN = 0;
const BUFFER_BYTES = 64 * 1024;
/** How long the first wait lasts, after which `onWait` is called. Without an event loop to wait for, every wait. */
const SLICE_MS: Millis = 50;
/** A signal ends the wait. */
const WAIT_MS: Millis = 60_000;
/** The wait after one that ended without input: one turn takes a signal from the event loop, the next calls its handler. */
const NEXT_TURN_MS: Millis = 1;
/** An event loop that is ready so many times in a row, without input, is not waited for any more. */
const MAX_WAKEUPS = 100;

/**
 * Read standard input until its end, or until a signal asks us to stop.
 *
 * @param onWait  called once, when a pipe, FIFO or socket has nothing to read; never if the caller writes all names at
 *   once and closes it
 * @returns pieces that share one buffer: each is valid until the next is requested
 * @throws SysError  standard input is closed, or a directory
 */
export async function* readInput(
  sys: Host,
  abort: AbortSignal,
  onWait: () => Promise<void> = async () => {},
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let loop: Fd | undefined;
  let hasWaited = false;
  let wakeups = 0;
  while (!abort.aborted) {
    await sys.turn();
    const watched = loop === undefined ? [STDIN] : [loop, STDIN];
    const waitMs = loop === undefined ? SLICE_MS : wakeups > 0 ? NEXT_TURN_MS : WAIT_MS;
    const ready = sys.poll(
      watched.map((fd) => ({ fd, events: POLLIN })),
      waitMs,
    );
    if (!ready.includes(STDIN)) {
      if (!hasWaited) {
        hasWaited = true;
        if (["pipe", "socket"].includes(sys.kindOf(STDIN))) await onWait();
        loop = findEventLoop(sys);
      }
      // A short wait that nothing has ended is followed by a long one.
      wakeups = ready.length === 0 && wakeups > 0 ? 0 : wakeups + 1;
      if (wakeups > MAX_WAKEUPS) loop = undefined;
      continue;
    }
    wakeups = 0;
    const got = readSome(sys, buffer);
    if (got === 0) return;
    if (got !== undefined) yield buffer.subarray(0, got);
  }
}

/** @returns the number of bytes, 0 at end of file; `undefined` if nothing has arrived */
function readSome(sys: Host, buffer: Uint8Array): number | undefined {
  try {
    return sys.readSome(STDIN, buffer);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno === "EAGAIN") return undefined;
    throw new SysError("read", "standard input", error.errno);
  }
}
