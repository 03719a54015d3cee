// A real pseudo-terminal around the compiled binary: what is typed, and what the screen has shown.

import { nameRoom, until } from "./real-cgroup.ts";
import { BINARY } from "./run-cgkill.ts";
import { screenOf } from "./screen.ts";

export interface TerminalSession extends AsyncDisposable {
  readonly pid: number;
  /** Everything written so far, escapes included. */
  readonly raw: () => string;
  /** The same as text: escapes out, everything that was ever shown. */
  readonly text: () => string;
  /** What stands on the screen now, and above it. */
  readonly lines: () => string[];
  /** Wait until a text has been shown since the last time. */
  readonly sees: (text: string) => Promise<void>;
  readonly types: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** The other end of the terminal goes away, as when a window is closed or a connection is lost. */
  readonly hangUp: () => void;
  /** Exit status, or the name of the signal it ended by. */
  readonly ended: () => Promise<number | string>;
}

export const KEYS = {
  enter: "\r",
  down: "\u001b[B",
  up: "\u001b[A",
  tab: "\t",
  escape: "\u001b",
  ctrlC: "\u0003",
} as const;

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the binary: another program that runs it. */
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
        await until(wanted, () => text().indexOf(wanted, seen) >= 0, 10_000);
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
