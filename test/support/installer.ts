// Runs scripts/release/install.sh with a shell, on a release of small files.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import packageJson from "../../package.json";
import type { Facts } from "../../scripts/release/facts.ts";
import { sumsOf } from "../../scripts/release/sums.ts";
import { renderTexts } from "../../scripts/release/texts.ts";
import { IN_MOUNTS_OF_ITS_OWN } from "./layout.ts";

export const INSTALL: string = `${import.meta.dir}/../../scripts/release/install.sh`;
export const SMALL_BINARY: Buffer<ArrayBuffer> = Buffer.from("#!/bin/sh\necho cgkill of a test\necho more\n");
/** What the installer says of a release without a signature. */
export const UNSIGNED = "install.sh: this release is not signed\n";
/** The files of an installation, sorted. */
export const ALL: string[] = [
  ".directories",
  "LICENSE",
  "THIRD-PARTY",
  "_cgkill",
  "cgkill",
  "cgkill",
  "cgkill.1",
  "cgkill.fish",
];
/** What a release says of itself, in tests. */
export const FACTS: Facts = {
  version: packageJson.version,
  commit: "0123456789abcdef0123456789abcdef01234567",
  epoch: 1_764_000_000,
  maintainer: "The Maintainers <maintainers@cgkill.org>",
};

const PATH = process.env["PATH"] ?? "";

export interface Installer {
  readonly shell: string;
  /** The command before the script. */
  readonly argv: readonly string[];
  readonly path: string;
}

export interface Places extends Disposable {
  /** A new, empty directory. */
  readonly make: () => string;
  /** A release with both binaries for this machine and correct checksums. */
  readonly release: (binary?: Buffer<ArrayBuffer>, at?: string) => string;
  /** Of dash, bash, and busybox with its own utilities, those that are installed. */
  readonly installers: readonly Installer[];
}

function installersIn(scratch: string): Installer[] {
  const found: Installer[] = ["dash", "bash"].flatMap((shell) => {
    const at = Bun.which(shell);
    return at === null ? [] : [{ shell, argv: [at], path: PATH }];
  });
  const busybox = Bun.which("busybox");
  if (busybox !== null) {
    const path = `${scratch}/applets`;
    mkdirSync(path);
    Bun.spawnSync([busybox, "--install", "-s", path]);
    found.push({ shell: "busybox", argv: [busybox, "sh"], path });
  }
  if (found.length < 3) console.warn(`left out: the installer by shells other than ${found.map(({ shell }) => shell)}`);
  return found;
}

export function makePlaces(): Places {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  let made = 0;
  const make = (): string => {
    const at = `${scratch}/${++made}`;
    mkdirSync(at);
    return at;
  };
  const texts = Object.entries(renderTexts(FACTS));
  const release = (binary = SMALL_BINARY, at = make()): string => {
    mkdirSync(at, { recursive: true });
    const cpu = process.arch === "arm64" ? "arm64" : "x64";
    const binaries = [`cgkill-linux-${cpu}`, `cgkill-linux-${cpu}-musl`].map((name) => [name, binary] as const);
    const files = [...texts, ...binaries];
    for (const [name, bytes] of files) writeFileSync(`${at}/${name}`, bytes);
    writeFileSync(`${at}/SHA256SUMS`, sumsOf(new Map(files)));
    return at;
  };
  const remove = (): void => rmSync(scratch, { recursive: true, force: true });
  return { make, release, installers: installersIn(scratch), [Symbol.dispose]: remove };
}

export interface Installed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run the installer. @param before  a script to run first, in the same process */
export function install(
  { argv, path }: Installer,
  prefix: string,
  args: readonly string[],
  before: string = ":",
  variables: Readonly<Record<string, string>> = {},
): Installed {
  const env = { PATH: path, PREFIX: prefix, ...variables };
  const ran = Bun.spawnSync([...argv, "-c", `${before}; exec ${argv.join(" ")} "$0" "$@"`, INSTALL, ...args], { env });
  return { code: ran.exitCode, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
}

/**
 * Run the installer with PREFIX as a mounted file system that has an older cgkill.
 *
 * @returns the exit status and the files afterwards
 */
export function installMounted(
  { argv, path }: Installer,
  options: string,
  prefix: string,
  release: string,
): { readonly left: string; readonly stderr: string } {
  const script = [
    `mount -t tmpfs -o ${options} none "$PREFIX"`,
    'mkdir "$PREFIX/bin"',
    'echo older >"$PREFIX/bin/cgkill"',
    `{ PATH='${path}' ${argv.join(" ")} "$0" "$1" >&2 || code=$?; }`,
    `echo "\${code:-0}" $(cd "$PREFIX" && find . | sort)`,
  ].join(" && ");
  const env = { PATH, PREFIX: prefix };
  const ran = Bun.spawnSync([...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", script, INSTALL, release], { env });
  return { left: ran.stdout.toString(), stderr: ran.stderr.toString() };
}

/** List the files below a directory, without directories. */
export const filesIn = (dir: string): string[] =>
  existsSync(dir)
    ? readdirSync(dir, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name)
        .sort()
    : [];
