// Makes dist/release, everything that goes onto hosts: a binary for every Linux that Bun has a runtime for, plain and
// compressed, checksums, the man page, completions and Debian packages. The runtimes come from the npm registry and are
// checked against package-lock.json. The same commit gives the same bytes.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import packageJson from "../../package.json";
import { SHELLS } from "../../src/cli/args/command.ts";
import { renderCompletion } from "../../src/cli/completion/scripts.ts";
import { build } from "../build/build.ts";
import { commitDate } from "../build/commit.ts";
import { ar, tar } from "./archive.ts";
import { renderMan } from "./man/man.ts";

interface Target {
  readonly name: string;
  readonly cpu: "x64" | "arm64";
  readonly libc: "glibc" | "musl";
  /** Name of Bun's package. */
  readonly runtime: string;
  /** Debian's name of the architecture; without one there is no Debian package. */
  readonly debian?: string;
  /** e_machine of the ELF header. */
  readonly machine: number;
}

const TARGETS: readonly Target[] = [
  { name: "linux-x64", cpu: "x64", libc: "glibc", runtime: "bun-linux-x64", debian: "amd64", machine: 62 },
  { name: "linux-arm64", cpu: "arm64", libc: "glibc", runtime: "bun-linux-aarch64", debian: "arm64", machine: 183 },
  { name: "linux-x64-musl", cpu: "x64", libc: "musl", runtime: "bun-linux-x64-musl", machine: 62 },
  { name: "linux-arm64-musl", cpu: "arm64", libc: "musl", runtime: "bun-linux-aarch64-musl", machine: 183 },
];

const root = `${import.meta.dir}/../..`;
const out = `${root}/dist/release`;
const { version } = packageJson;

/** Install a runtime, as the lockfile pins it, into a scratch copy of the project's dependencies. */
async function fetchRuntime({ cpu, libc, runtime }: Target, scratch: string): Promise<string> {
  mkdirSync(scratch);
  for (const file of ["package.json", "package-lock.json", ".npmrc"]) cpSync(`${root}/${file}`, `${scratch}/${file}`);
  await $`npm ci --ignore-scripts --os=linux --cpu=${cpu} --libc=${libc}`.cwd(scratch).quiet();
  return `${scratch}/node_modules/@oven/${runtime}/bin/bun`;
}

function checkMachine(path: string, { name, machine }: Target): void {
  const header = readFileSync(path).subarray(0, 20);
  const isElf = header.subarray(0, 4).toString("latin1") === "\u007fELF";
  if (!isElf || header.readUInt16LE(18) !== machine) throw new Error(`${name}: the binary is for another architecture`);
}

export async function release(): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-release-`);
  const files = new Map<string, Buffer<ArrayBuffer>>();
  try {
    const texts = writeTexts(files, await commitDate());
    for (const target of TARGETS) {
      const executable = await fetchRuntime(target, `${scratch}/${target.name}`);
      const flags = [`--target=bun-${target.name}`, `--compile-executable-path=${executable}`];
      const built = await build(`${root}/src/main.ts`, "cgkill", flags, `${scratch}/out-${target.name}`);
      checkMachine(built, target);
      const binary = readFileSync(built);
      files.set(`cgkill-${target.name}`, binary);
      files.set(`cgkill-${target.name}.gz`, Buffer.from(Bun.gzipSync(binary)));
      if (target.debian !== undefined) {
        files.set(`cgkill_${version}_${target.debian}.deb`, debianPackage(target.debian, binary, texts));
      }
      console.log(`${target.name}: ${(binary.length / 1024 ** 2).toFixed(1)} MiB`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const sums = [...files].map(([name, bytes]) => `${Bun.SHA256.hash(bytes, "hex")}  ${name}\n`).sort();
  files.set("SHA256SUMS", Buffer.from(sums.join("")));
  for (const [name, bytes] of files) {
    writeFileSync(`${out}/${name}`, bytes, { mode: /^cgkill-linux-[^.]*$/.test(name) ? 0o755 : 0o644 });
  }
  console.log(`dist/release: ${files.size} files`);
}

export interface Texts {
  readonly man: Buffer<ArrayBuffer>;
  readonly completions: ReadonlyMap<string, Buffer<ArrayBuffer>>;
}

/**
 * Add the man page and the completions to the files of the release.
 *
 * @param date  of the man page, as YYYY-MM-DD
 */
export function writeTexts(files: Map<string, Buffer<ArrayBuffer>>, date: string = ""): Texts {
  const man = Buffer.from(renderMan(version, date));
  const completions = new Map(SHELLS.map((shell) => [shell as string, Buffer.from(renderCompletion(shell))]));
  files.set("cgkill.1", man);
  for (const [shell, text] of completions) files.set(`cgkill.${shell}`, text);
  return { man, completions };
}

/** A binary package: an `ar` archive of three members. Everything in it is owned by root and dated 1970. */
export function debianPackage(architecture: string, binary: Buffer, { man, completions }: Texts): Buffer<ArrayBuffer> {
  const bash = completions.get("bash") as Buffer;
  const zsh = completions.get("zsh") as Buffer;
  const fish = completions.get("fish") as Buffer;
  const data = [
    { path: "./usr/bin/cgkill", mode: 0o755, bytes: binary },
    { path: "./usr/share/man/man1/cgkill.1.gz", mode: 0o644, bytes: Buffer.from(Bun.gzipSync(man)) },
    { path: "./usr/share/bash-completion/completions/cgkill", mode: 0o644, bytes: bash },
    { path: "./usr/share/zsh/vendor-completions/_cgkill", mode: 0o644, bytes: zsh },
    { path: "./usr/share/fish/vendor_completions.d/cgkill.fish", mode: 0o644, bytes: fish },
    { path: "./usr/share/doc/cgkill/copyright", mode: 0o644, bytes: readFileSync(`${root}/LICENSE`) },
  ];
  const installedKib = Math.ceil(data.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1024);
  const control = [
    "Package: cgkill",
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    "Maintainer: the cgkill team <cgkill@localhost>",
    `Installed-Size: ${installedKib}`,
    "Depends: libc6 (>= 2.17)",
    "Section: admin",
    "Priority: optional",
    `Description: ${packageJson.description}`,
    "",
  ].join("\n");
  const controlTar = tar([{ path: "./control", mode: 0o644, bytes: Buffer.from(control) }]);
  return ar([
    { path: "debian-binary", bytes: Buffer.from("2.0\n") },
    { path: "control.tar.gz", bytes: Buffer.from(Bun.gzipSync(controlTar)) },
    { path: "data.tar.gz", bytes: Buffer.from(Bun.gzipSync(tar(data))) },
  ]);
}

if (import.meta.main) await release();
