// Works until it is interrupted, and reports stop requests and signals on standard output: bun pausing.ts [OPTION...].
// `hold` ignores the signals that cannot be handled, `idle` does no work, `slow` delays each stop.

import { PROC } from "../../src/sys/dir.ts";
import { hostSys } from "../../src/sys/host.ts";
import { createPause, onDeadlySignal, readIgnoredSignals } from "../../src/sys/signals.ts";

const sys = hostSys();
const interruption = new AbortController();
const ignored = readIgnoredSignals(sys);
onDeadlySignal(ignored, (signal) => interruption.abort(signal));
const pause = createPause(sys, ignored, interruption.signal);
const wants = (option: string): boolean => process.argv.includes(option);

const work = wants("idle") ? undefined : pause.begin();
const hold = wants("hold") ? sys.ignoreUndeliverable() : undefined;
const nested = wants("hold") ? sys.ignoreUndeliverable() : undefined;
console.log("ready");
while (!interruption.signal.aborted) {
  await sys.turn();
  sys.poll([], 5);
  if (!pause.isRequested) continue;
  console.log("requested");
  // Time for the test to withdraw the request.
  if (wants("slow")) await Bun.sleep(200);
  console.log(`stopped ${Math.round(await pause.stop())}`);
}
console.log(`interrupted ${interruption.signal.reason}, requested ${pause.isRequested}`);
nested?.[Symbol.dispose]();
hold?.[Symbol.dispose]();
hold?.[Symbol.dispose]();
console.log(sys.readFile(PROC, "self/status").match(/SigIgn.*/)?.[0]);
work?.[Symbol.dispose]();
console.log("ended");
process.exit(0);
