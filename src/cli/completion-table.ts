// What the completion scripts have in common: which option takes what, and how live cgroups are asked for.

import { type CommandName, COMMANDS, type CommandSpec, OPTIONS, type OptionSpec, RESERVED_WORDS } from "./options.ts";

/** Asked of cgkill itself when the key is pressed. */
export const LIST = "cgkill list --all --quiet 2>/dev/null";

/** What a value is chosen from: cgroups, their last components, processes, hierarchies. */
export type Source = "cgroups" | "names" | "pids" | "hierarchies";

const SOURCES: Readonly<Record<string, Source>> = {
  pid: "pids",
  name: "names",
  hierarchy: "hierarchies",
  spare: "pids",
  "spare-to": "cgroups",
};

export const sourceOf = ({ long }: OptionSpec): Source | undefined => SOURCES[long];

export function flags({ long, short }: OptionSpec): string[] {
  return [`--${long}`, ...(short === undefined ? [] : [`-${short}`])];
}

/** Those whose value is the next word. */
export const VALUED: readonly OptionSpec[] = OPTIONS.filter(({ value, isOptional }) => value && !isOptional);

/** The commands that are words, with what they do. */
export const WORDS: readonly CommandSpec[] = COMMANDS.filter(({ name }) => RESERVED_WORDS.includes(name));

/** Every command with its options. */
export const BY_COMMAND: ReadonlyArray<readonly [CommandName, readonly OptionSpec[]]> = COMMANDS.map(({ name }) => [
  name,
  OPTIONS.filter(({ commands }) => commands.includes(name)),
]);
