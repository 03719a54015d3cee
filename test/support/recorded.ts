// A recorded host: /proc/self/mountinfo and /proc/self/cgroup from test/fixtures. Any other access is a mistake in the
// test.

import { readFileSync } from "node:fs";

import { PROC } from "../../src/sys/dir.ts";
import { SysError } from "../../src/sys/errno.ts";
import { hostSys } from "../../src/sys/host.ts";
import type { Sys } from "../../src/sys/sys.ts";

export type Machine = "unified" | "hybrid" | "legacy" | "container" | "bind";

/** Make a `Sys` of a recorded host. @param mounted  lines to add to mountinfo, with their newlines */
export function recordedSys(machine: Machine, mounted = ""): Sys {
  const files = new Map([
    ["/proc/self/mountinfo", `${import.meta.dir}/../fixtures/${machine}/mountinfo`],
    ["/proc/self/cgroup", `${import.meta.dir}/../fixtures/${machine}/cgroup`],
  ]);
  const readFile: Sys["readFile"] = (dir, name) => {
    const path = `${dir.shown}/${name}`;
    const file = files.get(path);
    if (file === undefined) throw new SysError("read", path, "ENOENT");
    return readFileSync(file, "utf8") + (name === "self/mountinfo" ? mounted : "");
  };
  return { ...hostSys(), readFile, readRecord: readFile, readProcCgroup: (tid) => readFile(PROC, `${tid}/cgroup`) };
}
