// The whole gate, as CI runs it: format, types, layers, generated texts, build, screens, tests. Stops at the first
// failure. With --quick it skips the tests.

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
  ["readme", () => run(["scripts/readme/texts.ts", "--check"])],
  ["build", async () => (await build()) !== ""],
  // Made by the binary that was just built. Skipped, with a message, without root or cgroups.
  ["screens", () => run(["scripts/readme/screens.ts", "--check"])],
];

/** Without root, the tests that need real cgroups or mounts are skipped and say so. */
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
