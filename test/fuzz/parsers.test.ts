// Every parser, with generated text: none throws, loses anything, or returns an impossible number.

import { expect, test } from "bun:test";

import { parseMountInfo, parsePids } from "../../src/cgroup/open/mountinfo.ts";
import { parseCgroupLines } from "../../src/cgroup/open/proc-cgroup.ts";
import { parseEvents } from "../../src/cgroup/v2.ts";
import { optionTable } from "../../src/cli/args/options.ts";
import { parseArgs } from "../../src/cli/args/parse.ts";
import { UsageError } from "../../src/cli/args/usage-error.ts";
import { sanitize } from "../../src/cli/text/sanitize.ts";
import { decodeBytes, encodeText } from "../../src/sys/bytes.ts";
import { PROC } from "../../src/sys/dir.ts";
import { parseStat, parseStatus } from "../../src/sys/proc.ts";
import { fuzz, garble, type Random, randomName } from "../support/fuzz.ts";
import { recordedSys } from "../support/recorded.ts";

const ROUNDS = 3000;
const MOUNTS = (["unified", "hybrid", "legacy", "container", "bind"] as const).map((machine) =>
  recordedSys(machine).readFile(PROC, "self/mountinfo"),
);
const STATUS =
  "Name:\tx\nTgid:\t812\nUid:\t0\t0\t0\t0\nTracerPid:\t0\nSigPnd:\t0\nShdPnd:\t0000000000000100\nVmRSS:\t40 kB\n";

const garbled = (text: string, random: Random): string => {
  let now = text;
  for (let i = random.int(3); i >= 0; i--) now = garble(now, random);
  return now;
};

test("cgroup.procs, tasks, cgroup.threads: one entry per line, each a possible pid or 0", () =>
  fuzz(ROUNDS, (random) => {
    const pids = random.list(20, () => 1 + random.int(0x400000));
    const text = pids.map((pid) => `${pid}\n`).join("");
    expect(parsePids(text)).toEqual(pids);
    const bad = garbled(text, random);
    const parsed = parsePids(bad);
    expect(parsed.filter((pid) => !Number.isInteger(pid) || pid < 0 || pid > 0x400000)).toEqual([]);
    expect(parsed).toHaveLength(bad === "" ? 0 : bad.replace(/\n$/, "").split("\n").length);
    // A line that is not a number is 0, never another pid.
    const numbers = bad
      .split("\n")
      .filter((line) => /^\d+$/.test(line))
      .map(Number);
    expect(parsed.filter((pid) => pid !== 0 && !numbers.includes(pid))).toEqual([]);
  }));

const escapeOctal = (text: string): string =>
  text.replace(/[ \t\n\\]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);

test("mountinfo: any mount point and root is parsed back; garbled text does not throw", () =>
  fuzz(ROUNDS, (random) => {
    const point = `/${random.list(3, () => `${randomName(random)}${random.pick(["", "\n", " ", "\\134"])}`).join("/")}`;
    const root = `/${random.list(2, () => randomName(random)).join("/")}`;
    const line = `35 24 0:30 ${escapeOctal(root)} ${escapeOctal(point)} rw,nosuid shared:9 - cgroup2 none rw\n`;
    expect(parseMountInfo(`${random.pick(MOUNTS)}${line}`).at(-1)).toEqual({
      id: 35,
      device: "0:30",
      root,
      point,
      fsType: "cgroup2",
      source: "none",
      superOptions: ["rw"],
    });
    for (const mount of parseMountInfo(garbled(random.pick(MOUNTS), random))) {
      for (const text of [mount.device, mount.root, mount.point, mount.fsType]) expect(typeof text).toBe("string");
    }
  }));

test("/proc/PID/cgroup: any path is parsed back; garbled text yields no line that it does not contain", () =>
  fuzz(ROUNDS, (random) => {
    const lines = ["", "freezer", "cpu,cpuacct", "name=systemd"].map((controllers, index) => ({
      controllers,
      path: `/${random.list(3, () => randomName(random)).join("/")}`,
      text: index,
    }));
    const text = lines.map(({ controllers, path, text: id }) => `${id}:${controllers}:${path}\n`).join("");
    expect(parseCgroupLines(text)).toEqual(lines.map(({ controllers, path }) => ({ controllers, path })));
    const bad = garbled(text, random);
    for (const { controllers, path } of parseCgroupLines(bad)) {
      expect(path).toStartWith("/");
      expect(bad).toContain(`:${controllers}:${path}`);
    }
  }));

