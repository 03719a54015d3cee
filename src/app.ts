// The process edge: the kernel, the streams and the signals in; the exit status out. One module with all that a kill
// needs, because each one that is loaded by itself costs a good part of a millisecond.

import { createIo } from "./cli/io.ts";
import { runCgkill } from "./cli/run.ts";
import { commandLine, ignoredSignals } from "./sys/linux.ts";
import type { Host } from "./sys/sys.ts";

/** The signals that ask us to stop, and the exit status that says so: 128 + the number. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGQUIT: 131 } as const;
const isIn = (mask: number, status: number): boolean => ((mask >>> (status - 129)) & 1) === 1;
type Signal = keyof typeof SIGNALS;
const EXIT_BUG = 70;

/** Never returns: ends the process. */
export async function runProcess(sys: Host): Promise<never> {
  const io = createIo(sys);
  const interruption = new AbortController();
  let caught: Signal | undefined;

  const ignored = ignoredSignals(sys);
  for (const signal of Object.keys(SIGNALS) as Signal[]) {
    // Who started us wants that it does not end us, as with `nohup`.
    if (isIn(ignored, SIGNALS[signal])) continue;
    process.on(signal, () => {
      // The first one counts. A second does not end us sooner: first we thaw, and that takes no time.
      caught ??= signal;
      interruption.abort(signal);
    });
  }

  try {
    const status = await runCgkill(commandLine(sys), { sys, io, abort: interruption.signal });
    if (caught !== undefined && status === SIGNALS[caught]) {
      // It did end us: let whoever waits for us see that.
      process.removeAllListeners(caught);
      process.kill(process.pid, caught);
    }
    process.exit(status);
  } catch (error) {
    const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.writeErr(`cgkill: a bug in cgkill: ${trace}\n`);
    await io.flush(interruption.signal);
    process.exit(EXIT_BUG);
  }
}
