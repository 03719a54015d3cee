// The process edge: the kernel, the streams and the signals in; the exit status out. One module with all that a kill
// needs, because each one that is loaded by itself costs a good part of a millisecond.

import { runCgkill } from "./cli/dispatch.ts";
import { createIo } from "./cli/streams/streams.ts";
import { commandLine } from "./sys/linux.ts";
import { createPause, DEADLY, type DeadlySignal, ignoredSignals, onDeadlySignal, raise } from "./sys/signals.ts";
import type { Host } from "./sys/sys.ts";

const SIGNALLED = 128;
const EXIT_BUG = 70;

/** Never returns: ends the process. */
export async function runProcess(sys: Host): Promise<never> {
  const io = createIo(sys);
  const interruption = new AbortController();
  const abort = interruption.signal;
  let caught: DeadlySignal | undefined;

  const ignored = ignoredSignals(sys);
  onDeadlySignal(ignored, (signal) => {
    // The first one counts. A second does not end us sooner: first we thaw, and that takes no time.
    caught ??= signal;
    interruption.abort(signal);
  });

  const pause = createPause(sys, ignored, abort);

  try {
    const status = await runCgkill(commandLine(sys), { sys, io, abort, pause });
    // The interruption did end us: our parent is to see that. As PID 1 of a namespace we live on, and exit.
    if (caught !== undefined && status === SIGNALLED + DEADLY[caught]) raise(caught);
    process.exit(status);
  } catch (error) {
    const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.writeErr(`cgkill: a bug in cgkill: ${trace}\n`);
    await io.flush(interruption.signal);
    process.exit(EXIT_BUG);
  }
}
