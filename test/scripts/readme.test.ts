// What the README says, against the code: every command line parses, every file and script it names is there, its options,
// exit statuses, outcomes and JSON keys are those of the source.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";

import packageJson from "../../package.json";
import { METHODS } from "../../src/cli/args/choices.ts";
import { COMMANDS } from "../../src/cli/args/commands.ts";
import { OPTIONS } from "../../src/cli/args/options.ts";
import { parseArgs } from "../../src/cli/args/parse.ts";
import { EXIT_CODES } from "../../src/cli/exit-codes.ts";
import { outcomeToJson } from "../../src/cli/output/json.ts";
import type { KillOutcome, Survivor } from "../../src/kill/types.ts";
import { DEADLY } from "../../src/sys/signals.ts";

const root = `${import.meta.dir}/../..`;
const README = readFileSync(`${root}/README.md`, "utf8");

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

const blocks: readonly Block[] = [...README.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
  language: match[1] ?? "",
  lines: (match[2] ?? "").split("\n"),
}));
/** What is neither a block nor the output of --help. */
const prose = README.replace(/^```[\s\S]*?^```$/gm, "");
const spans: readonly string[] = [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string);

/** As a shell cuts it, as far as the README goes: quotes, comments, and the command of a pipeline that is ours. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/'[^']*'|"[^"]*"|#.*$|[^\s'"#]+|#/g)].map((match) => match[0]);
  return words.filter((word) => !word.startsWith("#")).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

/** The part of a command line that is cgkill's: after a pipe, `sudo` or the like, up to the next pipe or redirection. */
function ourArguments(line: string): string[] | undefined {
  const words = wordsOf(line.replace(/^\$ /, ""));
  const from = words.indexOf("cgkill");
  if (from < 0) return undefined;
  const rest = words.slice(from + 1);
  const to = rest.findIndex((word) => /^(\||>|;|&&|\|\|)/.test(word));
  const mine = to < 0 ? rest : rest.slice(0, to);
  return mine.map((word) => word.replace(/;$/, "")).filter((word) => word !== "");
}

const shellLines = blocks.filter(({ language }) => language === "sh").flatMap(({ lines }) => lines);
const screenLines = blocks
  .filter(({ language }) => language === "text")
  .flatMap(({ lines }) => lines.filter((line) => line.startsWith("$ ")));
/** `cgkill thaw`, with nothing behind it, is a name in a sentence and no command line. */
const inline = spans.filter((span) => /^cgkill .*[a-z0-9]/.test(span) && /\s\S+\s/.test(span));
const examples = blocks
  .filter(({ lines }) => lines.some((line) => line.startsWith("Usage:")))
  .flatMap(({ lines }) => lines.slice(lines.indexOf("Examples:")).filter((line) => line.startsWith(" cgkill")))
  .map((line) => line.replace(/\s{2,}.*$/, ""));

const commandLines = [...shellLines, ...screenLines, ...examples, ...inline]
  .filter((line) => /(^|[\s|])cgkill(\s|$)/.test(line))
  .filter((line) => !line.includes("…"));

describe("command lines", () => {
  test("there are many", () => expect(commandLines.length).toBeGreaterThan(30));

  test.each(commandLines.map((line) => [line.trim()]))("%s", (line) => {
    const words = ourArguments(line) ?? [];
    expect(() => parseArgs(words.map((word) => word.replace(/\|.*$/, "") || word))).not.toThrow();
  });
});

