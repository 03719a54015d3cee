// A `Sys` that reads from a table of files and links instead of /proc and /sys, for hosts that cannot be staged. A file
// that must not be read throws an error that is no `SysError`.

import { type Dir, PROC } from "../../src/sys/dir.ts";
import { SysError } from "../../src/sys/errno.ts";
import { hostSys } from "../../src/sys/host.ts";
import type { Sys } from "../../src/sys/sys.ts";

/** A text; an errno; or "never", for what may hang. */
export type Content = string | { readonly errno: string } | "never";

export interface ProcFiles {
  /** By path. */
  readonly files: Readonly<Record<string, Content>>;
  readonly links?: Readonly<Record<string, Content>>;
}

const pathOf = (dir: Dir, name: string): string => `${dir.shown}/${name}`.replace(/^\/\//, "/");

function contentOf(table: Readonly<Record<string, Content>>, path: string): string {
  const content = table[path];
  if (content === "never") throw new Error(`${path} may hang, and was read`);
  if (content === undefined) throw new SysError("read", path, "ENOENT");
  if (typeof content !== "string") throw new SysError("read", path, content.errno);
  return content;
}

export function procFilesSys({ files, links = {} }: ProcFiles): Sys {
  const readFile = (dir: Dir, name: string): string => contentOf(files, pathOf(dir, name));
  const namesIn = (dir: Dir): string[] => {
    const prefix = `${dir.shown}/`;
    const inside = [...Object.keys(files), ...Object.keys(links)].filter((path) => path.startsWith(prefix));
    const names = inside.map((path) => path.slice(prefix.length).split("/", 1)[0] as string);
    if (names.length === 0) throw new SysError("readdir", dir.shown, "ENOENT");
    return [...new Set(names)];
  };
  return {
    ...hostSys(),
    readFile,
    readRecord: readFile,
    readProcCgroup: (tid) => readFile(PROC, `${tid}/cgroup`),
    readLink: (dir, name) => contentOf(links, pathOf(dir, name)),
    readNames: namesIn,
    readSubdirs: (dir) => namesIn(dir).map((name) => ({ name, ino: 1n })),
    openDir: (_, path) => {
      throw new SysError("open", path, "ENOENT");
    },
    exists: (dir, name) => files[pathOf(dir, name)] !== undefined,
    poll: () => [],
  };
}

export interface FakeBlocked {
  readonly pid?: number;
  readonly state?: string;
  readonly wchan?: Content;
  readonly syscall?: Content;
  readonly stack?: Content;
  readonly statm?: string;
  readonly isKilled?: boolean;
  readonly comm?: string;
  readonly ppid?: number;
  readonly flags?: number;
  readonly status?: string;
  /** What each descriptor leads to, and the id of its mount. */
  readonly fds?: Readonly<Record<number, readonly [target: string, mountId?: number, more?: string]>>;
  readonly mountinfo?: string;
}

/** The files of one process with one thread. */
export function processFiles(given: FakeBlocked): ProcFiles {
  const { pid = 10, state = "D", wchan = "0", statm = "9 9 9 9 0 9 0\n", isKilled = true, comm = "victim" } = given;
  const { ppid = 1, flags = 0, status = "", fds = {}, mountinfo = "", syscall, stack } = given;
  const pending = isKilled ? "100" : "0";
  const own: Record<string, Content> = {
    stat: `${pid} (${comm}) ${state} ${ppid} 1 1 0 -1 ${flags} 0 0 0 0 1 1 0 0 20 0 1 0 100 0 10`,
    status: `Name:\t${comm}\nState:\t${state} (x)\nTgid:\t${pid}\nPPid:\t${ppid}\nThreads:\t1\nUid:\t0\t0\t0\t0\nTracerPid:\t0\nSigPnd:\t${pending}\nShdPnd:\t${pending}\nVmRSS:\t40 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t1\n${status}`,
    statm,
    wchan,
    comm: `${comm}\n`,
    mountinfo,
    cgroup: "0::/x\n",
    ...(syscall === undefined ? {} : { syscall }),
    ...(stack === undefined ? {} : { stack }),
  };
  const files: Record<string, Content> = { [`/proc/${pid}/task/${pid}/status`]: own["status"] as string };
  const links: Record<string, Content> = {};
  for (const [name, content] of Object.entries(own)) files[`/proc/${pid}/${name}`] = content;
  for (const [fd, [target, mountId, more = ""]] of Object.entries(fds)) {
    links[`/proc/${pid}/fd/${fd}`] = target;
    if (mountId !== undefined) files[`/proc/${pid}/fdinfo/${fd}`] = `pos:\t0\nmnt_id:\t${mountId}\n${more}`;
  }
  return { files, links };
}

export function merged(...all: readonly ProcFiles[]): ProcFiles {
  return {
    files: Object.assign({}, ...all.map(({ files }) => files)),
    links: Object.assign({}, ...all.map(({ links }) => links ?? {})),
  };
}
