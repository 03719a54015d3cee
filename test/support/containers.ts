// Container runtimes for tests: which there are, a bundle of the host's own programs, commands in a layout.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

import { inLayout, type Layout } from "./layout.ts";
import { destroy, mountPoint } from "./real-cgroup.ts";

/** Never a directory that the host does not have: some have no /lib64. */
export const SYSTEM: readonly string[] = ["/bin", "/lib", "/lib64", "/usr", "/sbin"].filter((dir) => existsSync(dir));

export function has(...programs: readonly string[]): boolean {
  const missing = programs.filter((name) => Bun.which(name) === null);
  if (missing.length > 0) console.warn(`left out: ${programs[0]} (not installed: ${missing.join(", ")})`);
  return missing.length === 0;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Environment = Readonly<Record<string, string>>;

export function run(layout: Layout, argv: readonly string[], env: Environment = {}): Ran {
  const child = Bun.spawnSync(inLayout(layout, argv), { stdin: "ignore", env: { ...process.env, ...env } });
  return { code: child.exitCode, stdout: child.stdout.toString(), stderr: child.stderr.toString() };
}

/** Detached: the container inherits what we give it, so that is files and no pipes. Empty, or why it did not start. */
export function start(layout: Layout, argv: readonly string[], log: string, env: Environment = {}): string {
  const out = Bun.file(log);
  const child = Bun.spawnSync(inLayout(layout, argv), {
    stdio: ["ignore", out, out],
    env: { ...process.env, ...env },
  });
  return child.exitCode === 0 ? "" : `exit status ${child.exitCode}: ${readFileSync(log, "utf8")}`;
}

export interface Bundle {
  readonly cgroup: string;
  readonly script?: string;
  /** May do what the host may, and sees its cgroups and these directories: enough to run a runtime inside. */
  readonly privileged?: readonly string[];
  /** Without a pid namespace of its own: the end of its first process does not end the others. */
  readonly sharesPids?: boolean;
}

function bind(dir: string, mode: "ro" | "rw") {
  return { destination: dir, source: dir, type: "none", options: ["rbind", mode] };
}

/** A bundle of the host's own programs, read-only. */
export function writeBundle(bundle: string, { cgroup, script, privileged, sharesPids }: Bundle): void {
  mkdirSync(`${bundle}/rootfs`, { recursive: true });
  const spec = Bun.spawnSync([Bun.which("runc") ?? "crun", "spec"], { cwd: bundle });
  if (spec.exitCode !== 0) throw new Error(spec.stderr.toString());
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
  config.process.terminal = false;
  config.process.args = ["sh", "-c", script ?? "sleep 1000 & sleep 1000 & wait"];
  const binds = [...SYSTEM.map((dir) => bind(dir, "ro")), ...(privileged ?? []).map((dir) => bind(dir, "rw"))];
  const mounts: { type: string; destination: string }[] = config.mounts;
  config.mounts = [...mounts.filter(({ type, destination }) => type !== "cgroup" && destination !== "/sys"), ...binds];
  config.linux.cgroupsPath = cgroup;
  const namespaces: { type: string }[] = config.linux.namespaces;
  if (sharesPids === true) config.linux.namespaces = namespaces.filter(({ type }) => type !== "pid");
  // To load a filter of devices crun wants to raise a limit, which needs a capability that a container may lack.
  delete config.linux.resources;
  if (privileged !== undefined) {
    const { bounding } = config.process.capabilities;
    const every = [...bounding, "CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER", "CAP_MKNOD"];
    const more = ["CAP_SYS_CHROOT", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"];
    config.process.capabilities = {
      bounding: [...every, ...more],
      effective: [...every, ...more],
      permitted: [...every, ...more],
    };
    config.process.noNewPrivileges = false;
    config.root.readonly = false;
    delete config.linux.maskedPaths;
    delete config.linux.readonlyPaths;
  }
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
}

/** A container is in every v1 hierarchy, and its runtime looks into any of them for its members. */
export function twins(dir: string, path: string): string[] {
  const root = mountPoint("v1")?.replace(/\/[^/]*$/, "");
  if (root === undefined || !dir.startsWith(`${mountPoint("v1")}/`)) return [dir];
  const all = readdirSync(root).map((entry) => `${root}/${entry}${path}`);
  return all.filter((twin) => twin !== dir && !twin.startsWith(`${mountPoint("v2")}/`) && existsSync(twin)).concat(dir);
}

/** Wherever on this machine a test's cgroup of that name was made, by whomever. */
export async function destroyEverywhere(name: string): Promise<void> {
  const roots = [mountPoint("v2"), mountPoint("v1")?.replace(/\/[^/]*$/, "")].filter((at) => at !== undefined);
  const points = roots.flatMap((root) => [root, ...readdirSync(root).map((entry) => `${root}/${entry}`)]);
  for (const point of points) if (existsSync(`${point}/${name}`)) await destroy(`${point}/${name}`);
}
