// `cgkill --version`: the build, and the hierarchies and methods of this host. `cgkill --licenses`.

import { findHierarchies, layoutOf, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { hasKill } from "../../cgroup/v2.ts";
import { SysError } from "../../sys/errno.ts";
import type { Sys } from "../../sys/sys.ts";
import { UsageError } from "../args/usage-error.ts";
import { FALLBACK } from "../output/log.ts";
import { sanitize } from "../text/sanitize.ts";

declare const BUILD_VERSION: string;
declare const BUILD_COMMIT: string;
declare const BUILD_HAS_ENTRY: boolean;

/** The build defines these constants; they are missing when Bun runs the source itself. */
const version = (): string => (typeof BUILD_VERSION === "undefined" ? "0.0.0-source" : BUILD_VERSION);
const commit = (): string => (typeof BUILD_COMMIT === "undefined" ? "unknown" : BUILD_COMMIT);

/** The file contains machine code that is not Bun's. The manual describes it. */
const ENTRY =
  "added to Bun: first instructions that raise the priority, hide BUN_* variables and add some (see the manual)\n";

export function renderVersion(sys: Sys): string {
  const build = `cgkill ${version()} (commit ${commit()}, Bun ${Bun.version}, ${process.arch})\n`;
  const calls = sys.fallback === null ? "" : `${FALLBACK}: ${sanitize(sys.fallback)}\n`;
  const hasEntry = typeof BUILD_HAS_ENTRY !== "undefined" && BUILD_HAS_ENTRY;
  return build + (hasEntry ? ENTRY : "") + calls + renderHost(sys);
}

function renderHost(sys: Sys): string {
  try {
    const hierarchies = findHierarchies(sys);
    const methods = hierarchies.map((hierarchy) => `  ${describe(sys, hierarchy)}\n`).join("");
    return `this host: ${layoutOf(hierarchies)}\n${methods}`;
  } catch (error) {
    if (error instanceof SysError) return `this host: ${sanitize(error.message)}\n`;
    throw error;
  }
}

function describe(sys: Sys, hierarchy: Hierarchy): string {
  const point = hierarchy.mounts[0]?.point ?? "?";
  const name = hierarchy.version === "v2" ? "v2" : `v1 ${hierarchy.controllers}`;
  return `${sanitize(`${name} at ${point}`)}: method ${methodOf(sys, hierarchy)}`;
}

function methodOf(sys: Sys, hierarchy: Hierarchy): string {
  if (hierarchy.version === "v1") return hierarchy.hasFreezer ? "freezer" : "sweep";
  const isThere = hasKillFile(sys, hierarchy);
  if (isThere === undefined) return "kill, or freezer if the kernel has no cgroup.kill (no cgroup here to check)";
  return isThere ? "kill" : "freezer (this kernel has no cgroup.kill)";
}

/**
 * Check our own cgroup or any child of the root for cgroup.kill, which the root itself never has.
 *
 * @returns `undefined` if there is no such cgroup
 */
function hasKillFile(sys: Sys, hierarchy: Hierarchy): boolean | undefined {
  using root = openInHierarchy(sys, hierarchy, "/");
  const child = root === undefined ? undefined : sys.readSubdirs(root.dir)[0]?.name;
  const own = readCgroupPath(sys, hierarchy, "self");
  const path = own !== undefined && own !== "/" ? own : child === undefined ? undefined : `/${child}`;
  using cgroup = path === undefined ? undefined : openInHierarchy(sys, hierarchy, path);
  return cgroup && hasKill(sys, cgroup.dir);
}

/**
 * Read the licences, which the build embeds as a file.
 *
 * @throws UsageError  this is not a built binary
 */
export async function readLicenses(): Promise<string> {
  if (!Bun.isStandaloneExecutable) {
    throw new UsageError("the licences are listed when cgkill is built", "npm run build && dist/cgkill --licenses");
  }
  return await Bun.file(`${import.meta.dir}/THIRD-PARTY`).text();
}
