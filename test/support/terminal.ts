// Runs the compiled binary in a real pseudo-terminal: types keys, and reads the screen.

import { nameRoom, until } from "./real-cgroup.ts";
import { BINARY } from "./run-cgkill.ts";
import { screenOf } from "./screen.ts";

export interface TerminalSession extends AsyncDisposable {
  readonly pid: number;
  /** All output so far, with escape sequences. */
  readonly raw: () => string;
  /** The same as plain text, without escape sequences. */
  readonly text: () => string;
  /** The lines on the screen now, and those that have scrolled off. */
  readonly lines: () => string[];
  /** Wait until a text appears after the one that was last waited for. */
  readonly sees: (text: string) => Promise<void>;
  readonly types: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Hang up: close the other end of the terminal, as a closed window or a lost connection does. */
  readonly hangUp: () => void;
  /** The exit status, or the name of the signal that ended it. */
  readonly ended: () => Promise<number | string>;
}

export const KEYS = {
  enter: "\r",
  down: "\u001b[B",
  up: "\u001b[A",
  home: "\u001b[H",
  end: "\u001b[F",
  pageUp: "\u001b[5~",
  pageDown: "\u001b[6~",
  tab: "\t",
  escape: "\u001b",
  ctrlC: "\u0003",
  sort: "\u000f",
  tree: "\u0014",
} as const;

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Prefix of the command: another program that executes the binary. */
  readonly under?: readonly string[];
}

const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|[()][0-9A-B]|[=>])/g;

export function inTerminal(args: readonly string[], options: TerminalOptions = {}): TerminalSession {
  const { columns = 80 + nameRoom, rows = 40, env = {}, under = [] } = options;
  let raw = "";
  let seen = 0;
  const child = Bun.spawn([...under, BINARY, ...args], {
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", LANG: "C.UTF-8", ...env },
    terminal: {
      cols: columns,
      rows,
      data(_, data: Uint8Array) {
        raw += Buffer.from(data).toString("utf8");
      },
    },
  });
  const text = (): string => raw.replace(ESCAPES, "");
  return {
    pid: child.pid,
    raw: () => raw,
    text,
    lines: () => screenOf(raw, columns, rows).lines(),
    async sees(wanted) {
      try {
        await until(wanted, () => text().indexOf(wanted, seen) >= 0);
      } catch {
        throw new Error(`not seen: ${wanted}\n--- screen ---\n${text().slice(seen)}`);
      }
      seen = text().indexOf(wanted, seen) + wanted.length;
    },
    types: (keys) => void child.terminal?.write(keys),
    resize: (cols, lines) => void child.terminal?.resize(cols, lines),
    signal: (signal) => child.kill(signal),
    hangUp: () => child.terminal?.close(),
    async ended() {
      await child.exited;
      return child.signalCode ?? child.exitCode ?? -1;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    },
  };
}
