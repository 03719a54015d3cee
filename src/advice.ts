// Hints and the commands they suggest, as argument vectors. The command line quotes them for a shell when it prints them.

/** The program and its arguments, unquoted. */
export type Command = readonly string[];
export type Commands = readonly Command[];

/** A hint and its commands. Names that may need quoting are in the commands only. */
export interface Advice {
  readonly hint: string | null;
  readonly commands: Commands;
}

/** An error that says what can be done about it. */
export class AdvisedError extends Error {
  readonly hint: string | null;
  readonly commands: Commands;

  constructor(message: string, hint: string | null = null, commands: Commands = []) {
    super(message);
    this.hint = hint;
    this.commands = commands;
  }
}

/** The dashes that editors, chats and web pages make of the hyphens of an option. */
const OTHER_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d";
export const beginsWithOtherDash = (word: string): boolean => word !== "" && OTHER_DASHES.includes(word.charAt(0));

/** A call of cgkill, with `--` before operands that would look like options. A lone `-` is standard input. */
export function cgkillCommand(words: readonly string[], ...operands: readonly string[]): Command {
  const looksLikeOption = (word: string): boolean =>
    (word.startsWith("-") && word !== "-") || beginsWithOtherDash(word);
  return ["cgkill", ...words, ...(operands.some(looksLikeOption) ? ["--"] : []), ...operands];
}

// The settings of a systemd unit that have the effect which a hint describes. scripts/vm/suite.sh tries each of them.
const DENYING_SETTINGS = "User=, DynamicUser=, PrivateUsers=, CapabilityBoundingSet=";
const inUnit = (settings: string): string => `(in a systemd unit, see ${settings})`;

/** Also told to root, which then learns why it is denied: capabilities, Landlock, seccomp. */
export const ROOT_TOO = "a container or sandbox may restrict root too";
/** The hints if the kernel denies access to a cgroup, or to the processes in it. */
export const AS_OWNER: string = `run it as root, or as the owner of this subtree; ${ROOT_TOO} ${inUnit(DENYING_SETTINGS)}`;
export const AS_OWNER_OF_PROCESSES: string = `run it as root, or as the user that owns these processes; ${ROOT_TOO} ${inUnit(DENYING_SETTINGS)}`;
export const AS_OWNER_OF_PROCESS: string = `it belongs to another user: run cgkill as root or as its owner; ${ROOT_TOO} ${inUnit(DENYING_SETTINGS)}`;
/** Added to a hint about EROFS. */
export const READ_ONLY_SETTINGS: string = inUnit("ProtectControlGroups=, ReadOnlyPaths=");
/** Added to the hint about a hierarchy that is not mounted. */
export const HIDING_SETTINGS: string = inUnit("InaccessiblePaths=, TemporaryFileSystem=");
/** The hint if a file may not be written, and the reason is not known. */
export const AS_OWNER_AND_WRITABLE: string = `run it as root, or as the owner of this subtree, and where it is mounted read-write; ${ROOT_TOO} ${inUnit(`${DENYING_SETTINGS}, ProtectControlGroups=`)}`;

/** The hint about v1 in a pid namespace. v2 lists such members as pid 0. */
export const UNLISTED = "v1 does not list members of other pid namespaces; run it on the host to be sure";

export const LIST_ALL: Command = ["cgkill", "list", "--all"];
export const HELP: Command = ["cgkill", "--help"];
export const helpPage = (command: string): Command => ["cgkill", "help", command];

/** Is it `LIST_ALL`, `HELP` or a help page? Such a command only shows something, and contains no name from the host. */
export function isReference([, verb, word, ...more]: Command): boolean {
  if (more.length > 0) return false;
  return word === undefined ? verb === "--help" : verb === "help" || (verb === "list" && word === "--all");
}
