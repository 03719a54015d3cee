// Checks the architecture of src: which folder may import which, no cycles, and which files may write, signal, remove
// or print; and that scripts has no cycle. Reads the source as text and prints every violation with its place.
// src/README.md describes the folders.

import { dirname, join, normalize, relative } from "node:path";

import { Glob } from "bun";

/**
 * Every import goes down: a folder imports itself and the folders that it lists. Files in src itself are named in full. A
 * text is imported only from its own folder.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "main.ts": ["process.ts", "sys"],
  "process.ts": ["cli", "cli/streams", "cli/text", "freeze", "sys"],
  "index.ts": ["kill", "cgroup", "sys"],
  "advice.ts": [],
  "lazy.ts": [],
  cli: ["cli/*"],
  "cli/commands": ["cli/targets", "cli/views", "cli/output", "cli/streams", "cli/text", "cli/args", "cli"],
  "cli/interactive": [
    "cli/questions",
    "cli/commands",
    "cli/targets",
    "cli/progress",
    "cli/views",
    "cli/output",
    "cli/streams",
    "cli/text",
    "cli/args",
    "cli",
  ],
  "cli/questions": ["cli/streams", "cli/text", "cli/args"],
  "cli/completion": ["cli/text", "cli/args", "cli"],
  "cli/targets": ["cli/output", "cli/streams", "cli/text", "cli/args", "cli"],
  "cli/progress": ["cli/output", "cli/streams", "cli/text", "cli/args", "cli"],
  "cli/views": ["cli/output", "cli/streams", "cli/text", "cli/args"],
  "cli/output": ["cli/streams", "cli/text", "cli/args"],
  "cli/streams": ["cli/text", "cli/args"],
  "cli/text": [],
  "cli/args": ["cli/text"],
  freeze: ["kill", "cgroup", "advice.ts", "sys"],
  signal: ["kill", "cgroup", "advice.ts", "sys"],
  run: ["kill", "cgroup", "advice.ts", "sys"],
  inspect: ["restart", "kill", "blocked", "cgroup", "label", "advice.ts", "sys"],
  restart: ["kill", "blocked", "cgroup", "label", "advice.ts", "sys"],
  kill: ["blocked", "cgroup", "advice.ts", "lazy.ts", "sys"],
  blocked: ["cgroup", "advice.ts", "sys"],
  cgroup: ["label", "advice.ts", "sys"],
  label: ["advice.ts"],
  sys: [],
};

/** What every folder of the command line may import from below it: all that is not itself above it. */
const BELOW_CLI = Object.keys(MAY_IMPORT).filter((name) => !/^(cli\b|main|process|index)/.test(name));

/** Packages and built-in modules, and the one file that may import each. */
const PACKAGES: Readonly<Record<string, string>> = {
  "@clack/prompts": "cli/questions/prompts.ts",
  "@clack/core": "cli/questions/question.ts",
  "node:stream": "cli/questions/question.ts",
  "node:timers/promises": "cli/interactive/pick-cgroups.ts",
  picocolors: "cli/streams/streams.ts",
  "bun:ffi": "sys/calls/libc.ts",
  "node:fs": "sys/calls/node-calls.ts",
};

/** Files that write, signal or remove. The command line may not import them directly. */
const WRITERS = [
  "kill/steps/signal.ts",
  "kill/steps/freezing.ts",
  "kill/steps/remove.ts",
  "kill/methods/fork-fence.ts",
  "kill/methods/trap.ts",
  "kill/methods/trap-end.ts",
  "blocked/fuse/connections.ts",
  "kill/stuck/abort-fuse.ts",
  "cgroup/members.ts",
  "cgroup/freezer-switch.ts",
  "cgroup/pids.ts",
  "cgroup/marks.ts",
];

interface Confined {
  readonly what: string;
  readonly pattern: RegExp;
  readonly allowed: readonly string[];
}

