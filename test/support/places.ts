// The cgroups of a process, and the cgroups that cgkill made for itself in the freezer hierarchy.

import { readdirSync, readFileSync } from "node:fs";

import { mountPoint, type Which } from "./real-cgroup.ts";

/** The path of a process in a hierarchy, from `/proc/PID/cgroup`; `undefined` if the process is gone. */
export function placeOf(pid: number, which: Which): string | undefined {
  const controller = which === "v1" ? "freezer" : which === "systemd" ? "name=systemd" : which === "v2" ? "" : which;
  try {
    const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
    const line = lines.find((one) => (one.split(":")[1] ?? "?").split(",").includes(controller));
    return line?.split(":").slice(2).join(":");
  } catch {
    return undefined;
  }
}

/** Whether the v1 freezer cgroup of a process is frozen, by itself or by an ancestor. */
export function isFrozenByFreezer(pid: number): boolean {
  const place = placeOf(pid, "v1") ?? "/";
  return place !== "/" && readFileSync(`${mountPoint("v1")}${place}/freezer.state`, "utf8") !== "THAWED\n";
}

/** List the freezer cgroups that cgkill made for itself; those of the tests have other names. */
export function traps(): string[] {
  return readdirSync(mountPoint("v1") as string).filter((name) => /^\.?cgkill-(?!test-)/.test(name));
}

/** Find a kernel thread in the root of a hierarchy that may be moved; `undefined` in a container. */
export function findKernelThread(which: Which): number | undefined {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      try {
        const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim();
        return ["kdevtmpfs", "khungtaskd"].includes(name) && placeOf(pid, which) === "/";
      } catch {
        return false;
      }
    });
}
