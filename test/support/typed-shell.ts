// A real shell in a pseudo-terminal: types keys, and returns the arguments that the shell passes to `cgkill`. A shell
// function receives that call; completion runs the `cgkill` from PATH.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

import { until } from "./real-cgroup.ts";
import { BINARY } from "./run-cgkill.ts";

export type ShellName = "bash" | "zsh" | "fish";
export const SHELLS: readonly ShellName[] = ["bash", "zsh", "fish"];

/** Whether a shell is installed; if not, a message says so. */
export function isShellThere(shell: ShellName): boolean {
  if (Bun.which(shell) !== null) return true;
  console.warn(`left out: completion typed into ${shell} (it is not installed)`);
  return false;
}

export interface TypedShell extends AsyncDisposable {
  /** A private working directory, where a command inside a name would leave its file. */
  readonly cwd: string;
  readonly shown: () => string;
  /** Type a line and Enter. @returns the words that `cgkill` would have been called with */
  readonly call: (line: string) => Promise<string[]>;
  readonly types: (keys: string) => void;
}

export interface TypedOptions {
  /** Prefix of the command: another program that executes the shell. */
  readonly under?: readonly string[];
  readonly path?: string;
  /** Prepare the working directory. */
  readonly prepare?: (cwd: string) => void;
}

const END = "-- end --";

const ARGV: Readonly<Record<ShellName, readonly string[]>> = {
  bash: ["bash", "--norc", "-i"],
  zsh: ["zsh", "-f", "-i"],
  fish: ["fish", "--no-config", "-i"],
};

/** As an administrator has it: installed, and loaded when it is first needed. Then the calls are taken. */
const SET_UP: Readonly<Record<ShellName, (home: string) => string>> = {
  bash: (home) =>
    `bind 'set bell-style none'; . ${home}/script; cgkill() { printf '%s\\0' "$@" '${END}' >>${home}/calls; }`,
  zsh: (home) =>
    `fpath=(${home}/functions $fpath); autoload -Uz compinit; compinit -u -D; setopt nobeep; cgkill() { printf '%s\\0' "$@" '${END}' >>${home}/calls }`,
  fish: (home) =>
    `set fish_greeting; source ${home}/script; function cgkill; printf '%s\\0' $argv '${END}' >>${home}/calls; end`,
};

export async function typedShell(shell: ShellName, options: TypedOptions = {}): Promise<TypedShell> {
  const { under = [], path = `${dirname(BINARY)}:${process.env["PATH"]}`, prepare } = options;
  const home = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const cwd = `${home}/cwd`;
  for (const dir of [cwd, `${home}/functions`]) mkdirSync(dir);
  const script = Bun.spawnSync([BINARY, "completion", shell]).stdout;
  writeFileSync(`${home}/script`, script);
  writeFileSync(`${home}/functions/_cgkill`, script);
  prepare?.(cwd);
  let shown = "";
  const child = Bun.spawn([...under, ...ARGV[shell]], {
    cwd,
    env: { PATH: path, HOME: home, HISTFILE: "/dev/null", TERM: "xterm", PS1: "> ", LANG: "C.UTF-8" },
    terminal: { cols: 250, rows: 50, data: (_, data: Uint8Array) => void (shown += Buffer.from(data).toString()) },
  });
  const types = (keys: string): void => void child.terminal?.write(keys);
  const calls = (): string[][] => {
    if (!existsSync(`${home}/calls`)) return [];
    const all = readFileSync(`${home}/calls`, "utf8").split(`${END}\0`);
    return all.slice(0, -1).map((words) => words.split("\0").slice(0, -1));
  };
  const stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(home, { recursive: true, force: true }));
  stack.defer(async () => {
    child.kill("SIGKILL");
    await child.exited;
    child.terminal?.close();
  });
  const call = async (line: string): Promise<string[]> => {
    const before = calls().length;
    types(`${line}\r`);
    try {
      await until(`the call of ${line}`, () => calls().length > before);
    } catch (error) {
      throw new Error(`${shell}: ${(error as Error).message}\n${shown.slice(-2000)}`);
    }
    return calls()[before] ?? [];
  };
  try {
    await until(`a prompt of ${shell}`, () => shown !== "");
    types(`${SET_UP[shell](home)}\r`);
    await call("cgkill set up");
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
  return { cwd, shown: () => shown, call, types, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
