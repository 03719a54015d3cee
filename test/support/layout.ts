// The three layouts that a host can have: as it is (hybrid here), v2 only, and v1 only. Each is staged in a private
// mount namespace if the machine permits it.

import { cannotMake, mountPoint, type RealCgroup } from "./real-cgroup.ts";

export type Layout = "as-is" | "unified" | "legacy";
export const LAYOUTS: readonly Layout[] = ["as-is", "unified", "legacy"];

const V1 = ["freezer", "memory", "pids"];

const SCRIPTS: Readonly<Record<Exclude<Layout, "as-is">, string>> = {
  unified: "mount -t cgroup2 none /sys/fs/cgroup",
  legacy: [
    "mount -t tmpfs none /sys/fs/cgroup",
    "mkdir /sys/fs/cgroup/systemd",
    "mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd",
    ...V1.map((name) => `mkdir /sys/fs/cgroup/${name} && mount -t cgroup -o ${name} none /sys/fs/cgroup/${name}`),
  ].join(" && "),
};

/** Why a layout cannot be staged here; `undefined` if it can. */
export function cannotStage(layout: Layout): string | undefined {
  if (layout === "as-is") return process.getuid?.() === 0 ? undefined : "needs root";
  return cannotMake(layout === "unified" ? "v2" : "v1");
}

/** The mount point of a hierarchy inside a layout. */
export function pointIn(layout: Layout, which: "v1" | "v2"): string {
  if (layout === "as-is") return mountPoint(which) as string;
  return layout === "unified" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/freezer";
}

/**
 * The directory of a test's cgroup inside a layout. A new mount shows the whole hierarchy; a container's may show a
 * part.
 */
export function dirIn(layout: Layout, version: "v1" | "v2", { dir, path }: RealCgroup): string {
  return layout === "as-is" ? dir : `${pointIn(layout, version)}${path}`;
}

/** Prefix of a command: its mounts and unmounts stay private. */
export const IN_MOUNTS_OF_ITS_OWN: readonly string[] = ["unshare", "-m", "--propagation", "private"];

/** The command that runs another command in a layout. */
export function inLayout(layout: Layout, argv: readonly string[]): string[] {
  if (layout === "as-is") return [...argv];
  const unmount = "umount -R -l /sys/fs/cgroup";
  return [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", `${unmount}; ${SCRIPTS[layout]} && exec "$@"`, "sh", ...argv];
}
