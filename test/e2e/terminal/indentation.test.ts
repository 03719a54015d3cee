// A line that is indented like a command is one, by the compiled binary on real cgroups and processes: in a terminal of 80
// columns, into a pipe, and where a pager breaks the lines that came through a pipe.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";

import { quote } from "../../../src/cli/text/quote.ts";
import { HOSTILE, INDENTING, ORDINARY } from "../../support/hostile-names.ts";
import { commandLines } from "../../support/paste.ts";
import { canStage, makeCgroup, nameRoom, write } from "../../support/real-cgroup.ts";
import { runCgkill } from "../../support/run-cgkill.ts";
import { screenOf } from "../../support/screen.ts";
import { inTerminal, KEYS } from "../../support/terminal.ts";

const COLUMNS = 80;
const ROWS = 24;

const NAMES = [
  ...INDENTING.filter((_, at) => at < 8 || at % 4 === 0 || at > 166),
  ...[...ORDINARY, ...HOSTILE].filter((name, at) => at % 4 === 0 && name.isWellFormed()),
];

/** Start a process with this name, as far as the kernel keeps it. */
function startNamed(name: string, at: number, scratch: string, dir: string): AsyncDisposable {
  const program = `${scratch}/${at}`;
  mkdirSync(program);
  symlinkSync(Bun.which("sleep") ?? "sleep", `${program}/${name.slice(0, 15)}`);
  const child = Bun.spawn([`${program}/${name.slice(0, 15)}`, "1000"], {
    argv0: name,
    stdio: ["ignore", "ignore", "ignore"],
  });
  write(`${dir}/cgroup.procs`, String(child.pid));
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function outputOf(args: readonly string[], isTerminal: boolean): Promise<string> {
  if (!isTerminal) {
    const { stdout, stderr } = await runCgkill(args);
    return stdout + stderr;
  }
  await using terminal = inTerminal(args, { columns: COLUMNS, rows: ROWS });
  await terminal.ended();
  return terminal.raw().replaceAll("\r\n", "\n");
}

const ESCAPES = /\u001b\[[0-9;?]*[a-zA-Z]/g;

if (nameRoom > 0) console.warn("left out: indentation on real cgroups (names are longer here than they are wide)");

describe.if(canStage("v2") && nameRoom === 0)("on real cgroups", () => {
  test("the questions of the interactive mode, and what is above them", async () => {
    const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rmSync(scratch, { recursive: true, force: true }));
    const { dir } = stack.use(makeCgroup("v2"));
    for (const [at, name] of INDENTING.filter((_, nth) => nth % 24 === 3).entries()) {
      const path = `${dir}/${name}`;
      mkdirSync(`${path}/${name}`, { recursive: true });
      stack.use(startNamed(name, at, scratch, `${path}/${name}`));
      await using terminal = inTerminal(["-i", path], { columns: COLUMNS, rows: ROWS });
      await terminal.sees("What about");
      terminal.types(KEYS.end + KEYS.enter);
      await terminal.sees("Kill 1 process in");
      terminal.types("y");
      await terminal.sees("non-interactive equivalent");
      await terminal.ended();
      const line = `    ${quote(["cgkill", "kill", path])}`;
      expect({ name, rows: commandLines(terminal.lines().join("\n")) }).toEqual({
        name,
        rows: [line.slice(0, COLUMNS).trimEnd()],
      });
    }
  }, 60_000);

  test.each([false, true])(
    "in a terminal: %p",
    async (isTerminal) => {
      const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
      await using stack = new AsyncDisposableStack();
      stack.defer(() => rmSync(scratch, { recursive: true, force: true }));
      const { dir } = stack.use(makeCgroup("v2"));
      const all = NAMES.map((name) => `${dir}/${name}`);
      for (const [at, path] of all.entries()) {
        mkdirSync(`${path}/below`, { recursive: true });
        stack.use(startNamed(NAMES[at] as string, at, scratch, path));
      }
      const thaws = all.map((path) => `    ${quote(["cgkill", "thaw", path])}`);
      const calls: ReadonlyArray<readonly [args: readonly string[], lines: readonly string[]]> = [
        [["list", "--procs", dir], []],
        [["list", "--flat", "--procs", dir], []],
        [["list", "--all", dir], []],
        [["show", dir], []],
        [["show", ...all], []],
        [["freeze", "-v", ...all], []],
        [["list", "--frozen", dir], []],
        [["thaw", ...all.map((path) => `${path}/below`)], thaws],
        [["thaw", "-v", ...all], []],
        [["signal", "CONT", ...all], []],
        [["-n", "-g", "5s", "--remove", ...all], []],
        [["kill", "-m", "sweep", ...all], []],
        [["kill", "-v", "--remove", ...all], []],
        [["kill", "--", ...all.map((path) => `${path}/y/z`)], []],
      ];
      for (const [args, lines] of calls) {
        const raw = await outputOf(args, isTerminal);
        const what = args.slice(0, 3).join(" ");
        expect({ what, lines: commandLines(raw.replace(ESCAPES, "")) }).toEqual({ what, lines: [...lines] });
        const rows = screenOf(raw.replaceAll("\n", "\r\n"), COLUMNS, ROWS).lines().join("\n");
        const shown = lines.map((line) => line.slice(0, COLUMNS).trimEnd());
        expect({ what, rows: commandLines(rows) }).toEqual({ what, rows: shown });
      }
    },
    120_000,
  );
});
