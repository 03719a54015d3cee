// The layer check finds every violation that it is meant to find, and none in the real source.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

import { findCyclesIn, findViolations } from "../../scripts/check-layers.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let made = 0;
async function violationsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const root = `${scratch}/${++made}`;
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(`${root}/${file}`), { recursive: true });
    writeFileSync(`${root}/${file}`, text);
  }
  return await findViolations(root);
}

test("the source keeps its layers", async () => {
  expect(await findViolations(`${import.meta.dir}/../../src`)).toEqual([]);
});

test("the scripts have no import cycle", async () => {
  expect(await findCyclesIn(`${import.meta.dir}/../../scripts`)).toEqual([]);
});

test.each([
  ["cgroup/a.ts", 'import { x } from "../kill/b.ts";', "cgroup/a.ts:1: may not import kill/b.ts"],
  ["cgroup/a.ts", '\nimport { readFileSync } from "node:fs";', "cgroup/a.ts:2: may not import node:fs"],
  ["cli/a.ts", 'import { x } from "../kill/steps/signal.ts";', "cli/a.ts:1: may not import kill/steps/signal.ts"],
  [
    "cli/a.ts",
    'import type { X } from "../cgroup/freezer-switch.ts";',
    "cli/a.ts:1: may not import cgroup/freezer-switch.ts",
  ],
  ["cli/a.ts", 'const x = await import("picocolors");', "cli/a.ts:1: may not import picocolors"],
  ["cli/a.ts", 'import "@clack/prompts";', "cli/a.ts:1: may not import @clack/prompts"],
  ["cli/a.ts", 'import x from "./completion/x.txt";', "cli/a.ts:1: may not import cli/completion/x.txt"],
  ["kill/a.ts", 'import { x } from "../cli/b.ts";', "kill/a.ts:1: may not import cli/b.ts"],
  ["sys/a.ts", 'import { dlopen } from "bun:ffi";', "sys/a.ts:1: may not import bun:ffi"],
  ["main.ts", 'import { x } from "./kill/a.ts";', "main.ts:1: may not import kill/a.ts"],
  ["kill/a.ts", "sys.writeFile(dir, name, value);", "kill/a.ts:1: writes a file"],
  ["cli/text/a.ts", 'import { x } from "../output/b.ts";', "cli/text/a.ts:1: may not import cli/output/b.ts"],
  ["inspect/a.ts", "calls.write(fd, bytes);", "inspect/a.ts:1: writes a file"],
  ["inspect/a.ts", "sys.writeSome(fd, bytes);", "inspect/a.ts:1: writes to a descriptor"],
  ["inspect/a.ts", "sys.writeMark(fd, name, value);", "inspect/a.ts:1: marks a cgroup"],
  ["cli/views/a.ts", "const x = `    pid ${pid}`;", "cli/views/a.ts:1: indents a line like a command"],
  ["cli/views/a.ts", 'const x = "hint:\\n    " + x;', "cli/views/a.ts:1: indents a line like a command"],
  ["cli/views/a.ts", "const x = COMMAND_INDENT + x;", "cli/views/a.ts:1: indents a line like a command"],
  ["kill/a.ts", "\n\nsys.removeDir(dir, name);", "kill/a.ts:3: makes or removes a directory"],
  ["kill/a.ts", "sys.kill(pid, 9);", "kill/a.ts:1: signals a process"],
  ["kill/a.ts", 'console.log("x");', "kill/a.ts:1: prints"],
  ["cli/a.ts", "process.stdout.write(text);", "cli/a.ts:1: touches a stream object"],
  ["cli/a.ts", "process.exit(1);", "cli/a.ts:1: ends the process"],
  ["kill/a.ts", "export default 1;", "kill/a.ts:1: has a default export"],
  ["kill/a.ts", 'export * from "./b.ts";', "kill/a.ts:1: is a barrel"],
  ["elsewhere/a.ts", "", "elsewhere/a.ts:1: belongs to no folder of the architecture"],
])("in %s, %j is found", async (file, text, violation) => {
  expect(await violationsOf({ [file]: text })).toContain(violation);
});

test("a file that is too long and a folder with too many files are found", async () => {
  const many = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`label/f${i}.ts`, ""]));
  expect(await violationsOf(many)).toEqual(["label: 13 files"]);
  expect((await violationsOf({ "label/a.ts": "\n".repeat(400) })).join()).toStartWith("label/a.ts: 400 lines");
});

test("a cycle is found, even if only of types", async () => {
  const files = { "kill/a.ts": 'import type { B } from "./b.ts";', "kill/b.ts": 'import type { A } from "./a.ts";' };
  expect(await violationsOf(files)).toEqual(["cycle: kill/a.ts -> kill/b.ts -> kill/a.ts"]);
});

test("a comment is not a violation", async () => {
  expect(
    await violationsOf({ "kill/a.ts": '// import { x } from "../cli/b.ts"; console.log()\n/* sys.kill(1) */' }),
  ).toEqual([]);
});
