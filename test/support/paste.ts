// Pastes command lines into real shells and reports what they ran: every program that a line should run is replaced by
// a stub that records its arguments.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import type { Command } from "../../src/advice.ts";
import { decodeBytes } from "../../src/sys/bytes.ts";

const SHELLS: Readonly<Record<string, readonly string[]>> = {
  dash: ["dash"],
  // Interactive, so that `!` expands to an earlier line.
  bash: ["bash", "-o", "history", "-H"],
  "bash as sh": ["bash", "--posix"],
  zsh: ["zsh", "-f", "-i"],
  fish: ["fish", "--no-config"],
  "busybox sh": ["busybox", "sh"],
};

/** The shells that are installed. The others are reported; in CI that is a failure. */
export function shellsHere(): string[] {
  const missing = Object.entries(SHELLS).filter(([, [program = ""]]) => Bun.which(program) === null);
  const names = missing.map(([name]) => name);
  if (names.length > 0 && process.env["CI"] === "true") throw new Error(`cannot paste into ${names.join(", ")}`);
  if (names.length > 0) console.warn(`left out: pasting into ${names.join(", ")} (not installed)`);
  return Object.keys(SHELLS).filter((name) => !names.includes(name));
}

/** Records the number of arguments, the program and the arguments, each terminated by NUL. */
const STUB = `#!/bin/sh
printf '%s\\0' "$#" "\${0##*/}" "$@" >>"$RECORD"
`;

/** Extract the commands from our output, with their indentation, as a user would copy them. */
export function commandLines(text: string): string[] {
  return text.split("\n").filter((line) => /^ {4}\S/.test(line));
}

export interface Pasted {
  readonly ran: readonly Command[];
  /** New files in the working directory. */
  readonly made: readonly string[];
  readonly stderr: string;
}

/**
 * Which of these programs a shell looks for in PATH, and so finds the stub. It has some built in, such as `kill`, or brings
 * them along, as busybox may.
 */
export function findStubbed(shell: string, programs: Iterable<string>): ReadonlySet<string> {
  const all = [...new Set(programs)];
  const help = all.map((program) => `${program} --help`);
  return new Set(pasteUnchecked(shell, help, all, "C.UTF-8").ran.map(([program = ""]) => program));
}

/**
 * Paste lines into a shell.
 *
 * @param programs  the only programs that the lines may run
 * @throws Error  the shell would run another program than the stub
 */
export function paste(shell: string, lines: readonly string[], programs: Iterable<string>, locale: string): Pasted {
  const all = [...new Set(programs)];
  const stubbed = findStubbed(shell, all);
  const real = all.filter((program) => !stubbed.has(program));
  if (real.length > 0) throw new Error(`${shell} would really run ${real.join(", ")}`);
  return pasteUnchecked(shell, lines, all, locale);
}

function pasteUnchecked(shell: string, lines: readonly string[], programs: readonly string[], locale: string): Pasted {
  const dir = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  try {
    for (const name of ["bin", "cwd", "home"]) mkdirSync(`${dir}/${name}`);
    for (const program of programs) {
      writeFileSync(`${dir}/bin/${program}`, STUB);
      chmodSync(`${dir}/bin/${program}`, 0o755);
    }
    writeFileSync(`${dir}/record`, "");
    const [program = "", ...args] = SHELLS[shell] as readonly string[];
    const { stderr, exitCode } = Bun.spawnSync([Bun.which(program) ?? program, ...args], {
      cwd: `${dir}/cwd`,
      env: {
        PATH: `${dir}/bin:/usr/bin:/bin`,
        HOME: `${dir}/home`,
        RECORD: `${dir}/record`,
        LC_ALL: locale,
        TERM: "dumb",
      },
      stdin: Buffer.from(`${lines.join("\n")}\n`),
      timeout: 60_000,
    });
    if (exitCode !== 0) throw new Error(`${shell} ended with ${exitCode}: ${stderr}`);
    return {
      ran: toCommands(readFileSync(`${dir}/record`)),
      made: readdirSync(`${dir}/cwd`),
      stderr: stderr.toString(),
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function toCommands(record: Uint8Array): Command[] {
  const words = decodeBytes(record).split("\0").slice(0, -1);
  const commands: Command[] = [];
  for (let at = 0; at < words.length;) {
    const end = at + 2 + Number(words[at]);
    commands.push(words.slice(at + 1, end));
    at = end;
  }
  return commands;
}
