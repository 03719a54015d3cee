// The steps of a kill for somebody who watches: a line each, when it happens, with the time since the kill began.

import type { EventKind, KillEvent } from "../../kill/events.ts";
import { signalName, SIGNALS } from "../../kill/signal-names.ts";
import { plural, renderDuration } from "../text/units.ts";

export interface PhaseLines {
  readonly onEvent: (event: KillEvent) => void;
  /** What was counted and not yet told. */
  readonly flush: () => void;
}

/** Events that are a step each; whoever is found and signalled is counted. */
const STEPS: Readonly<Partial<Record<EventKind, string>>> = {
  frozen: "frozen",
  "freeze-incomplete": "not frozen in time: going on without",
  "trap-made": "trap made",
  fenced: "no process can fork",
  thawed: "thawed",
  removed: "removed",
};

/**
 * A step is told once, however many rounds it takes: a kill of minutes is no longer on the screen than one of
 * milliseconds.
 *
 * @param elapsed  since the kill began
 */
export function phaseLines(elapsed: () => number, write: (text: string) => void): PhaseLines {
  const told = new Set<string>();
  let found = 0;
  let signalled = 0;
  let signal: number = SIGNALS.KILL;
  let signalledAt = 0;
  const tell = (step: string, at: number): void => {
    if (told.has(step)) return;
    told.add(step);
    write(`  ${step}  ${renderDuration(at)}\n`);
  };
  const flush = (): void => {
    if (signalled === 0) return;
    tell(
      `${plural(signalled, "process")} ${signal === SIGNALS.KILL ? "signalled" : `sent ${signalName(signal)}`}`,
      signalledAt,
    );
    signalled = 0;
  };
  /**
   * The write succeeds where nobody is as well. Where the list was empty it may have reached nobody, as when the held
   * have died before another try, or somebody whom no list shows: no count would be true.
   */
  const tellWrite = (at: number): void => {
    if (found > 0) tell(`${plural(found, "process")} signalled by the kernel`, at);
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
      if (kind === "found") found = (fields["pids"] as readonly number[]).length;
      else if (kind === "killed-by-kernel") tellWrite(at);
      else {
        const step = STEPS[kind];
        if (step !== undefined) tell(step, at);
      }
    },
  };
}
