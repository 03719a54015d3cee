// Standard input as it arrives, by plain reads of descriptor 0.

import { SysError } from "../../sys/errno.ts";
import { type Host, POLLIN } from "../../sys/sys.ts";

const STDIN = 0;
const BUFFER_BYTES = 64 * 1024;
/** How long a signal may go unnoticed while no input arrives. */
const SLICE_MS = 50;

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
  let hasWaited = false;
  while (!abort.aborted) {
    await sys.turn();
    if (sys.poll([{ fd: STDIN, events: POLLIN }], SLICE_MS).length === 0) {
      if (!hasWaited && ["pipe", "socket"].includes(sys.kindOf(STDIN))) await onWait();
      hasWaited = true;
      continue;
    }
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
