// Container runtimes for tests: which are installed, a bundle of the host's own programs, and commands in a layout.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

import { inLayout, type Layout } from "./layout.ts";
import { destroy, mountPoint } from "./real-cgroup.ts";

/** System directories that exist on this host; some hosts have no /lib64. */
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

/**
 * Start a detached container. It inherits our output, which therefore goes to a file and not to a pipe.
 *
 * @returns why it did not start; empty if it did
 */
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
  /** Grants the privileges of the host, its cgroups and these directories: enough to run a container runtime inside. */
  readonly privileged?: readonly string[];
  /** No pid namespace of its own: when its first process exits, the others live on. */
  readonly sharesPids?: boolean;
}

function bind(dir: string, mode: "ro" | "rw") {
  return { destination: dir, source: dir, type: "none", options: ["rbind", mode] };
}

/** Write a bundle that contains the host's own programs, read-only. */
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
  // To load a device filter, crun raises a limit, which needs a capability that a container may lack.
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

/** The cgroups of a container in every v1 hierarchy: its runtime reads the members from any of them. */
export function twins(dir: string, path: string): string[] {
  const root = mountPoint("v1")?.replace(/\/[^/]*$/, "");
  if (root === undefined || !dir.startsWith(`${mountPoint("v1")}/`)) return [dir];
  const all = readdirSync(root).map((entry) => `${root}/${entry}${path}`);
  return all.filter((twin) => twin !== dir && !twin.startsWith(`${mountPoint("v2")}/`) && existsSync(twin)).concat(dir);
}

/** Destroy the test's cgroups of this name in every hierarchy, including those that a runtime made. */
export async function destroyEverywhere(name: string): Promise<void> {
  const roots = [mountPoint("v2"), mountPoint("v1")?.replace(/\/[^/]*$/, "")].filter((at) => at !== undefined);
  const points = roots.flatMap((root) => [root, ...readdirSync(root).map((entry) => `${root}/${entry}`)]);
  for (const point of points) if (existsSync(`${point}/${name}`)) await destroy(`${point}/${name}`);
}
