// Compiles src/main.ts into dist/cgkill, with version and commit stamped in. The flags are part of the product's
// safety: each one below shuts a door, or was measured.

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

import { $ } from "bun";

import packageJson from "../../package.json";
import { startUrgently } from "./entry.ts";

const root = `${import.meta.dir}/../..`;
const NAME = "cgkill";

export const FLAGS: readonly string[] = [
  "--compile",
  // --compile alone neither minifies nor sets NODE_ENV.
  "--production",
  // Start-up: compiled code is in the file; ESM, because bytecode otherwise means CommonJS.
  "--bytecode",
  "--format=esm",
  // Without it a dynamic import costs as much as a static one.
  "--splitting",
  // So that a stack trace of exit status 70 names our lines.
  "--sourcemap=linked",
  "--reject-unresolved",
  // Nothing in the working directory is ever loaded: a bunfig.toml there would run its preload as root.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
  // No eval, no native addons, no C compiler; and with any such flag it starts in a deleted directory too.
  "--compile-exec-argv=--disallow-code-generation-from-strings=strict --no-addons --no-ffi-cc",
  // No JIT thread: it starts where not one more thread is to be had.
  "--compile-jit-policy=10000",
];

async function commit(): Promise<string> {
  const hash = await $`git rev-parse --short=12 HEAD`.cwd(root).quiet().nothrow();
  if (hash.exitCode !== 0) return "unknown";
  const changes = await $`git status --porcelain`.cwd(root).quiet().nothrow();
  return `${hash.text().trim()}${changes.text() === "" ? "" : "+dirty"}`;
}

/**
 * Build into a directory of its own and rename, so that half a binary is never run.
 *
 * @param isOurs  with our first instructions (scripts/build/entry.ts); without them it obeys Bun's variables, for measurements
 */
export async function build(
  entry: string = `${root}/src/main.ts`,
  name: string = NAME,
  flags: readonly string[] = [],
  into: string = `${root}/dist`,
  base: readonly string[] = FLAGS,
  isOurs: boolean = name === NAME,
): Promise<string> {
  mkdirSync(into, { recursive: true });
  const scratch = mkdtempSync(`${into}/.build-`);
  try {
    const stamps = [`--define=BUILD_VERSION="${packageJson.version}"`, `--define=BUILD_COMMIT="${await commit()}"`];
    // The name of the output is embedded in it: the same name, in another directory.
    const built = await $`${process.execPath} build ${base} ${flags} ${stamps} ${entry} --outfile ${scratch}/${name}`
      .cwd(root)
      .quiet()
      .nothrow();
    if (built.exitCode !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
    const made = `${scratch}/${name}`;
    if (isOurs) writeFileSync(made, startUrgently(readFileSync(made)));
    const output = `${into}/${name}`;
    renameSync(made, output);
    return output;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  if (process.argv.includes("--release")) {
    const { release } = await import("../release/release.ts");
    await release();
  } else {
    await build();
    console.log(`built dist/${NAME}`);
  }
}
