// What the words of systemctl, docker, kubectl, ps, rm, git and other programs mean for cgkill: a command, a signal, or
// something that no command does.

import { lazy } from "../../../lazy.ts";
import type { Millis } from "../../../sys/sys.ts";
import { distance, nearest } from "../../text/nearest.ts";
import { COMMAND_NAMES, type CommandName } from "../commands.ts";
import { isSendable } from "../values.ts";

/** The words for the same actions. */
const COMMANDS: Readonly<Partial<Record<CommandName, string>>> = {
  list: "ls ll dir ps top tree get lsof list-units stats find search watch",
  show: "status info inspect describe cat stat view log logs diff check dry-run is-active",
  freeze: "pause suspend hold lock",
  thaw: "unfreeze resume unpause continue cont unlock wake release",
  kill:
    "stop rm rmi rmdir del delete remove destroy terminate killall pkill sigkill end down shutdown drain evict purge " +
    "prune clean abort quit exit",
  help: "man usage",
};

/** The words for a signal. Daemons usually reload at SIGHUP. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  HUP: "reload force-reload hup hangup",
  INT: "interrupt",
  TERM: "term",
};

/** The words for what no command does. There is no call to suggest: one with these words as names would kill. */
const NOT_OURS: ReadonlyArray<readonly [words: string, hint: string, page?: CommandName]> = [
  ["version", "did you mean cgkill --version?"],
  [
    "start restart try-restart reload-or-restart respawn reboot enable disable reenable mask unmask",
    "cgkill cannot start, restart or enable anything: use the program that manages it, such as systemctl",
  ],
  ["exec attach enter nsenter ssh shell debug", "cgkill runs a command only in a new cgroup", "run"],
  [
    "create new mkdir add apply set set-property edit update install build pull push commit tag copy cp move mv rename " +
      "scale expose rollout cordon annotate label wait daemon-reload reset reset-failed revert restore init clone " +
      "checkout switch branch merge rebase fetch stash import export save load mount unmount chown chmod nice renice",
    "no command of cgkill does that",
  ],
];

/** Options of other programs, the option of cgkill that a command must have for the hint to apply, and the hint. */
const OPTIONS: ReadonlyArray<readonly [foreign: string, long: string, hint: string]> = [
  ["--no-color --no-colour --nocolor", "color", "write --color never"],
  ["-o --output --format", "json", "write --json for JSON"],
  ["-l --long", "procs", "cgkill list --procs shows each process"],
  ["--cgroup --path", "pid", "write the cgroup without an option"],
  ["-R --recursive", "pid", "the cgroups below a CGROUP are always included: leave this option out"],
  ["--wait", "timeout", "cgkill always waits, for up to --timeout: leave this option out"],
  ["--no-remove", "keep", "did you mean --keep?"],
];

/** @param longs  the options of the command */
export const findOptionHint = (option: string, longs: readonly string[]): string | null =>
  OPTIONS.find(([foreign, long]) => longs.includes(long) && foreign.split(" ").includes(option))?.[2] ?? null;

/** A command, perhaps with the signal that it sends; or a hint and the command to read about, for what none does. */
export interface Meaning {
  readonly command?: CommandName;
  readonly signal?: string;
  readonly hint?: string;
  readonly page?: CommandName | undefined;
}

const meanings = lazy((): ReadonlyMap<string, Meaning> => {
  const found = new Map<string, Meaning>();
  const add = (words: string, meaning: Meaning): void => {
    for (const word of words.split(" ")) found.set(word, meaning);
  };
  for (const [command, words] of Object.entries(COMMANDS)) add(words, { command: command as CommandName });
  for (const [signal, words] of Object.entries(SIGNAL_WORDS)) add(words, { command: "signal", signal });
  for (const [words, hint, page] of NOT_OURS) add(words, { hint, page });
  return found;
});

/** Changing one letter of a shorter word often makes another valid word. */
const MIN_MISTYPED_LENGTH = 5;

/** Find what a word probably meant; `undefined` for a word that is near none. */
export function findMeaning(word: string): Meaning | undefined {
  // `STOP` and `sigstop` are signals, of which `stop` is not one.
  if (/^(SIG)?[A-Z]+$|^sig/.test(word) && isSendable(word)) {
    return { command: "signal", signal: word.toUpperCase().replace(/^SIG/, "") };
  }
  const typed = word.toLowerCase();
  const known = meanings().get(typed);
  if (known !== undefined) return known;
  const near = nearest(typed, COMMAND_NAMES);
  if (near !== undefined) return { command: near as CommandName };
  if (typed.length < MIN_MISTYPED_LENGTH) return undefined;
  // "stauts" is one step from both "stats" and "status", of which "status" has the same length.
  const habit = [...meanings().keys()]
    .filter((each) => each.length >= MIN_MISTYPED_LENGTH && distance(typed, each) === 1)
    .sort((a, b) => Math.abs(a.length - typed.length) - Math.abs(b.length - typed.length))[0];
  return habit === undefined ? undefined : meanings().get(habit);
}

const STOP_GRACE_MS = 10_000;

/** Give `stop` the grace period that systemctl and docker give it, unless the call has one. */
export const withGraceOf = <T extends { readonly graceMs: Millis }>(word: string, command: T): T =>
  word.toLowerCase() === "stop" && command.graceMs === 0 ? { ...command, graceMs: STOP_GRACE_MS } : command;

/** Find the command that a word probably meant. */
export const findMeantCommand = (word: string): CommandName | undefined => findMeaning(word)?.command;
