// The first instructions of the binary: they raise its priority, and change nothing else.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { startUrgently } from "../../scripts/entry.ts";

// Root may be refused too: in a container, and in a cgroup that has no realtime to give.
const chrt = Bun.which("chrt");
const mayRaise = chrt !== null && Bun.spawnSync([chrt, "-r", "1", "true"]).exitCode === 0;
if (!mayRaise) console.warn("left out: a realtime priority (it is not to be had here)");

/** The scheduling policy and realtime priority of itself, and of a process that it starts. */
const REPORT = `
  const own = require("node:fs").readFileSync("/proc/self/stat", "utf8");
  const started = Bun.spawnSync(["cat", "/proc/self/stat"]).stdout.toString();
  const told = [own, started].map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "));
  console.log(JSON.stringify(told.map((fields) => [fields[38], fields[37]].map(Number))));
`;
const RR = [2, 1];
const ORDINARY = [0, 0];

function run(program: string): number[][] {
  const { stdout } = Bun.spawnSync([program, "-e", REPORT], { stderr: "inherit" });
  return JSON.parse(stdout.toString()) as number[][];
}

test.skipIf(!mayRaise)("it runs at realtime priority from the start, and what it starts does not", () => {
  const dir = mkdtempSync(`${tmpdir()}/cgkill-entry-`);
  try {
    const path = `${dir}/bun`;
    writeFileSync(path, startUrgently(readFileSync(process.execPath)), { mode: 0o755 });
    expect(run(path)).toEqual([RR, ORDINARY]);
    expect(run(process.execPath)).toEqual([ORDINARY, ORDINARY]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("the binary is made so", () => {
  const binary = readFileSync(`${import.meta.dir}/../../dist/cgkill`);
  // Once more, and it is entered elsewhere: behind what it is entered by now.
  const again = startUrgently(binary);
  const [entry, further] = [binary, again].map((elf) => Number(elf.readBigUInt64LE(24)));
  expect((further as number) - (entry as number)).toBeGreaterThan(0);
  expect((further as number) - (entry as number)).toBeLessThan(128);
});

test("what is no such executable is refused", () => {
  expect(() => startUrgently(Buffer.alloc(4096))).toThrow("not an ELF executable");
  const other = Buffer.from(readFileSync(process.execPath).subarray(0, 4096));
  other.writeUInt16LE(8, 18);
  expect(() => startUrgently(other)).toThrow("not an ELF executable");
});