test("stat and status: any name is parsed; garbled text does not throw, and shows no SIGKILL that is not pending", () =>
  fuzz(ROUNDS, (random) => {
    const comm = random.list(3, () => random.pick(["(", ")", ") R 1", " ", "\n", "a", "\udcff"])).join("");
    const stat = `812 (${comm}) S 7 812 812 0 -1 2097152 0 0 0 0 3 4 0 0 20 0 5 0 99 0 0\n`;
    expect(parseStat(stat)).toMatchObject({
      comm,
      state: "S",
      ppid: 7,
      isKernelThread: true,
      threads: 5,
      startTicks: 99,
    });
    expect(() => parseStat(garbled(stat, random))).not.toThrow();
    expect(parseStatus(STATUS)).toMatchObject({ tgid: 812, sigkillPending: true, rssBytes: 40960 });
    const bad = garbled(STATUS.replace("100\n", "000\n"), random);
    expect(parseStatus(bad).sigkillPending).toBe(false);
  }));

test("cgroup.events: only the whole line populated 0 means empty", () =>
  fuzz(ROUNDS, (random) => {
    const bad = garbled("populated 1\nfrozen 0\n", random);
    if (!parseEvents(bad).populated) expect(bad).toMatch(/^populated 0\n/m);
  }));

const WORDS = [
  ...optionTable().flatMap(({ long, short }) => [
    `--${long}`,
    `--${long}=1`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]),
  ..."-- - -9 -- kill list show freeze thaw signal HUP completion help 0 1 1000 -1 NaN 1e9 0x1 5s 500ms auto TERM 1,2 1,,2 v2 bash".split(
    " ",
  ),
  "",
];

test("arguments: a command or a usage error; no pid below 1, no impossible time, no name that was not given", () =>
  fuzz(ROUNDS, (random) => {
    const argv = random.list(6, () => (random.chance(4) ? randomName(random) : random.pick(WORDS)));
    let command: ReturnType<typeof parseArgs>;
    try {
      command = parseArgs(argv);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      return;
    }
    if (!("targets" in command)) return;
    const { targets, spare, timeoutMs, graceMs } = command;
    const pids = [...spare, ...targets.flatMap((target) => (target.kind === "pid" ? [target.pid] : []))];
    expect(pids.filter((pid) => !Number.isInteger(pid) || pid < 1)).toEqual([]);
    for (const ms of [timeoutMs, graceMs]) expect(Number.isFinite(ms) && ms >= 0).toBe(true);
    for (const target of targets) if (target.kind === "name") expect(argv).toContain(target.name);
  }));

/** The inverse of `sanitize`. */
const unescape = (shown: string): string =>
  shown.replace(/\\(?:x([0-9a-f]{2})|u\{([0-9a-f]+)\}|u([0-9a-f]{4})|(.))/gu, (_, byte, wide, code, named) => {
    if (byte !== undefined) {
      const value = Number.parseInt(byte, 16);
      return String.fromCharCode(value < 0x80 ? value : 0xdc00 + value);
    }
    if (wide ?? code) return String.fromCodePoint(Number.parseInt(wide ?? code, 16));
    return ({ n: "\n", t: "\t", r: "\r", "\\": "\\" } as Record<string, string>)[named] ?? named;
  });

test("names on a terminal: no control characters, and no two names are displayed alike", () =>
  fuzz(ROUNDS, (random) => {
    const code = (): string => String.fromCodePoint(random.int(random.pick([0x80, 0x300, 0x2100, 0xffff, 0x10ffff])));
    const text = random.list(6, () => (random.chance(2) ? code() : randomName(random))).join("");
    const shown = sanitize(text);
    expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\p{Bidi_Control}\u2028\u2029]/u);
    expect(unescape(shown)).toBe(text);
  }));

test("names as bytes: any bytes survive decoding, JSON and encoding; text is unchanged", () =>
  fuzz(ROUNDS, (random) => {
    const lead = [
      0x2f, 0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xed, 0xa0, 0xb2, 0xef, 0xbf, 0xbd, 0xf0, 0xf4, 0x90, 0xff,
    ];
    const bytes = Buffer.from(random.list(12, () => (random.chance(4) ? random.int(256) : random.pick(lead))));
    const carried = JSON.parse(JSON.stringify(decodeBytes(bytes))) as string;
    expect(JSON.stringify(carried)).not.toMatch(
      /[\ud800-\udfff](?<![\ud800-\udbff][\udc00-\udfff])(?![\udc00-\udfff])/,
    );
    expect(Buffer.from(encodeText(carried))).toEqual(bytes);
    const text = random.list(6, () => String.fromCodePoint(random.int(0xd7ff) + 1)).join("");
    expect(decodeBytes(Buffer.from(text))).toBe(text);
  }));
