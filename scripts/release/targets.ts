// The platforms of a release: a binary for every Linux that Bun has a runtime for.

import { cpSync, mkdirSync, readFileSync } from "node:fs";

import { $ } from "bun";

import lock from "../../package-lock.json";
import { build } from "../build/build.ts";

const root = `${import.meta.dir}/../..`;

export interface Target {
  readonly name: string;
  readonly cpu: "x64" | "arm64";
  readonly libc: "glibc" | "musl";
  /** Name of Bun's package. */
  readonly runtime: string;
  /** The architecture's name in each package format; without one, no such package is made. */
  readonly debian?: string;
  readonly rpm?: string;
  /** e_machine of the ELF header. */
  readonly machine: number;
}

export const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    cpu: "x64",
    libc: "glibc",
    runtime: "bun-linux-x64",
    debian: "amd64",
    rpm: "x86_64",
    machine: 62,
  },
  {
    name: "linux-arm64",
    cpu: "arm64",
    libc: "glibc",
    runtime: "bun-linux-aarch64",
    debian: "arm64",
    rpm: "aarch64",
    machine: 183,
  },
  { name: "linux-x64-musl", cpu: "x64", libc: "musl", runtime: "bun-linux-x64-musl", machine: 62 },
  { name: "linux-arm64-musl", cpu: "arm64", libc: "musl", runtime: "bun-linux-aarch64-musl", machine: 183 },
];

/** The sum of a runtime's package, as package-lock.json pins it: "sha512-…". */
export function runtimeIntegrity({ runtime }: Target): string {
  const packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>> = lock.packages;
  const integrity = packages[`node_modules/@oven/${runtime}`]?.integrity;
  if (integrity === undefined) throw new Error(`package-lock.json does not pin @oven/${runtime}`);
  return integrity;
}

export const flagsOf = ({ name }: Target): string => `--target=bun-${name}`;

/**
 * Compile the binary of a target.
 *
 * @param scratch  an existing directory, removed by the caller
 */
export async function buildTarget(target: Target, scratch: string): Promise<Buffer<ArrayBuffer>> {
  const executable = await fetchRuntime(target, `${scratch}/${target.name}`);
  const flags = [flagsOf(target), `--compile-executable-path=${executable}`];
  const binary = readFileSync(await build(`${root}/src/main.ts`, "cgkill", flags, `${scratch}/out-${target.name}`));
  const isElf = binary.toString("latin1", 0, 4) === "\u007fELF";
  if (!isElf || binary.readUInt16LE(18) !== target.machine) {
    throw new Error(`${target.name}: the binary is for another architecture`);
  }
  return binary;
}

/** Install a runtime, as the lock file pins it, into a scratch copy of the project's dependencies. */
async function fetchRuntime({ cpu, libc, runtime }: Target, scratch: string): Promise<string> {
  mkdirSync(scratch);
  for (const file of ["package.json", "package-lock.json", ".npmrc"]) cpSync(`${root}/${file}`, `${scratch}/${file}`);
  await $`npm ci --ignore-scripts --os=linux --cpu=${cpu} --libc=${libc}`.cwd(scratch).quiet();
  return `${scratch}/node_modules/@oven/${runtime}/bin/bun`;
}
