// The cgroups of a process, as /proc/PID/cgroup lists them: one line per hierarchy.

import { PROC } from "../../sys/dir.ts";
import { ifAlive } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";

export interface CgroupLine {
  /** "" for v2. */
  readonly controllers: string;
  readonly path: string;
}

/** Parse /proc/PID/cgroup: `ID:controllers:path`. The path is raw and may contain colons. Other lines are ignored. */
export function parseCgroupLines(text: string): CgroupLine[] {
  const lines: CgroupLine[] = [];
  for (const line of text.split("\n")) {
    const first = line.indexOf(":");
    const second = line.indexOf(":", first + 1);
    if (first < 1 || second < 0 || line[second + 1] !== "/") continue;
    lines.push({ controllers: line.slice(first + 1, second), path: line.slice(second + 1) });
  }
  return lines;
}

/**
 * Find the path in one hierarchy, without parsing the other lines: this is done for thousands of processes in a row.
 */
export function findCgroupPath(text: string, controllers: string): string | undefined {
  const key = `:${controllers}:`;
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\n", at);
    const lineEnd = end < 0 ? text.length : end;
    if (colon > at && text.startsWith(key, colon)) {
      const path = text.slice(colon + key.length, lineEnd);
      return path.startsWith("/") ? path : undefined;
    }
    at = lineEnd + 1;
  }
  return undefined;
}

export function readCgroupLines(sys: Sys, pid: Pid | "self"): CgroupLine[] | undefined {
  return ifAlive(() => parseCgroupLines(sys.readRecord(PROC, `${pid}/cgroup`)));
}
