// Checks a release as a distributor and a security team would, on a clean clone of HEAD: makes it twice and compares the
// bytes; runs lintian, rpm -K and npm pack; checks the signature and the bills of materials; and installs, upgrades and
// removes every form of it in scratch roots. Stops at the first step that fails.
//
//   bun scripts/release/check/check-release.ts [--sign=KEY] [--keep=DIRECTORY]
//
// KEY is the releaser's key; without it, a throwaway key signs. --keep copies the checked release to DIRECTORY. Missing
// tools are installed on Debian if the caller is root. Needs an x86-64 host and root; takes about ten minutes on two cores.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import packageJson from "../../../package.json";
import { checkInstallations } from "./installations.ts";
import { checkSboms } from "./sboms.ts";
import { ensureTools } from "./tools.ts";

const root = `${import.meta.dir}/../../..`;
const { version } = packageJson;

/** Make a release in a new clone, with its own installation of the dependencies. @returns its directory */
async function releaseInClone(commit: string, dir: string, key: string): Promise<string> {
  await $`git clone --quiet --no-hardlinks --no-checkout ${root} ${dir}`;
  await $`git checkout --quiet --detach ${commit}`.cwd(dir);
  await $`npm ci`.cwd(dir).quiet();
  const ran = await $`npm run build -- --release --sign=${key}`.cwd(dir).quiet().nothrow();
  if (ran.exitCode !== 0) throw new Error(`${ran.stdout}${ran.stderr}`);
  return `${dir}/dist/release`;
}

const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(dir.length + 1))
    .sort();

function compare(one: string, other: string): string {
  const files = filesIn(one);
  const different = files.filter((file) => !readFileSync(`${one}/${file}`).equals(readFileSync(`${other}/${file}`)));
  if (String(files) !== String(filesIn(other))) throw new Error("the two releases have different files");
  if (different.length > 0) throw new Error(`different bytes: ${different.join(" ")}`);
  return `${files.length} files, all equal`;
}

async function lint(release: string): Promise<string> {
  const debs = filesIn(release).filter((file) => file.endsWith(".deb"));
  for (const deb of debs) {
    const levels = ["--fail-on", "error,warning,info,pedantic", "--display-level", "pedantic"];
    const ran = await $`lintian --allow-root ${levels} ${release}/${deb}`.quiet().nothrow();
    if (ran.exitCode !== 0 || ran.stdout.length > 0) throw new Error(`${deb}:\n${ran.stdout}${ran.stderr}`);
  }
  return `${debs.length} packages, nothing found`;
}

async function verifySums(release: string, key: string): Promise<string> {
  await $`sha256sum --check --strict --quiet SHA256SUMS`.cwd(release);
  const listed = readFileSync(`${release}/SHA256SUMS`, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.slice(66));
  const unlisted = filesIn(release).filter(
    (file) => !listed.includes(file) && !/^(SHA256SUMS(\.sig)?|cgkill\.pub)$/.test(file),
  );
  if (unlisted.length > 0) throw new Error(`without a sum: ${unlisted.join(" ")}`);
  await Bun.write(`${release}/../signers`, `cgkill ${readFileSync(key, "utf8")}`);
  const verify = $`ssh-keygen -Y verify -f ../signers -I cgkill -n cgkill -s SHA256SUMS.sig < SHA256SUMS`;
  await verify.cwd(release).quiet();
  return `${listed.length} sums, signed`;
}

async function checkNpm(release: string): Promise<string> {
  const files = filesIn(release).filter((file) => file.endsWith(".tgz"));
  for (const file of files) {
    const [packed] = await $`npm pack --dry-run --json ${release}/${file}`.cwd(tmpdir()).quiet().json();
    if (packed.filename !== file) throw new Error(`${file}: is ${packed.filename}`);
  }
  const [own] = await $`npm pack --dry-run --json --ignore-scripts`.cwd(root).quiet().json();
  if (own.size > 2 ** 20) throw new Error(`the repository itself would be packed with ${own.size} bytes`);
  return `${files.length} packages; the repository itself would have ${Math.round(own.size / 1024)} KiB`;
}

async function checkRpm(release: string): Promise<string> {
  const rpms = filesIn(release).filter((file) => file.endsWith(".rpm"));
  if (rpms.length === 0) throw new Error("there are no rpm packages");
  for (const rpm of rpms) {
    const told = await $`rpm -K ${release}/${rpm}`.env({ ...process.env, LC_ALL: "C" }).text();
    if (!told.includes("digests OK")) throw new Error(told);
  }
  return `${rpms.length} packages, digests OK`;
}

/** The table of scripts/README.md: each file with code, in MiB. */
function sizes(release: string): string {
  const lines = filesIn(release)
    .filter((file) => filesIn(`${release}/sbom`).includes(`${file}.cdx.json`))
    .map((file) => `  ${(statSync(`${release}/${file}`).size / 2 ** 20).toFixed(1).padStart(6)}  ${file}`);
  return `MiB\n${lines.join("\n")}`;
}

/**
 * Check a release of HEAD, and print a line per step.
 *
 * @param sign  a key file for ssh-keygen; `undefined` signs with a throwaway key
 * @param keep  the directory to copy the checked release to, if any; it is replaced
 * @throws Error  the step that failed, and why
 */
export async function checkRelease(sign: string | undefined, keep: string | undefined): Promise<void> {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-check-`);
  const step = async (name: string, work: () => Promise<string> | string): Promise<void> => {
    const start = performance.now();
    console.log(`ok ${name}: ${await work()} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  };
  try {
    if (process.arch !== "x64" || process.getuid?.() !== 0) throw new Error("needs an x86-64 host and root");
    await step("tools", async () => (await ensureTools(), "installed"));
    const key = sign ?? `${scratch}/throwaway`;
    if (sign === undefined) await $`ssh-keygen -q -t ed25519 -N "" -C throwaway -f ${key}`;
    const publicKey = key.endsWith(".pub") ? key : `${key}.pub`;
    const [one, other] = [`${scratch}/one`, `${scratch}/other`];
    // Read once: a commit may be made in the meantime.
    const commit = (await $`git rev-parse HEAD`.cwd(root).text()).trim();
    let release = "";
    await step("made", async () => (release = await releaseInClone(commit, one, key)));
    await step("made once more", async () => compare(release, await releaseInClone(commit, other, key)));
    rmSync(other, { recursive: true, force: true });
    await step("sizes", () => sizes(release));
    await step("sums and signature", async () => await verifySums(release, publicKey));
    await step("lintian", async () => await lint(release));
    await step("rpm -K", async () => await checkRpm(release));
    await step("npm pack --dry-run", async () => await checkNpm(release));
    const sboms = readdirSync(`${release}/sbom`).map((file) => `${release}/sbom/${file}`);
    await step("bills of materials", async () => await checkSboms(sboms, scratch));
    mkdirSync(`${scratch}/roots`);
    const place = { release, version, scratch: `${scratch}/roots`, key: publicKey };
    await step("installations", async () => await checkInstallations(place));
    if (keep !== undefined) {
      rmSync(keep, { recursive: true, force: true });
      cpSync(release, keep, { recursive: true });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const option = (name: string): string | undefined =>
    process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  try {
    await checkRelease(option("sign"), option("keep"));
  } catch (error) {
    const more = error instanceof $.ShellError ? `\n${error.stdout}${error.stderr}` : "";
    console.error(`FAILED: ${error instanceof Error ? error.message : error}${more}`);
    process.exit(1);
  }
}
