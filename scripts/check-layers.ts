// The layers, as a check: who may import whom, no cycles, and where files are written, directories made and processes
// signalled. Reads the source as text; prints every violation with its place.

import { dirname, join, normalize, relative } from "node:path";

import { Glob } from "bun";

/** For each kind of file what it may import: prefixes of paths below src, or packages. The first match decides. */
const MAY_IMPORT: ReadonlyArray<readonly [RegExp, RegExp]> = [
  [/^main\.ts$/, /^(app|sys\/start)\.ts$/],
  [/^app\.ts$/, /^(cli\/run|cli\/io|sys\/(linux|signals|sys))\.ts$/],
  [/^index\.ts$/, /^(cgroup\/.*|kill\/.*|sys\/(host|sys))\.ts$/],
  [/^cli\/(io|queue)\.ts$/, /^((cli\/.*|sys\/(sys|errno|bytes))\.ts|picocolors)$/],
  [/^cli\/prompts\.ts$/, /^(cli\/.*\.ts|@clack\/prompts)$/],
  [/^cli\/args\.ts$/, /^(cli\/.*|kill\/(types|events)|sys\/sys)\.ts$/],
  // What writes, signals and removes is called by way of a command of kill/ only.
  [
    /^cli\//,
    /^(cli\/.*|kill\/(?!(signal|fence|trap|trap-end|freezing|remove)\.).*|cgroup\/(?!(v1|members|freezer-switch|pids|marks)\.).*|sys\/(sys|errno|bytes|proc|signals))\.ts$/,
  ],
  [/^kill\//, /^(kill\/.*|cgroup\/.*|sys\/(sys|errno|proc|bytes))\.ts$/],
  [/^cgroup\//, /^(cgroup\/.*|sys\/(sys|errno|bytes|proc))\.ts$/],
  [/^sys\/calls-node\.ts$/, /^(sys\/.*\.ts|node:fs)$/],
  [/^sys\/libc\.ts$/, /^bun:ffi$/],
  [/^sys\//, /^sys\/.*\.ts$/],
];

interface Confined {
  readonly what: string;
  readonly pattern: RegExp;
  readonly allowed: readonly string[];
}

/** What a reviewer of safety has to read, and nothing else: each of these stands in these files only. */
const CONFINED: readonly Confined[] = [
  {
    what: "writes a file",
    pattern: /\.writeFile\(/,
    allowed: ["cgroup/v1.ts", "cgroup/v2.ts", "cgroup/members.ts", "cgroup/pids.ts", "sys/start.ts"],
  },
  {
    what: "makes or removes a directory",
    pattern: /\.(makeDir|removeDir)\(/,
    allowed: ["kill/remove.ts", "kill/trap.ts", "kill/trap-end.ts"],
  },
  {
    what: "signals a process",
    pattern: /\.(pidfdSendSignal|kill)\(/,
    allowed: ["kill/signal.ts", "sys/linux.ts", "sys/calls-libc.ts", "sys/calls-node.ts", "sys/signals.ts"],
  },
  { what: "touches a stream object", pattern: /process\.(stdout|stderr|stdin)/, allowed: ["cli/prompts.ts"] },
  { what: "prints", pattern: /\bconsole\./, allowed: [] },
  { what: "ends the process", pattern: /process\.exit\(/, allowed: ["app.ts"] },
  { what: "has a default export", pattern: /^export default/m, allowed: [] },
  { what: "is a barrel", pattern: /^export \* from/m, allowed: [] },
];

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: ReadonlyArray<{ readonly target: string; readonly line: number }>;
}

const IMPORT = /(?:^(?:import|export)\b[^;]*?\bfrom\s*|^import\s*|\bimport\()"([^"]+)"/gm;

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** Comments out, line numbers kept. */
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

function checkImports({ file, imports }: Source): string[] {
  const rule = MAY_IMPORT.find(([who]) => who.test(file));
  if (rule === undefined) return [`${file}:1: belongs to no layer`];
  return imports
    .filter(({ target }) => !rule[1].test(target))
    .map(({ target, line }) => `${file}:${line}: may not import ${target}`);
}

function checkConfined({ file, text }: Source): string[] {
  return CONFINED.filter(({ allowed }) => !allowed.includes(file)).flatMap(({ what, pattern }) => {
    const match = pattern.exec(text);
    return match === null ? [] : [`${file}:${lineAt(text, match.index)}: ${what}`];
  });
}

/** Imports of types count as well: what knows each other's shape cannot be read one without the other. */
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
  return [...sources.flatMap((source) => [...checkImports(source), ...checkConfined(source)]), ...findCycles(sources)];
}

if (import.meta.main) {
  const violations = await findViolations(`${import.meta.dir}/../src`);
  for (const violation of violations) console.error(`src/${violation}`);
  process.exit(violations.length === 0 ? 0 : 1);
}
