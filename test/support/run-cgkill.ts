// Runs the compiled binary as a user would. CGKILL_BINARY=PATH runs another one, to check that a test fails on a binary
// that has the bug.

import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { inLayout, type Layout } from "./layout.ts";

export { documents } from "./documents.ts";

export const BINARY: string = resolve(process.env["CGKILL_BINARY"] ?? `${import.meta.dir}/../../dist/cgkill`);

if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: npm run build (npm test does)`);

export interface Ran {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly layout?: Layout;
  /** Prefix of the command: another program that executes the binary. */
  readonly under?: readonly string[];
}

export async function runCgkill(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { cwd = "/", env = {}, stdin, layout = "as-is", under = [] } = options;
  const child = Bun.spawn(inLayout(layout, [...under, BINARY, ...args]), {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdin: stdin === undefined ? "ignore" : new Blob([stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const signal = child.signalCode;
  return {
    code: signal === null ? child.exitCode : null,
    signal: signal === null ? null : String(signal),
    stdout,
    stderr,
  };
}
