// Where a process is, and what cgkill has made for itself in the freezer's hierarchy.

import { readdirSync, readFileSync } from "node:fs";

import { mountPoint, type Which } from "./real-cgroup.ts";

/** The path in a hierarchy, as `/proc/PID/cgroup` prints it; `undefined` once the process is gone. */
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

/** Whether the freezer cgroup that it is in is frozen, by itself or from above. */
export function isHeld(pid: number): boolean {
  const place = placeOf(pid, "v1") ?? "/";
  return place !== "/" && readFileSync(`${mountPoint("v1")}${place}/freezer.state`, "utf8") !== "THAWED\n";
}

/** Freezer cgroups of cgkill's own; those of this project's tests have other names. */
export function traps(): string[] {
  return readdirSync(mountPoint("v1") as string).filter((name) => /^\.?cgkill-(?!test-)/.test(name));
}

/** One that the kernel lets us move and that is in the root of a hierarchy; none in a container. */
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
