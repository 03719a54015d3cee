// The keys of the JSON documents, in their order. They are written out here, not derived from the code.

/** Of a kill: those of the example in the manual. */
export const OUTCOME_KEYS: string[] = [
  "schema",
  "command",
  "cgroup",
  "path",
  "hierarchy",
  "method",
  "outcome",
  "killed",
  "killed_count",
  "ended_by_grace",
  "survivors",
  "spared",
  "removed",
  "proven",
  "left_frozen",
  "thawed_empty",
  "aborted_fuse",
  "started_at",
  "duration_ms",
  "phases",
  "error",
  "twin",
  "matches",
];

export const PHASE_KEYS: string[] = ["freeze_ms", "scan_ms", "signal_ms", "thaw_ms", "wait_ms", "remove_ms"];
export const ERROR_KEYS: string[] = ["code", "message", "hint", "commands", "operation", "path", "errno"];

/** Of both `list` and `show`, those that a kill does not have. */
export const VIEW_KEYS: string[] = [
  "label",
  "procs",
  "procs_subtree",
  "invisible",
  "state",
  "frozen_by",
  "populated",
  "type",
  "memory_bytes",
  "cpu_ms",
  "refusal",
  "processes",
];

/** Of `list` or `show` alone. */
export const LIST_KEYS: string[] = ["comms", "snapshot"];
export const SHOW_KEYS: string[] = ["plan", "moves", "supervisor", "may_restart", "stop", "commands", "started_by"];
