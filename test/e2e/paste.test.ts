// The commands that the compiled binary prints for real cgroups with hostile names, pasted into real shells: each runs
// what it says and nothing else.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";

import type { Command } from "../../src/advice.ts";
import { encodeText } from "../../src/sys/bytes.ts";
import { HOSTILE, ORDINARY, UNPRINTABLE } from "../support/hostile-names.ts";
import { commandLines, paste, shellsHere } from "../support/paste.ts";
import { canStage, makeCgroup, nameRoom, startSleeper, write } from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";
import { inTerminal, KEYS } from "../support/terminal.ts";

const NAMES = [...ORDINARY, ...HOSTILE].filter((name) => name !== ".");
const SHELLS = shellsHere();
const bytesOf = (name: string): Buffer => Buffer.from(encodeText(name));

/** Names come on standard input, where they can be any bytes. */
async function runOn(args: readonly string[], paths: readonly string[]) {
  const stdin = Buffer.concat(paths.map((path) => bytesOf(`${path}\0`)));
  const child = Bun.spawn([BINARY, ...args, "-0", "-"], { stdin, stdout: "pipe", stderr: "pipe", cwd: "/" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { stdout, stderr };
}

function makeAll(dir: string, paths: readonly string[]): AsyncDisposable {
  for (const path of paths) mkdirSync(bytesOf(path), { recursive: true });
  return {
    async [Symbol.asyncDispose]() {
      // With names as bytes, not as text. Nothing may stay frozen, even if the test failed.
      const thaw = ["find", dir, "-mindepth", "2", "-name", "freezer.state", "-exec", "sh", "-c"];
      await Bun.spawn([...thaw, 'for at; do echo THAWED >"$at"; done', "sh", "{}", "+"], { stderr: "ignore" }).exited;
      await Bun.spawn(["find", dir, "-mindepth", "1", "-type", "d", "-delete"], { stderr: "ignore" }).exited;
    },
  };
}

/** Paste each line into one of the shells, all of them once. */
function expectPasted(lines: readonly string[], commands: readonly Command[]): void {
  expect(lines).toHaveLength(commands.length);
  const programs = new Set(commands.map(([program = ""]) => program));
  for (const [turn, shell] of SHELLS.entries()) {
    const isMine = (_: unknown, at: number): boolean => at % SHELLS.length === turn;
    const { ran, made } = paste(shell, lines.filter(isMine), programs, "C.UTF-8");
    expect({ shell, made }).toEqual({ shell, made: [] });
    expect({ shell, ran }).toEqual({ shell, ran: commands.filter(isMine) });
  }
}

describe.if(canStage("v1"))("v1", () => {
  test("the commands after a thaw below a frozen ancestor, in text and JSON", async () => {
    await using cgroup = makeCgroup("v1");
    const parents = [...NAMES, ...UNPRINTABLE.filter((name) => !name.includes("\n"))].map(
      (name) => `${cgroup.dir}/${name}`,
    );
    await using _ = makeAll(
      cgroup.dir,
      parents.map((parent) => `${parent}/below`),
    );
    for (const parent of parents) write(bytesOf(`${parent}/freezer.state`), "FROZEN");
    const below = parents.map((parent) => `${parent}/below`);

    const { stdout } = await runOn(["thaw", "--json"], below);
    const inJson = documents(stdout).map(({ error }) => (error as { commands: Command[] }).commands);
    // JSON leaves out a command that is not UTF-8.
    expect(inJson).toEqual(parents.map((parent) => (parent.isWellFormed() ? [["cgkill", "thaw", parent]] : [])));

    const { stderr } = await runOn(["thaw"], below);
    expect(stderr.match(/no command is shown: a name in it has control characters/g)).toHaveLength(
      parents.length - NAMES.length,
    );
    const commands = NAMES.map((name) => ["cgkill", "thaw", `${cgroup.dir}/${name}`]);
    expectPasted(commandLines(stderr), commands);
  }, 90_000);
});

describe.if(canStage("v2"))("v2", () => {
  test("the command that stops the supervisor of a container with a hostile name", async () => {
    await using cgroup = makeCgroup("v2");
    const paths = NAMES.map((name) => `${cgroup.dir}/lxc.payload.${name}`);
    await using _ = makeAll(cgroup.dir, paths);
    const { stdout } = await runOn(["show"], paths);
    const commands = NAMES.map((name) => ["lxc-stop", "-n", name]);
    expectPasted(commandLines(stdout), commands);
  }, 90_000);

  test("did you mean, and a mistyped command", async () => {
    await using cgroup = makeCgroup("v2");
    const names = NAMES.filter((name, at) => at % 7 === 0 && name.isWellFormed());
    const paths = names.map((name) => `${cgroup.dir}/web-${name}`);
    await using _ = makeAll(cgroup.dir, paths);
    const lines: string[] = [];
    for (const [at, path] of paths.entries()) {
      const name = names[at] ?? "";
      lines.push(...commandLines((await runCgkill(["thaw", `${path}x`])).stderr));
      lines.push(...commandLines((await runCgkill(["lst", "--", `x${name}`])).stderr));
    }
    const commands = paths.flatMap((path, at) => [
      // A name with these characters that is not a cgroup is treated as a pattern.
      /[*?[{]/.test(names[at] ?? "") ? ["cgkill", "list", "--all", cgroup.dir] : ["cgkill", "show", path],
      ["cgkill", "list", `x${names[at]}`],
    ]);
    expectPasted(lines, commands);
  }, 90_000);

  // A longer line is wrapped on the screen, and only the terminal itself can copy it as one line.
  test.if(nameRoom === 0)(
    "the equivalent command of the interactive mode",
    async () => {
      await using cgroup = makeCgroup("v2");
      const path = `${cgroup.dir}/it's $(touch canary) \\x2d`;
      await using _ = makeAll(cgroup.dir, [path]);
      await using sleeper = await startSleeper(path);
      expect(sleeper.pid).toBeGreaterThan(0);
      await using terminal = inTerminal(["-i", "-t", "9s", path], { columns: 200 });
      await terminal.sees("What about");
      terminal.types(KEYS.end + KEYS.enter);
      await terminal.sees("Kill 1 process in");
      terminal.types("y");
      await terminal.sees("non-interactive equivalent");
      expect(await terminal.ended()).toBe(0);
      const text = terminal.text().slice(terminal.text().indexOf("non-interactive equivalent")).replaceAll("\r", "");
      expectPastedEverywhere(commandLines(text), ["cgkill", "kill", "-t", "9s", path]);
    },
    60_000,
  );
});

function expectPastedEverywhere(lines: readonly string[], command: Command): void {
  for (const shell of SHELLS) {
    expect({ shell, ...paste(shell, lines, ["cgkill"], "C.UTF-8") }).toMatchObject({ shell, ran: [command], made: [] });
  }
}