describe("npm scripts and files", () => {
  const scripts = [...README.matchAll(/\b(?:npm|bun) run ([a-z]+)/g)].map((match) => match[1] as string);
  test.each([...new Set(scripts)].map((name) => [name]))("run %s", (name) => {
    expect(Object.keys(packageJson.scripts)).toContain(name);
  });

  const paths = [...README.matchAll(/(?<![\w/.-])(?:scripts|src|test)\/[\w./-]*\w/g)].map((match) => match[0]);
  test.each([...new Set(paths)].map((path) => [path]))("%s", (path) => {
    expect(existsSync(`${root}/${path}`)).toBe(true);
  });

  const all = [...readdirSync(`${root}/test`, { recursive: true }), ...readdirSync(`${root}/src`, { recursive: true })];
  const files = all.map(String);
  const names = spans.flatMap((span) => span.match(/^[\w/-]+\.(?:test\.)?ts$/g) ?? []);
  test.each([...new Set(names)].map((name) => [name]))("%s", (name) => {
    const short = name.replace(/^(src|test|scripts)\//, "");
    const isThere = files.some((file) => file === short || file.endsWith(`/${short}`));
    expect(isThere || existsSync(`${root}/${name}`)).toBe(true);
  });
});

describe("options", () => {
  const ofOthers = new Set(["extra-vars", "preload", "require", "import", "config", "version", "uninstall", "release"]);
  const ofBuild = ["bytecode", "bytecode-order", "splitting", "production", "compile-jit-policy", "smol"];
  const foreign = new Set(["frozen-lockfile", "limit", "cgroup", "write", ...ofOthers, ...ofBuild]);
  const long = [...README.matchAll(/(?<![\w-])--([a-z][a-z-]+)/g)].map((match) => match[1] as string);
  const known = OPTIONS.map((option) => option.long);

  test("each that is named there is in the table", () => {
    const named = [...new Set(long)].filter((name) => !known.includes(name) && !foreign.has(name));
    expect(named).toEqual([]);
  });

  test("each of the table, each command and each method is named there", () => {
    expect(known.filter((name) => !long.includes(name))).toEqual([]);
    const commands = COMMANDS.map(({ name }) => name).filter((name) => !["kill", "help"].includes(name));
    expect(commands.filter((name) => !README.includes(`cgkill ${name}`))).toEqual([]);
    const methods = METHODS.filter((name) => name !== "auto" && !README.includes(`| \`${name}\` |`));
    expect(methods).toEqual([]);
  });
});

/** The rows of the table after a heading, cell by cell. */
function tableAfter(heading: string): string[][] {
  const section = README.slice(README.indexOf(`\n${heading}\n`));
  const rows = section.slice(section.indexOf("\n|")).split("\n").slice(1);
  const end = rows.findIndex((row) => !row.startsWith("|"));
  return rows.slice(2, end).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test("the exit statuses and outcomes are those of the source", () => {
  const told = tableAfter("### Exit status").flatMap(([code = "", , outcomes = ""]) =>
    outcomes.split(", ").map((outcome) => [outcome.replaceAll("`", ""), Number(code.split(",")[0])]),
  );
  expect(Object.fromEntries(told)).toEqual(EXIT_CODES);
  const signals = tableAfter("### Exit status").find(([code]) => code?.includes(","))?.[0];
  expect(signals?.split(", ").map(Number)).toEqual(Object.values(DEADLY).map((number) => 128 + number));
});

test("the JSON example has the keys of the source, in their order", () => {
  const block = blocks.find(({ language }) => language === "json");
  const example = JSON.parse(block?.lines.join("") ?? "");
  const outcome: KillOutcome = {
    cgroup: "/batch/job7",
    path: "/sys/fs/cgroup/batch/job7",
    hierarchy: "v2",
    method: "kill",
    outcome: "killed",
    killed: [{ pid: 812, comm: "worker" }],
    killedCount: 1,
    endedByGrace: null,
    survivors: [],
    spared: [],
    removed: false,
    proven: true,
    leftFrozen: [],
    thawedEmpty: false,
    startedAt: "2026-11-23T17:00:00.000Z",
    durationMs: 3.1,
    phases: { freezeMs: null, scanMs: 0.2, signalMs: 0.4, thawMs: null, waitMs: 2.2, removeMs: null },
    error: null,
    twin: null,
    matches: null,
  };
  expect(JSON.stringify(example)).toBe(outcomeToJson("kill", outcome));
});

test("the keys of a survivor and of an error are those of the source, in their order", () => {
  const survivor: Survivor = {
    pid: 1,
    ppid: null,
    comm: null,
    state: null,
    uid: null,
    wchan: null,
    sigkillPending: null,
    frozenBy: null,
    tracerPid: null,
    cgroup: "",
    reason: "traced",
    hint: "",
    commands: [],
  };
  const error: NonNullable<KillOutcome["error"]> = {
    code: "",
    message: "",
    hint: null,
    commands: [],
    operation: null,
    path: null,
    errno: null,
  };
  const told = [...README.matchAll(/`([a-z_]+(?:,\s[a-z_]+){3,})`/g)].map((match) => (match[1] ?? "").split(/,\s/));
  for (const value of [survivor, error]) {
    const keys = Object.keys(value).map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    expect(told).toContainEqual(keys);
  }
});

describe("messages", () => {
  const source = readdirSync(`${root}/src`, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(`${root}/src/${file}`, "utf8"))
    .join("\n");
  const cells = tableAfter("## When something is wrong").map(([seen = ""]) => seen);
  const quoted = cells.flatMap((cell) => [...cell.matchAll(/"([^"]+)"/g)].map((match) => match[1] as string));
  const reasons = cells.flatMap((cell) => /^exit 6, `([a-z-]+)`/.exec(cell)?.[1] ?? []);

  test("there are some", () => expect([quoted.length > 5, reasons.length > 3]).toEqual([true, true]));

  // What stands for a value is … or N there.
  test.each(quoted.map((text) => [text]))("%s", (text) => {
    const parts = text.split(/…|\bN\b/).filter((part) => part.trim() !== "");
    expect(parts.filter((part) => !source.includes(part))).toEqual([]);
  });

  test.each(reasons.map((reason) => [reason]))("%s is a reason", (reason) => {
    expect(source).toContain(`"${reason}"`);
  });
});
