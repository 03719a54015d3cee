// The whole gate, as CI runs it: format, types, layers, generated texts, build, screens, tests. Stops at the first
// failure. `--quick` leaves out the tests; `check`, `unit`, `model` and `real` (with `beside` and `waiting`) run one
// part.

import { Glob } from "bun";

import { build } from "./build/build.ts";

const root = `${import.meta.dir}/..`;
const bun = process.execPath;

const namesOf = (names: string): readonly string[] => names.split(" ").map((name) => `test/e2e/${name}.test.ts`);

// Tests of real cgroups that neither load the host nor notice its load. Many of the second group wait.
const LIGHT = namesOf("clients dry-run labels list list-options messages names paste run run-terminal");
const WAITING = namesOf("bytes covered-names edges faults mounts run-cut-short runc-scenarios unprivileged ways-out");

/** The tiers of test/README.md: every test file belongs to one of them. */
const TIERS = {
  unit: [
    "test/cli/",
    "test/cgroup/",
    "test/label/",
    "test/sys/",
    "test/library/",
    "test/run/",
    "test/restart/",
    "test/blocked/",
  ],
  model: ["test/kill/", "test/inspect/", "test/freeze/", "test/signal/", "test/fuzz/", "test/contract/fake.test.ts"],
  // Real cgroups too. They run at the same time as `real`, `beside` with the two above, and take about as long.
  beside: ["test/e2e/terminal/", ...LIGHT],
  waiting: ["test/scripts/", ...WAITING],
  real: ["test/e2e/", "test/contract/real.test.ts"],
} as const;

type Tier = keyof typeof TIERS;

async function run(argv: readonly string[]): Promise<boolean> {
  const child = Bun.spawn([bun, ...argv], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  return (await child.exited) === 0;
}

/** A path in a narrower tier is left out of the wider one. */
const testArgs = (tiers: readonly Tier[]): readonly string[] => [
  "test",
  // The output has failures only, so that they are found at once.
  "--dots",
  "--timeout=60000",
  ...tiers.flatMap((tier) => TIERS[tier]),
  ...(tiers.includes("real") ? NOT_REAL.map((path) => `--path-ignore-patterns=${path}`) : []),
];

const NOT_REAL = [...TIERS.beside, ...TIERS.waiting].map((path) => (path.endsWith("/") ? `${path}**` : path));

/** @param isLive  print the output as it arrives, too */
async function runTests(tiers: readonly Tier[], isLive: boolean): Promise<{ text: string; isGood: boolean }> {
  const child = Bun.spawn([bun, ...testArgs(tiers)], { cwd: root, stdio: ["ignore", "inherit", "pipe"] });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of child.stderr) {
    text += decoder.decode(chunk, { stream: true });
    if (isLive) process.stderr.write(chunk);
  }
  return { text, isGood: (await child.exited) === 0 };
}

/**
 * Three runs at once, which never share a cgroup: what kills real cgroups for most of its time, what waits, and
 * everything else. The output of the others is printed when all have ended, and then the name of each failed test once
 * more.
 */
async function testAll(): Promise<boolean> {
  const files = [...new Glob("test/**/*.test.ts").scanSync(root)];
  const strays = files.filter(
    (file) => !Object.values(TIERS).some((paths) => paths.some((path) => file.startsWith(path))),
  );
  if (strays.length > 0) throw new Error(`in no tier of scripts/check.ts: ${strays.join(" ")}`);
  const missing = [...LIGHT, ...WAITING].filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`scripts/check.ts names tests that do not exist: ${missing.join(" ")}`);
  const runs = await Promise.all([
    runTests(["real"], true),
    runTests(["beside", "unit", "model"], false),
    runTests(["waiting"], false),
  ]);
  for (const { text } of runs.slice(1)) process.stderr.write(text);
  for (const { text } of runs) for (const [failed] of text.matchAll(/^\(fail\).*$/gm)) console.error(failed);
  return runs.every(({ isGood }) => isGood);
}

type Step = readonly [string, () => Promise<boolean>];

const CHECK: readonly Step[] = [
  ["format", () => run(["fmt", "--check", "src", "test", "scripts"])],
  ["types", () => run(["check", "--no-script"])],
  ["layers", () => run(["scripts/check-layers.ts"])],
  ["readme", () => run(["scripts/readme/texts.ts", "--check"])],
];
const BUILD: Step = ["build", async () => (await build()) !== ""];
/** Made by the binary that was just built. Skipped, with a message, without root or cgroups. */
const SCREENS: Step = ["screens", () => run(["scripts/readme/screens.ts", "--check"])];
/** Without root, the tests that need real cgroups or mounts are skipped and say so. */
const testsOf = (tier: Tier): Step => [tier, () => run(testArgs([tier]))];

const PARTS: Readonly<Record<string, readonly Step[]>> = {
  all: [...CHECK, BUILD, SCREENS, ["tests", testAll]],
  "--quick": [...CHECK, BUILD, SCREENS],
  check: CHECK,
  unit: [testsOf("unit")],
  model: [testsOf("model")],
  real: [BUILD, testsOf("real"), testsOf("beside"), testsOf("waiting")],
};

const [part = "all"] = process.argv.slice(2);
const steps = PARTS[part];
if (steps === undefined) {
  console.error(`check: no part ${part}: ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}
for (const [name, step] of steps) {
  const start = performance.now();
  const isGood = await step().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return false;
  });
  console.log(`${isGood ? "ok    " : "FAILED"} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (!isGood) process.exit(1);
}
