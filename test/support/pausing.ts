// Works until it is ended, and says on standard output what became of stop requests and signals: bun pausing.ts
// [OPTION...]. With `hold` it ignores what cannot be handled, with `idle` there is no work.

import { hostSys } from "../../src/sys/host.ts";
import { createPause, ignoredSignals, onDeadlySignal } from "../../src/sys/signals.ts";

const sys = hostSys();
const interruption = new AbortController();
const ignored = ignoredSignals(sys);
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
  // For whoever withdraws the request.
  if (wants("slow")) await Bun.sleep(200);
  console.log(`stopped ${Math.round(await pause.stop())}`);
}
console.log(`interrupted ${interruption.signal.reason}, requested ${pause.isRequested}`);
nested?.[Symbol.dispose]();
hold?.[Symbol.dispose]();
hold?.[Symbol.dispose]();
console.log(sys.readFile({ through: "/proc", shown: "/proc" }, "self/status").match(/SigIgn.*/)?.[0]);
work?.[Symbol.dispose]();
console.log("ended");
process.exit(0);
