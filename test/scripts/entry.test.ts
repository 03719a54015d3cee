// The first instructions of the binary: they raise its priority, and change nothing else.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { startUrgently } from "../../scripts/entry.ts";

// Root may be refused too: in a container, and in a cgroup that has no realtime to give.
const chrt = Bun.which("chrt");
const mayRaise = chrt !== null && Bun.spawnSync([chrt, "-r", "1", "true"]).exitCode === 0;
if (!mayRaise) console.warn("left out: a realtime priority (it is not to be had here)");

/** The scheduling policy, realtime priority and nice value of itself, and of a process that it starts. */
const REPORT = `
  const own = require("node:fs").readFileSync("/proc/self/stat", "utf8");
  const started = Bun.spawnSync(["cat", "/proc/self/stat"]).stdout.toString();
  const told = [own, started].map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "));
  console.log(JSON.stringify(told.map((fields) => [fields[38], fields[37], fields[16]].map(Number))));
`;
const RR = [2, 1, 0];
const ORDINARY = [0, 0, 0];
const NICEST = [0, 0, -20];

function run(program: string, under: readonly string[] = []): number[][] {
  const { stdout } = Bun.spawnSync([...under, program, "-e", REPORT], { stderr: "inherit" });
  return JSON.parse(stdout.toString()) as number[][];
}

const scratch = mkdtempSync(`${tmpdir()}/cgkill-entry-`);
const urgent = `${scratch}/bun`;
beforeAll(() => writeFileSync(urgent, startUrgently(readFileSync(process.execPath)), { mode: 0o755 }));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test.skipIf(!mayRaise)("it runs at realtime priority from the start, and what it starts does not", () => {
  expect(run(urgent)).toEqual([RR, ORDINARY]);
  expect(run(process.execPath)).toEqual([ORDINARY, ORDINARY]);
});

const CPU = "/sys/fs/cgroup/cpu";
const hasShares = mayRaise && existsSync(`${CPU}/cpu.rt_runtime_us`);
if (!hasShares) console.warn("left out: a cgroup without realtime (no v1 hierarchy of processor time here)");

test.skipIf(!hasShares)("where there is no realtime to be had, at the highest nice value", () => {
  const group = `${CPU}/cgkill-test-entry-${process.pid}`;
  mkdirSync(group);
  try {
    const [own] = run(urgent, ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', group]);
    expect(own).toEqual(NICEST);
  } finally {
    rmdirSync(group);
  }
});

const prlimit = Bun.which("prlimit");
if (prlimit === null) console.warn("left out: a limit of realtime (there is no prlimit here)");

// At its end the kernel sends SIGXCPU, then SIGKILL.
test.skipIf(!mayRaise || prlimit === null).each(["1000:", "1000:1000"])(
  "with a finite RLIMIT_RTTIME (%s) it runs at the highest nice value, and what it starts too",
  (limits) => {
    expect(run(urgent, [prlimit ?? "", `--rttime=${limits}`])).toEqual([NICEST, NICEST]);
  },
);

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
