// The process edge: the kernel, the streams and the signals in; the exit status out.
// Everything else is loaded after getReady: it may start this program over.

import { getReady } from "./sys/start.ts";

/** The signals that ask us to stop, and the exit status that says so. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof SIGNALS;
const EXIT_BUG = 70;

getReady();

const { commandLine, linuxSys } = await import("./sys/linux.ts");
const { createIo } = await import("./cli/io.ts");
const sys = linuxSys();
const io = createIo(sys);
const interruption = new AbortController();
let caught: Signal | undefined;

for (const signal of Object.keys(SIGNALS) as Signal[]) {
  process.on(signal, () => {
    // The first one counts. A second does not end us sooner: first we thaw, and that takes no time.
    caught ??= signal;
    interruption.abort(signal);
  });
}

try {
  const { runCgkill } = await import("./cli/run.ts");
  const status = await runCgkill(commandLine(), { sys, io, abort: interruption.signal });
  if (caught !== undefined && status === SIGNALS[caught]) {
    // It did end us: let whoever waits for us see that.
    process.removeAllListeners(caught);
    process.kill(process.pid, caught);
  }
  process.exit(status);
} catch (error) {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  io.writeErr(`cgkill: a bug in cgkill: ${trace}\n`);
  process.exit(EXIT_BUG);
}
