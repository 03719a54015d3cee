// The steps of a kill as they happen: one line each, with the time since the start of the kill.

import type { EventKind, KillEvent } from "../../kill/events.ts";
import { signalName, SIGNALS } from "../../sys/signal-names.ts";
import { plural, renderDuration } from "../text/units.ts";

export interface StepLines {
  readonly onEvent: (event: KillEvent) => void;
  /** Write the pending count. */
  readonly flush: () => void;
}

/** Events that are steps. Signalled processes are counted instead. */
const STEPS: Readonly<Partial<Record<EventKind, string>>> = {
  frozen: "frozen",
  "freeze-incomplete": "not frozen in time: continuing without",
  "trap-made": "trap made",
  fenced: "no process can fork",
  thawed: "thawed",
  removed: "removed",
};

/**
 * Each step is written once, even if it is repeated, so that a long kill does not fill the screen.
 *
 * @param elapsed  milliseconds since the start of the kill
 */
export function stepLines(elapsed: () => number, write: (text: string) => void): StepLines {
  const written = new Set<string>();
  let found = 0;
  let signalled = 0;
  let signal: number = SIGNALS.KILL;
  let signalledAt = 0;
  const writeStep = (step: string, at: number): void => {
    if (written.has(step)) return;
    written.add(step);
    write(`  ${step}  ${renderDuration(at)}\n`);
  };
  const flush = (): void => {
    if (signalled === 0) return;
    const what = signal === SIGNALS.KILL ? "signalled" : `sent ${signalName(signal)}`;
    writeStep(`${plural(signalled, "process")} ${what}`, signalledAt);
    signalled = 0;
  };
  return {
    flush,
    onEvent({ kind, fields }) {
      const at = elapsed();
      if (kind === "signalled") {
        if (fields["signal"] !== signal) flush();
        signal = Number(fields["signal"]);
        signalled++;
        signalledAt = at;
        return;
      }
      flush();
      // Writing to cgroup.kill succeeds for an empty cgroup too. If the lists were empty, it may have killed nothing, or a
      // process that no list shows: no count would be true.
      const kernelKill = found > 0 ? `${plural(found, "process")} signalled by the kernel` : undefined;
      const step = kind === "killed-by-kernel" ? kernelKill : STEPS[kind];
      if (kind === "found") found = (fields["pids"] as readonly number[]).length;
      if (step !== undefined) writeStep(step, at);
    },
  };
}
