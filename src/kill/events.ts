// What a kill tells while it goes on. Code tells events apart by their `kind`; level and message are for people.

export const LEVELS = ["error", "warn", "info", "debug", "trace"] as const;
/** The worst first. */
export type Level = (typeof LEVELS)[number];

/** Is an event of this level for a listener that wants `least` and worse? */
export const isLevelEnabled = (level: Level, least: Level): boolean => LEVELS.indexOf(level) <= LEVELS.indexOf(least);

export type Fields = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>;

export type EventKind =
  | "found"
  | "signalled"
  | "killed-by-kernel"
  | "freezing"
  | "frozen"
  | "thawed"
  | "removed"
  | "removed-twin"
  | "ended"
  | "moved-aside"
  | "no-kernel-kill"
  | "no-pidfd"
  | "not-frozen"
  | "freeze-incomplete"
  | "no-lock"
  | "list-incomplete"
  | "signal-failed"
  | "hold-failed"
  | "busy"
  | "trap-made"
  | "trap-removed"
  | "trap-trouble"
  | "no-trap"
  | "trap-stale"
  | "trap-left"
  | "fenced"
  | "no-fence"
  | "fence-left"
  | "moved-to-die"
  | "not-moved-to-die"
  | "no-look-for-frozen"
  | "ancestor-thawed"
  | "ancestors-frozen"
  | "ancestor-left"
  | "not-moved-back"
  | "not-thawed"
  | "thawed-empty"
  | "kept"
  | "unproven"
  | "stopped"
  | "continued";

const EVENTS: Readonly<Record<EventKind, readonly [Level, string]>> = {
  // what happens in every kill
  found: ["trace", "found pids"],
  signalled: ["trace", "signalled"],
  "killed-by-kernel": ["trace", "killed by the kernel"],
  freezing: ["trace", "freezing"],
  frozen: ["trace", "frozen"],
  thawed: ["trace", "thawed"],
  removed: ["trace", "removed"],
  "removed-twin": ["trace", "removed the twin"],
  ended: ["trace", "ended by an error"],
  "moved-aside": ["info", "moved out of the target"],
  // ways around
  "no-kernel-kill": ["info", "no cgroup.kill here: killing by pid"],
  "no-pidfd": ["debug", "no pidfd: signalling by number"],
  "not-frozen": ["debug", "not frozen: going on without it"],
  "freeze-incomplete": ["debug", "the freeze does not complete: going on without it"],
  "no-lock": ["debug", "freezing without a lock"],
  "list-incomplete": ["debug", "the list of processes that it will kill is not complete"],
  "signal-failed": ["trace", "failed to signal"],
  "hold-failed": ["trace", "failed to open a pidfd"],
  busy: ["debug", "busy, trying again"],
  // traps and fences
  "trap-made": ["trace", "made a trap"],
  "trap-removed": ["trace", "removed the trap"],
  "trap-trouble": ["debug", "a step of the trap failed"],
  "no-trap": ["debug", "no trap: going on without it"],
  "trap-stale": ["info", "a killed cgkill left a trap behind: removing it"],
  "trap-left": ["warn", "could not remove the trap"],
  fenced: ["trace", "fenced: no process can fork"],
  "no-fence": ["debug", "no fork fence: going on without it"],
  "fence-left": ["error", "could not take the fork fence down"],
  // frozen ancestors and other freezers
  "moved-to-die": ["info", "frozen by others: moved the killed processes out to die"],
  "not-moved-to-die": ["debug", "could not move the killed processes out"],
  "no-look-for-frozen": ["debug", "could not look for killed processes that are held frozen"],
  "ancestor-thawed": ["warn", "thawed a frozen ancestor for the duration of the kill"],
  "ancestors-frozen": ["info", "froze the ancestors again"],
  "ancestor-left": ["error", "could not freeze an ancestor again"],
  "not-moved-back": ["warn", "could not be moved back into the target"],
  "not-thawed": ["error", "could not thaw"],
  // what was done for the result
  "thawed-empty": ["debug", "it was found frozen and is empty now: thawed"],
  kept: ["debug", "kept: newer kernels kill what is started into it by clone3; --remove avoids that"],
  unproven: ["error", "kept, and so not proven empty"],
  stopped: ["debug", "stopped by a signal: nothing stays frozen meanwhile"],
  continued: ["debug", "continued"],
};

export const EVENT_KINDS: readonly EventKind[] = Object.keys(EVENTS) as EventKind[];

/** One step, as it happens. */
export interface KillEvent {
  readonly kind: EventKind;
  readonly level: Level;
  readonly message: string;
  readonly fields: Fields;
}

export function toEvent(kind: EventKind, fields: Fields): KillEvent {
  const [level, message] = EVENTS[kind];
  return { kind, level, message, fields };
}

export const levelOf = (kind: EventKind): Level => EVENTS[kind][0];
