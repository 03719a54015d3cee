// The values of options that take one of a few words.

export const SHELLS = ["bash", "zsh", "fish"] as const;
export const METHODS = ["auto", "kill", "freezer", "sweep"] as const;
export const LOG_FORMATS = ["text", "json"] as const;
export const COLORS = ["auto", "always", "never"] as const;
export const SORT_KEYS = ["name", "procs", "memory", "cpu", "age"] as const;
