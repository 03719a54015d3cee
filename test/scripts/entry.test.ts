// The first instructions of the binary raise its priority, hide variables from Bun, add ours, and change nothing else.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";

import { SETTINGS } from "../../scripts/build/engine-settings.ts";
import { startUrgently, TESTED_ON } from "../../scripts/build/entry.ts";
import { HIDDEN, HIDDEN_IN_ANY_CASE } from "../../scripts/build/hidden-variables.ts";
import { NOTES } from "../../scripts/build/ignored-signals.ts";

// Even root may be refused: in a container, and in a cgroup without real-time bandwidth.
const chrt = Bun.which("chrt");
const mayRaise = chrt !== null && Bun.spawnSync([chrt, "-r", "1", "true"]).exitCode === 0;
if (!mayRaise) console.warn("left out: a real-time priority (not permitted here)");

/** Prints the scheduling policy, real-time priority and nice value of itself and of a child process. */
const REPORT = `
  const own = require("node:fs").readFileSync("/proc/self/stat", "utf8");
  const started = Bun.spawnSync(["cat", "/proc/self/stat"]).stdout.toString();
  const told = [own, started].map((stat) => stat.slice(stat.lastIndexOf(")") + 2).split(" "));
  console.log(JSON.stringify(told.map((fields) => [fields[38], fields[37], fields[16]].map(Number))));
`;
const RR = [2, 99, 0];
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

test.skipIf(!mayRaise)(
  "the program has the highest real-time priority from the start, and its child processes do not",
  () => {
    expect(run(urgent)).toEqual([RR, ORDINARY]);
    expect(run(process.execPath)).toEqual([ORDINARY, ORDINARY]);
  },
);

test.skipIf(!mayRaise).each([
  ["SCHED_BATCH", ["chrt", "-b", "0"], [3, 0, 0]],
  ["SCHED_IDLE", ["chrt", "-i", "0"], [5, 0, 0]],
  ["SCHED_FIFO", ["chrt", "-f", "7"], [1, 7, 0]],
])("a policy that the caller has chosen, %s, is kept and inherited", (_, under, policy) => {
  expect(run(urgent, under)).toEqual([policy, policy]);
});

const CPU = "/sys/fs/cgroup/cpu";
const hasShares = mayRaise && existsSync(`${CPU}/cpu.rt_runtime_us`);
if (!hasShares) console.warn("left out: a cgroup without real-time bandwidth (no v1 cpu hierarchy here)");

