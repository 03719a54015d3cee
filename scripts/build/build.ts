// Compiles src/main.ts into dist/cgkill, with version and commit stamped in. The flags are part of the product's
// safety: each of them closes a hole or was measured. With --release it makes dist/release instead; --runtime=PATH uses
// another build of Bun, such as one with a changed library (see THIRD-PARTY).

import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

import { $ } from "bun";

import packageJson from "../../package.json";
import { renderThirdParty } from "../release/licenses/third-party.ts";
import { commitStamp } from "./commit.ts";
import { startUrgently } from "./entry.ts";

const root = `${import.meta.dir}/../..`;
const NAME = "cgkill";
const THIRD_PARTY = "THIRD-PARTY";

export const FLAGS: readonly string[] = [
  "--compile",
  // --compile alone neither minifies nor sets NODE_ENV.
  "--production",
  // Start-up time: the file contains compiled code. ESM, because bytecode otherwise implies CommonJS.
  "--bytecode",
  "--format=esm",
  // Without it a dynamic import costs as much as a static one.
  "--splitting",
  // The stack trace of exit status 70 then names lines of our source.
  "--sourcemap=linked",
  "--reject-unresolved",
  // Never load anything from the working directory: a bunfig.toml there would run its preload as root.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
  // No eval, no native addons, no C compiler. With any such flag, Bun also starts in a deleted directory.
  "--compile-exec-argv=--disallow-code-generation-from-strings=strict --no-addons --no-ffi-cc",
  // No JIT thread, not even after 100 million rounds of a loop: the host may have no thread left.
  "--compile-jit-policy=100000000",
];

/**
 * Compile a program. It is built in a scratch directory and then renamed, so that a partial binary is never run.
 *
 * @param isOurs  add the first instructions of entry.ts; without them the program obeys Bun's variables (measurements)
 * @returns the path of the binary
 * @throws Error  the build failed, with Bun's output
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
    const stamps = [
      `--define=BUILD_VERSION="${packageJson.version}"`,
      `--define=BUILD_COMMIT="${await commitStamp()}"`,
      `--define=BUILD_HAS_ENTRY=${isOurs}`,
    ];
    // For --licenses. An embedded file costs nothing until it is read.
    const assets = isOurs ? [`--asset=${scratch}/${THIRD_PARTY}`] : [];
    if (isOurs) writeFileSync(`${scratch}/${THIRD_PARTY}`, renderThirdParty());
    // The binary contains its own file name: build under the final name, in another directory.
    const built =
      await $`${process.execPath} build ${base} ${flags} ${stamps} ${assets} ${entry} --outfile ${scratch}/${name}`
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
    const { exitCode } =
      await $`${process.execPath} ${root}/scripts/release/release.ts ${process.argv.slice(2)}`.nothrow();
    process.exit(exitCode);
  } else {
    const [runtime] = process.argv.filter((word) => word.startsWith("--runtime=")).map((word) => word.slice(10));
    await build(undefined, undefined, runtime === undefined ? [] : [`--compile-executable-path=${runtime}`]);
    console.log(`built dist/${NAME}`);
  }
}
