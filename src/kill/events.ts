// The events that a kill emits as it runs. Code branches on `kind`; level and message are for people.

/** Most severe first. */
export const LEVELS = ["error", "warn", "info", "debug", "trace"] as const;
export type Level = (typeof LEVELS)[number];

/** Is an event of this level at least as severe as `threshold`? */
export const isLevelEnabled = (level: Level, threshold: Level): boolean =>
  LEVELS.indexOf(level) <= LEVELS.indexOf(threshold);

export type Fields = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>;

/** By kind: the level and the message. */
export const EVENTS = {
  // the usual steps
  found: ["trace", "found pids"],
  signalled: ["trace", "signalled"],
  "killed-by-kernel": ["trace", "killed by the kernel"],
  freezing: ["trace", "freezing"],
  frozen: ["trace", "frozen"],
  thawed: ["trace", "thawed"],
  removed: ["trace", "removed"],
  "removed-twin": ["trace", "removed the same path in another hierarchy"],
  ended: ["trace", "ended by an error"],
  raised: ["trace", "no processor to die on: raised their priority"],
  "moved-aside": ["info", "moved out of the target"],
  "not-spared-to": ["warn", "could not move it to the cgroup of --spare-to: moving it elsewhere"],
  "grace-denied": ["warn", "denied the grace signal to every member: not waiting"],
  // fallbacks
  "no-kernel-kill": ["info", "no cgroup.kill here: killing by pid"],
  "no-pidfd": ["debug", "no pidfd: signalling by pid"],
  "not-frozen": ["debug", "could not freeze: continuing without a freeze"],
  "freeze-incomplete": ["debug", "the freeze did not complete: continuing without it"],
  "no-lock": ["debug", "freezing without a lock"],
  "list-incomplete": ["debug", "the list of processes to be killed is incomplete"],
  "signal-failed": ["trace", "failed to signal"],
  "hold-failed": ["trace", "failed to open a pidfd"],
  busy: ["debug", "busy, trying again"],
  // traps and fences
  "trap-made": ["trace", "made a trap"],
  "trap-removed": ["trace", "removed the trap"],
  "trap-trouble": ["debug", "a step of the trap failed"],
  "no-trap": ["debug", "no trap: continuing without one"],
  "trap-stale": ["info", "a killed cgkill left a trap behind: removing it"],
  "trap-left": ["warn", "could not remove the trap"],
  fenced: ["trace", "fenced: no process can fork"],
  "no-fence": ["debug", "no fork fence: continuing without one"],
  "fence-left": ["error", "could not remove the fork fence"],
  // processes frozen by other cgroups
  "moved-to-die": ["info", "frozen by others: moved the killed processes out to die"],
  "not-moved-to-die": ["debug", "could not move the killed processes out"],
  "frozen-not-searched": ["debug", "could not find out which killed processes are frozen"],
  "ancestor-thawed": ["warn", "thawed a frozen ancestor for the duration of the kill"],
  "ancestors-frozen": ["info", "froze the ancestors again"],
  "ancestor-left": ["error", "could not freeze an ancestor again"],
  "not-moved-back": ["warn", "could not move a spared process back into the target"],
  "not-thawed": ["error", "could not thaw"],
  "thaw-cut": ["warn", "no time to look at all cgroups below: some may be frozen"],
  // FUSE connections that survivors wait in
  "fuse-aborted": ["warn", "aborted a FUSE connection"],
  "fuse-not-aborted": ["debug", "could not abort a FUSE connection"],
  // the end of a kill, and stop requests
  "thawed-empty": ["debug", "was frozen before the kill, and is now empty: thawed"],
  kept: ["debug", "kept: newer kernels kill processes that clone3 starts in it; --remove avoids that"],
  unproven: ["error", "kept, so not proven empty"],
  stopped: ["debug", "stopped by a signal: nothing stays frozen meanwhile"],
  continued: ["debug", "continued"],
} as const;

export type EventKind = keyof typeof EVENTS;

/** One step of a kill. */
export interface KillEvent {
  readonly kind: EventKind;
  readonly level: Level;
  readonly message: string;
  readonly fields: Fields;
}

export function toEvent(kind: EventKind, fields: Fields): KillEvent {
  const [level, message]: readonly [Level, string] = EVENTS[kind];
  return { kind, level, message, fields };
}

export const levelOf = (kind: EventKind): Level => EVENTS[kind][0];
