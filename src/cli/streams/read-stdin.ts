// Standard input as it arrives, by plain reads of descriptor 0.

import { PROC } from "../../sys/dir.ts";
import { readOr, SysError } from "../../sys/errno.ts";
import { isSingleThreaded } from "../../sys/proc.ts";
import { DEADLY } from "../../sys/signals.ts";
import { type Fd, type Host, type Millis, POLLIN } from "../../sys/sys.ts";
import { openAgain } from "./nonblocking-writer.ts";

const STDIN = 0;
const BUFFER_BYTES = 64 * 1024;
/** How long the first wait lasts, after which `onWait` is called; and every wait if signals cannot be held back. */
const SLICE_MS: Millis = 50;
/** For as long as the kernel allows: input or a signal ends the wait. */
const WAIT_MS: Millis = Number.POSITIVE_INFINITY;

export type OnWait = () => Promise<void>;

/**
 * Read standard input until its end, or until a signal asks us to stop.
 *
 * @param onWait  called once, when a pipe, FIFO or socket has nothing to read; never if the caller writes all names at
 *   once and closes it
 * @returns pieces that share one buffer: each is valid until the next is requested
 * @throws SysError  standard input is closed, or a directory
 */
export async function* readInput(sys: Host, abort: AbortSignal, onWait: OnWait): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  const reopened = reopen(sys);
  let hasWaited = false;
  let canHold = false;
  try {
    while (!abort.aborted) {
      await sys.turn();
      const ready = canHold ? await waitForInput(sys, abort) : sys.poll(INPUT, SLICE_MS);
      if (ready.length === 0) {
        if (hasWaited) continue;
        hasWaited = true;
        if (["pipe", "socket"].includes(sys.kindOf(STDIN))) await onWait();
        // Signals are held back in this thread only: another one would take them, and nothing would end the wait.
        canHold = isSingleThreaded(sys);
        continue;
      }
      const got = readSome(sys, reopened ?? STDIN, buffer);
      if (got === 0) return;
      if (got !== undefined) yield buffer.subarray(0, got);
    }
  } finally {
    if (reopened !== undefined) sys.close(reopened);
  }
}

const INPUT = [{ fd: STDIN, events: POLLIN }];

/** @returns nothing if a signal has ended the wait */
async function waitForInput(sys: Host, abort: AbortSignal): Promise<readonly Fd[]> {
  using held = sys.holdSignals(Object.values(DEADLY));
  if (held === undefined) return sys.poll(INPUT, SLICE_MS);
  // Of a signal that came before, one turn takes notice, and the next calls its handler.
  await sys.turn();
  await sys.turn();
  return abort.aborted ? [] : held.poll(INPUT, WAIT_MS);
}

/**
 * Open a pipe again: another reader of it may take what poll(2) has reported, and a read that waits lets no signal in.
 * The given descriptor is still the one that is polled: only it reports that the last writer of a FIFO left earlier.
 *
 * @returns `undefined` if standard input is no pipe, or cannot be opened again
 */
function reopen(sys: Host): Fd | undefined {
  const isPipe = readOr(false, () => sys.kindOf(STDIN) === "pipe");
  return isPipe ? openAgain(sys, STDIN, () => sys.openFile(PROC, `self/fd/${STDIN}`)) : undefined;
}

/** @returns the number of bytes, 0 at end of file; `undefined` if nothing has arrived */
function readSome(sys: Host, input: Fd, buffer: Uint8Array): number | undefined {
  try {
    return sys.readSome(input, buffer);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno === "EAGAIN") return undefined;
    throw new SysError("read", "standard input", error.errno);
  }
}