test.skipIf(!hasShares)("in a cgroup without real-time bandwidth, it has the lowest nice value", () => {
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
if (prlimit === null) console.warn("left out: a limit on real-time (prlimit is not installed)");

// At the limit the kernel sends SIGXCPU, then SIGKILL.
test.skipIf(!mayRaise || prlimit === null).each(["1000:", "1000:1000"])(
  "with a finite RLIMIT_RTTIME (%s), it and its child processes have the lowest nice value",
  (limits) => {
    expect(run(urgent, [prlimit ?? "", `--rttime=${limits}`])).toEqual([NICEST, NICEST]);
  },
);

/** What the instructions add; no signal is ignored. */
const ADDED = [...SETTINGS, NOTES[0] ?? ""];

/** Prints the environment as the program sees it, and as its caller passed it. */
const ENVIRONMENT = `
  const given = require("node:fs").readFileSync("/proc/self/environ", "latin1").split("\\0").filter(Boolean);
  console.log(JSON.stringify([process.env, given]));
`;

function environmentOf(program: string, given: readonly string[]): [Record<string, string>, string[]] {
  const { stdout, stderr } = Bun.spawnSync(["env", "-i", ...given, program, "-e", ENVIRONMENT]);
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as [Record<string, string>, string[]];
}

const asVariables = (seen: Record<string, string>): string[] => Object.entries(seen).map((each) => each.join("="));

describe("variables that Bun acts on", () => {
  const ordinary = [
    "A=1",
    "EMPTY=",
    "TERM=xterm",
    "XBUN_BE_BUN=1",
    "BUN=1",
    "bun_be_bun=1",
    "MALLOC_ARENA_MAX=2",
    "Y=1",
  ];
  const hidden = [
    "BUN_BE_BUN=1",
    "BUN_OPTIONS=--version",
    "BUN_=1",
    "MiMaLLoC_verbose=1",
    ...HIDDEN.map((prefix) => `${prefix}X=1`),
    ...HIDDEN_IN_ANY_CASE.flatMap((prefix) => [`${prefix}X=1`, `${prefix.toLowerCase()}x=1`]),
  ];

  test("each loses its first letter; other variables and /proc/self/environ do not change", () => {
    const given = hidden.flatMap((variable, at) => [variable, ordinary[at] ?? []].flat());
    const [seen, kept] = environmentOf(urgent, given);
    const shown = given.map((each) => (hidden.includes(each) ? each.slice(1) : each));
    expect(asVariables(seen)).toEqual([...shown, ...ADDED]);
    expect(kept).toEqual(given);
  });

  test("a program without these instructions obeys the variables", () => {
    const run = (program: string): string =>
      Bun.spawnSync([program, "-e", "1"], { env: { BUN_OPTIONS: "--version" } }).stdout.toString();
    expect([process.execPath, urgent].map(run)).toEqual([`${Bun.version}\n`, ""]);
  });

  test("settings of the engine that the caller passes have no effect: ours are added", () => {
    const given = SETTINGS.map((each) => each.replace(/.$/, "7"));
    const [seen, kept] = environmentOf(urgent, given);
    expect(asVariables(seen)).toEqual([...given.map((each) => each.slice(1)), ...ADDED]);
    expect(kept).toEqual(given);
  });

  test("an empty environment works", () => {
    const [seen, kept] = environmentOf(urgent, []);
    expect([asVariables(seen), kept]).toEqual([ADDED, []]);
  });

  test.each([1, 2, 3, 4])(
    "many arguments and variables keep their order, and the auxiliary vector its place (%i)",
    (odd) => {
      const given = Array.from({ length: 20_000 + odd }, (_, index) => `V${index}=${index}`);
      const words = Array.from({ length: 5000 + odd }, (_, index) => `word ${index}`);
      const report =
        "console.log(JSON.stringify([Object.keys(process.env).length, process.argv.slice(1), process.geteuid()]))";
      const { stdout } = Bun.spawnSync([urgent, "-e", report, ...words], {
        env: Object.fromEntries(given.map((each) => each.split("="))),
      });
      expect(JSON.parse(stdout.toString())).toEqual([given.length + ADDED.length, words, process.geteuid?.()]);
    },
  );

  test("the program has a single thread", () => {
    const report = 'require("node:fs").readFileSync("/proc/self/status", "latin1").match(/Threads:.*/)[0]';
    const { stdout } = Bun.spawnSync([urgent, "-e", `Bun.gc(true); console.log(${report})`]);
    expect(stdout.toString()).toBe("Threads:\t1\n");
  });
});

test("dist/cgkill has these instructions, less than 880 bytes", () => {
  const entryOf = (elf: Buffer): number => Number(elf.readBigUInt64LE(24));
  const [binary, other, runtime] = [`${import.meta.dir}/../../dist/cgkill`, urgent, process.execPath].map((path) =>
    readFileSync(path),
  ) as [Buffer, Buffer, Buffer];
  expect(entryOf(binary)).toBe(entryOf(other));
  expect(entryOf(binary)).not.toBe(entryOf(runtime));
  // The first of them ask for the priority.
  const added = other.subarray(other.indexOf(Buffer.from("52b89100000031ff0f05", "hex")));
  const length = added.indexOf("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
  expect(length).toBeGreaterThan(256);
  expect(length).toBeLessThan(880);
  expect(binary.includes(added.subarray(0, length))).toBe(true);
});

const canStrip = Bun.which("strip") !== null;
if (!canStrip) console.warn("left out: a stripped copy (strip is not installed)");
test.if(canStrip)("a stripped copy does not start, so it neither interprets JavaScript nor reports success", () => {
  for (const option of ["--strip-all", "--strip-debug", "--strip-unneeded"]) {
    const copy = `${scratch}/stripped`;
    copyFileSync(`${import.meta.dir}/../../dist/cgkill`, copy);
    expect(Bun.spawnSync(["strip", option, copy]).exitCode).toBe(0);
    for (const args of [["--version"], ["-e", "console.log('interpreted')"]]) {
      const ran = Bun.spawnSync([copy, ...args]);
      expect(ran.exitCode).not.toBe(0);
      expect(ran.stdout.toString()).toBe("");
    }
  }
});

test("a runtime that these instructions were not tested on stops the build, and says what to do", () => {
  const runtime = readFileSync(process.execPath);
  expect(() => startUrgently(runtime, "1.4.6")).toThrow("not on Bun 1.4.6");
  const other = Buffer.from(runtime);
  // Make the code segment writable.
  const headers = Number(other.readBigUInt64LE(32));
  for (let at = headers; at < headers + other.readUInt16LE(56) * 56; at += 56) {
    if (other.readUInt32LE(at) === 1 && other.readUInt32LE(at + 4) === 5) other.writeUInt32LE(7, at + 4);
  }
  expect(() => startUrgently(other)).toThrow("with segments 4 7 6");
  expect(TESTED_ON).toBe(Bun.version);
});

test("a file that is not an executable for this kind of machine is refused", () => {
  expect(() => startUrgently(Buffer.alloc(4096))).toThrow("not an ELF executable");
  const other = Buffer.from(readFileSync(process.execPath).subarray(0, 4096));
  other.writeUInt16LE(8, 18);
  expect(() => startUrgently(other)).toThrow("not an ELF executable");
});