/** Dangerous operations, each allowed in the named files only. A safety review need read nothing else. */
const CONFINED: readonly Confined[] = [
  {
    what: "writes a file",
    pattern: /\.writeFile\(|\bcalls\.write(Once)?\(/,
    allowed: [
      "blocked/fuse/connections.ts",
      "cgroup/freezer-switch.ts",
      "cgroup/v2.ts",
      "cgroup/members.ts",
      "cgroup/pids.ts",
      "sys/calls/memory.ts",
      "sys/spawn/spawner.ts",
      "sys/linux.ts",
    ],
  },
  {
    what: "writes to a descriptor",
    pattern: /\.writeSome\(/,
    allowed: ["cli/streams/nonblocking-writer.ts", "freeze/guardian.ts"],
  },
  {
    what: "indents a line like a command",
    pattern: /\bCOMMAND_INDENT\b|(["'`]|\\n) {4}(?! )/,
    allowed: ["cli/text/indents.ts", "cli/text/render-advice.ts"],
  },
  {
    what: "marks a cgroup",
    pattern: /\.(writeMark|removeMark)\(|\bcalls\.(setxattr|removexattr)\(/,
    allowed: ["cgroup/marks.ts", "sys/linux.ts"],
  },
  {
    what: "makes or removes a directory",
    pattern: /\.(makeDir|removeDir)\(|\bcalls\.(mkdir|rmdir)\(/,
    allowed: [
      "kill/steps/remove.ts",
      "kill/methods/trap.ts",
      "kill/methods/trap-end.ts",
      "run/birthplace.ts",
      "sys/linux.ts",
    ],
  },
  {
    what: "signals a process",
    pattern: /\.(pidfdSendSignal|kill)\(/,
    allowed: [
      "kill/steps/signal.ts",
      "run/supervise.ts",
      "sys/linux.ts",
      "sys/calls/libc-calls.ts",
      "sys/calls/node-calls.ts",
      "sys/signals.ts",
      "sys/spawn/helper.ts",
    ],
  },
  {
    what: "changes the priority of another process",
    pattern: /\.(raisePriority|restorePriority)\(/,
    allowed: ["kill/steps/victims-first.ts", "sys/linux.ts"],
  },
  {
    what: "touches a stream object",
    pattern: /process\.(stdout|stderr|stdin)/,
    allowed: ["cli/questions/prompts.ts"],
  },
  { what: "prints", pattern: /\bconsole\./, allowed: [] },
  { what: "ends the process", pattern: /process\.exit\(/, allowed: ["process.ts"] },
  { what: "has a default export", pattern: /^export default/m, allowed: [] },
  { what: "is a barrel", pattern: /^export \* from/m, allowed: [] },
];

/** Limits that keep folders and files readable at a glance. */
const MAX_FILES_PER_FOLDER = 12;
const MAX_LINES_PER_FILE = 250;

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: ReadonlyArray<{ readonly target: string; readonly line: number }>;
}

const IMPORT = /(?:^(?:import|export)\b[^;]*?\bfrom\s*|^import\s*|\bimport\()"([^"]+)"/gm;

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** Blank the comments and keep the line numbers. */
function withoutComments(text: string): string {
  const blank = (comment: string): string => comment.replace(/[^\n]/g, " ");
  return text.replace(/\/\*[\s\S]*?\*\//g, blank).replace(/(^|\s)\/\/[^\n]*/g, blank);
}

async function readSources(root: string): Promise<Source[]> {
  const files = [...new Glob("**/*.ts").scanSync(root)].sort();
  return Promise.all(
    files.map(async (file) => {
      const text = withoutComments(await Bun.file(join(root, file)).text());
      const imports = [...text.matchAll(IMPORT)].map((match) => ({
        target: resolveImport(root, file, match[1] as string),
        line: lineAt(text, match.index),
      }));
      return { file, text, imports };
    }),
  );
}

function resolveImport(root: string, file: string, target: string): string {
  return target.startsWith(".") ? normalize(relative(root, join(root, dirname(file), target))) : target;
}

/** The rule that covers a file: its own, or that of its nearest folder with one. */
function ruleFor(file: string): string | undefined {
  let at = file;
  while (at !== "." && !(at in MAY_IMPORT)) at = dirname(at);
  return at === "." ? undefined : at;
}

function mayImport(file: string, target: string): boolean {
  if (target.endsWith(".txt")) return dirname(target) === dirname(file);
  if (!target.endsWith(".ts")) return PACKAGES[target] === file;
  const from = ruleFor(file);
  const to = ruleFor(target);
  if (from === undefined || to === undefined) return false;
  const isCli = from.startsWith("cli");
  if (isCli && WRITERS.includes(target)) return false;
  const allowed = [from, ...(MAY_IMPORT[from] ?? []), ...(isCli ? BELOW_CLI : [])];
  return allowed.includes(to) || (allowed.includes("cli/*") && to.startsWith("cli/"));
}

function checkImports({ file, imports }: Source): string[] {
  if (ruleFor(file) === undefined) return [`${file}:1: belongs to no folder of the architecture`];
  return imports
    .filter(({ target }) => !mayImport(file, target))
    .map(({ target, line }) => `${file}:${line}: may not import ${target}`);
}

function checkSizes(sources: readonly Source[]): string[] {
  const folders = Map.groupBy(sources, ({ file }) => dirname(file));
  return [
    ...[...folders]
      .filter(([, files]) => files.length > MAX_FILES_PER_FOLDER)
      .map(([folder, files]) => `${folder}: ${files.length} files`),
    ...sources
      .map(({ file, text }) => ({ file, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > MAX_LINES_PER_FILE)
      .map(({ file, lines }) => `${file}: ${lines} lines, the maximum is ${MAX_LINES_PER_FILE}`),
  ];
}

function checkConfined({ file, text }: Source): string[] {
  return CONFINED.filter(({ allowed }) => !allowed.includes(file)).flatMap(({ what, pattern }) => {
    const match = pattern.exec(text);
    return match === null ? [] : [`${file}:${lineAt(text, match.index)}: ${what}`];
  });
}

/** Imports of types count too: two files that know each other's types cannot be read apart. */
function findCycles(sources: readonly Source[]): string[] {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) cycles.push(`cycle: ${[...path.slice(at), file].join(" -> ")}`);
    if (at >= 0 || done.has(file)) return;
    for (const { target } of byFile.get(file)?.imports ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const { file } of sources) visit(file, []);
  return cycles;
}

export async function findViolations(root: string): Promise<string[]> {
  const sources = await readSources(root);
  return [
    ...sources.flatMap((source) => [...checkImports(source), ...checkConfined(source)]),
    ...checkSizes(sources),
    ...findCycles(sources),
  ];
}

/** Only the cycles, for scripts, which have no layers. */
export async function findCyclesIn(root: string): Promise<string[]> {
  return findCycles(await readSources(root));
}

if (import.meta.main) {
  const ofSource = await findViolations(`${import.meta.dir}/../src`);
  const ofScripts = await findCyclesIn(import.meta.dir);
  const violations = [...ofSource.map((each) => `src/${each}`), ...ofScripts.map((each) => `scripts: ${each}`)];
  for (const violation of violations) console.error(violation);
  process.exit(violations.length === 0 ? 0 : 1);
}
