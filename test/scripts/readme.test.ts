// Checks the READMEs and the manual against the code: every command line parses, and options, exit statuses,
// outcomes, messages and JSON keys are those of the source.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

import { METHODS } from "../../src/cli/args/command.ts";
import { COMMAND_NAMES } from "../../src/cli/args/commands.ts";
import { optionTable } from "../../src/cli/args/options.ts";
import { parseArgs } from "../../src/cli/args/parse.ts";
import { runCgkill } from "../../src/cli/dispatch.ts";
import { EXIT_CODES } from "../../src/cli/exit-codes.ts";
import { outcomeToJson } from "../../src/cli/output/json.ts";
import type { KillOutcome, Survivor } from "../../src/kill/types.ts";
import { DEADLY } from "../../src/sys/signals.ts";
import { writtenIo } from "../cli/support.ts";
import { documents } from "../support/documents.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import { ALL, DOCS, MANUAL, README, root, spans, tableAfter } from "./docs.ts";

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

const blocks: readonly Block[] = [...ALL.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
  language: match[1] ?? "",
  lines: (match[2] ?? "").split("\n"),
}));
/** Split like a shell, as far as these documents need it: quotes and comments. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/'[^']*'|"[^"]*"|#.*$|[^\s'"#]+|#/g)].map((match) => match[0]);
  return words.filter((word) => !word.startsWith("#")).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

/** The arguments of cgkill in a command line: after a pipe, `sudo` or the like, up to the next pipe or redirection. */
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
/** `cgkill thaw` with nothing after it is the name of a command, not a command line. */
const inline = spans.filter((span) => /^cgkill .*[a-z0-9]/.test(span) && /\s\S+\s/.test(span));
const examples = blocks
  .filter(({ lines }) => lines.some((line) => line.startsWith("Usage:")))
  .flatMap(({ lines }) => lines.slice(lines.indexOf("Examples:")).filter((line) => line.startsWith(" cgkill")))
  .map((line) => line.replace(/\s{2,}.*$/, ""));

const commandLines = [...shellLines, ...screenLines, ...examples, ...inline]
  .filter((line) => /(^|[\s|])cgkill(\s|$)/.test(line))
  .filter((line) => !line.includes("…"));

describe("command lines", () => {
  test("many are found", () => expect(commandLines.length).toBeGreaterThan(30));

  test.each(commandLines.map((line) => [line.trim()]))("%s", (line) => {
    const words = ourArguments(line) ?? [];
    expect(() => parseArgs(words.map((word) => word.replace(/\|.*$/, "") || word))).not.toThrow();
  });
});

describe("options", () => {
  const ofOthers = new Set(["extra-vars", "preload", "require", "import", "config", "version", "uninstall", "release"]);
  const ofBuild = ["bytecode", "bytecode-order", "splitting", "production", "compile-jit-policy", "smol"];
  const ofRelease = ["sign", "key", "exclude", "runtime"];
  const foreign = new Set([
    "frozen-lockfile",
    "limit",
    "cgroup",
    "write",
    "quick",
    "install",
    ...ofOthers,
    ...ofBuild,
    ...ofRelease,
  ]);
  // test/README.md names the options of Bun that were tried as attacks.
  const ours = [...DOCS].flatMap(([file, text]) => (file.startsWith("test/") ? [] : text)).join("\n");
  const long = [...ours.matchAll(/(?<![\w-])--([a-z][a-z-]+)/g)].map((match) => match[1] as string);
  const known = optionTable().map((option) => option.long);

  test("every option that is named is in the table", () => {
    const named = [...new Set(long)].filter((name) => !known.includes(name) && !foreign.has(name));
    expect(named).toEqual([]);
  });

  test("the manual names every option, command and method", () => {
    expect(known.filter((name) => !MANUAL.includes(`--${name}`))).toEqual([]);
    const commands = COMMAND_NAMES.filter((name) => !["kill", "help"].includes(name));
    expect(commands.filter((name) => !MANUAL.includes(`cgkill ${name}`))).toEqual([]);
    const methods = METHODS.filter((name) => name !== "auto" && !MANUAL.includes(`| \`${name}\` |`));
    expect(methods).toEqual([]);
  });
});

test("the exit statuses and outcomes are those of the source", () => {
  const told = tableAfter(README, "### Exit status").flatMap(([code = "", , outcomes = ""]) =>
    outcomes.split(", ").map((outcome) => [outcome.replaceAll("`", ""), Number(code.split(",")[0])]),
  );
  expect(Object.fromEntries(told)).toEqual(EXIT_CODES);
  const signals = tableAfter(README, "### Exit status").find(([code]) => code?.includes(","))?.[0];
  expect(signals?.split(", ").map(Number)).toEqual(Object.values(DEADLY).map((number) => 128 + number));
});

test("the manual names every outcome", () => {
  const [, cell = ""] = tableAfter(MANUAL, "## JSON").find(([key]) => key === "`outcome`") ?? [];
  const named = [...cell.matchAll(/`([a-z-]+)`/g)].map((match) => match[1] as string);
  expect(named.toSorted()).toEqual(Object.keys(EXIT_CODES).toSorted());
});

test("the manual names every key that list and show print", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  kernel.addProcess({ group: kernel.makeGroup("v2", "web"), which: "v2" });
  const told = new Set(MANUAL.slice(MANUAL.indexOf("\n## JSON\n"), MANUAL.indexOf("\n## FILES\n")).match(/[a-z_]+/g));
  for (const argv of [
    ["list", "--json", "--procs"],
    ["show", "--json", "web"],
  ]) {
    const { io, out } = writtenIo();
    await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
    const [document = {}] = documents(out());
    const [process] = document["processes"] as object[];
    const keys = [...Object.keys(document), ...Object.keys(process ?? {})];
    expect(keys.length).toBeGreaterThan(30);
    expect(keys.filter((key) => !told.has(key))).toEqual([]);
  }
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
    abortedFuse: [],
    startedAt: "2026-11-23T17:00:00.000Z",
    durationMs: 3.1,
    phases: { freezeMs: null, scanMs: 0.2, signalMs: 0.4, thawMs: null, waitMs: 2.2, removeMs: null },
    error: null,
    twin: null,
    starter: null,
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
    blockedOn: null,
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
  const told = [...MANUAL.matchAll(/`([a-z_]+(?:,\s[a-z_]+){3,})`/g)].map((match) => (match[1] ?? "").split(/,\s/));
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
  const tables = [tableAfter(README, "## When something is wrong"), tableAfter(MANUAL, "## DIAGNOSTICS")];
  const cells = tables.flat().map(([seen = ""]) => seen);
  const quoted = cells.flatMap((cell) => [...cell.matchAll(/"([^"]+)"/g)].map((match) => match[1] as string));
  const reasons = cells.flatMap((cell) => /^exit 6, `([a-z-]+)`/.exec(cell)?.[1] ?? []);

  test("messages and reasons are found", () => expect([quoted.length > 5, reasons.length > 3]).toEqual([true, true]));

  // … and N stand for values.
  test.each([...new Set(quoted)].map((text) => [text]))("%s", (text) => {
    const parts = text.split(/…|\bN\b/).filter((part) => part.trim() !== "");
    expect(parts.filter((part) => !source.includes(part))).toEqual([]);
  });

  test.each([...new Set(reasons)].map((reason) => [reason]))("%s is a reason", (reason) => {
    expect(source).toContain(`"${reason}"`);
  });
});
