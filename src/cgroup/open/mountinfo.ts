// Parses mountinfo and the pid lists of cgroups. Pure: text in, value out.

import { PID_MAX } from "../../sys/checks.ts";
import type { Pid } from "../../sys/sys.ts";
import { isBelow } from "./path-names.ts";

export interface MountInfo {
  readonly id: number;
  readonly device: string;
  readonly root: string;
  readonly point: string;
  readonly fsType: string;
  /** A device, SERVER:/EXPORT, or any other word. */
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** mountinfo escapes space, tab, newline and backslash as three octal digits. */
function unescapeOctal(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/**
 * Parse /proc/PID/mountinfo: `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPEROPTIONS`.
 *
 * @param type  prefix of the file system types to return; a host with containers has thousands of other mounts
 * @see linux: filesystems/proc.rst, 3.5
 */
export function parseMountInfo(text: string, type: string = ""): MountInfo[] {
  const mounts: MountInfo[] = [];
  for (const line of text.split("\n")) {
    // Skips most lines without splitting them.
    if (!line.includes(` - ${type}`)) continue;
    const [left = "", right] = line.split(" - ", 2);
    const [id, , device, root, point] = left.split(" ");
    const [fsType, source = "", superOptions] = right?.split(" ") ?? [];
    if (device === undefined || root === undefined || point === undefined) continue;
    // The test above may have matched inside the source or the options.
    if (fsType === undefined || !fsType.startsWith(type)) continue;
    mounts.push({
      id: Number(id),
      device,
      root: unescapeOctal(root),
      point: unescapeOctal(point),
      fsType,
      source: unescapeOctal(source),
      superOptions: superOptions?.split(",") ?? [],
    });
  }
  return mounts;
}

/**
 * Find the mount points below any of the given directories, from the same text.
 *
 * @param tops  mount points themselves; they are not returned unless one is below another
 */
export function parsePointsBelow(text: string, tops: readonly string[]): string[] {
  const points: string[] = [];
  let shortest = Number.POSITIVE_INFINITY;
  for (const top of tops) if (top.length < shortest) shortest = top.length;
  for (const line of text.split("\n")) {
    const escaped = line.split(" ", 5)[4] ?? "";
    if (escaped.length <= shortest) continue;
    const point = unescapeOctal(escaped);
    for (const top of tops) {
      if (!isBelow(point, top)) continue;
      points.push(point);
      break;
    }
  }
  return points;
}

/**
 * Parse cgroup.procs, cgroup.threads or tasks: one id per line. v2 writes 0 for a process without a pid in our pid
 * namespace. An invalid or truncated line becomes 0 too: it counts as a member and is never signalled.
 */
export function parsePids(text: string): Pid[] {
  const pids: Pid[] = [];
  let pid = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) {
      pids.push(pid <= PID_MAX ? pid : 0);
      pid = 0;
    } else {
      pid = code >= 48 && code <= 57 ? pid * 10 + code - 48 : Number.NaN;
    }
  }
  if (text !== "" && !text.endsWith("\n")) pids.push(0);
  return pids;
}
