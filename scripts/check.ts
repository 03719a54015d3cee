// The whole gate, as CI runs it: format, types, layers, README, build, tests. Stops at the first that fails.
// With --quick it leaves out the tests.

import { build } from "./build/build.ts";

const root = `${import.meta.dir}/..`;
const bun = process.execPath;

async function run(argv: readonly string[]): Promise<boolean> {
  const child = Bun.spawn([bun, ...argv], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  return (await child.exited) === 0;
}

const STEPS: ReadonlyArray<readonly [string, () => Promise<boolean>]> = [
  ["format", () => run(["fmt", "--check", "src", "test", "scripts"])],
  ["types", () => run(["check"])],
  ["layers", () => run(["scripts/check-layers.ts"])],
  ["readme", () => run(["scripts/readme/help.ts", "--check"])],
  ["build", async () => (await build()) !== ""],
  // By the binary that was just built, and only where it can be root of some cgroups.
  ["screens", () => run(["scripts/readme/screens.ts", "--check"])],
];

/** The real tier makes cgroups and mounts; without root it cannot, and says so itself. */
const TESTS: readonly [string, () => Promise<boolean>] = ["tests", () => run(["test", "--timeout=60000"])];

const steps = process.argv.includes("--quick") ? STEPS : [...STEPS, TESTS];
for (const [name, step] of steps) {
  const start = performance.now();
  const isGood = await step().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return false;
  });
  console.log(`${isGood ? "ok    " : "FAILED"} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (!isGood) process.exit(1);
}
