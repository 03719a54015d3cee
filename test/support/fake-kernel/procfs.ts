// The text of /proc, made from the model when it is read.

import { SysError } from "../../../src/sys/errno.ts";
import { type FakeGroup, type FakeHierarchy, seenFrom } from "./groups.ts";
import type { KernelModel } from "./model.ts";
import { type FakeProcess, isFrozenOnV1, threadsOf } from "./processes.ts";

/** The kernel shows this much of a path: /proc/PID/cgroup cuts off the rest, readlink(2) fails. */
export const PATH_BYTES = 4095;

const ENCODER = new TextEncoder();

export const bytesOf = (text: string): number => ENCODER.encode(text).length;

const cutAt = (bytes: number, text: string): string =>
  text.length * 3 <= bytes || bytesOf(text) <= bytes
    ? text
    : new TextDecoder().decode(ENCODER.encode(text).subarray(0, bytes));

/**
 * @param path   below /proc
 * @param shown  the path for errors
 */
export function readProc(model: KernelModel, path: string, shown: string): string {
  if (path === "stat") return "btime 1800000000\n";
  if (path === "sys/fs/aio-nr") return "0\n";
  if (path === "self/mountinfo") return mountInfo(model);
  const slash = path.indexOf("/");
  const owner = slash < 0 ? path : path.slice(0, slash);
  const file = slash < 0 ? "" : path.slice(slash + 1);
  if (owner === "self" && file.startsWith("fdinfo/")) {
    const open = model.fds.find(Number(file.slice("fdinfo/".length)));
    return `pos:\t0\nmnt_id:\t${open?.kind === "dir" && open.hierarchy !== undefined ? open.hierarchy.mountId : 1}\n`;
  }
  const id = owner === "self" ? model.pid : Number(owner);
  const process = findByThread(model, id);
  const text = process === undefined || process.isReaped ? undefined : processFile(model, process, id, file);
  if (text === undefined) throw new SysError("read", shown, "ENOENT");
  return text;
}

/** @see linux: fs/proc/base.c, array.c: exec_update_lock */
const BLOCKED_BY_EXEC: readonly string[] = ["stat", "wchan", "syscall", "stack", "exe", "cwd", "ns/mnt"];

/** /proc answers for every thread, although it lists only processes. */
export function findByThread({ processes }: KernelModel, id: number): FakeProcess | undefined {
  const leader = processes.get(id);
  if (leader !== undefined) return leader;
  for (const process of processes.values()) {
    if (process.tid === id || process.otherThreads.some(({ tid }) => tid === id)) return process;
  }
  return undefined;
}

function processFile(model: KernelModel, process: FakeProcess, id: number, file: string): string | undefined {
  const { pid, ppid, comm, isDead, isKernelThread, uid, tracerPid } = process;
  // An exited leader is a zombie until its last thread exits.
  const isExited = isDead || (id === pid && process.tid !== pid);
  if (process.isInExec && BLOCKED_BY_EXEC.includes(file)) throw new Error(`reading ${file} of ${pid} would block`);
  switch (file) {
    case "statm":
      return isExited ? "0 0 0 0 0 0 0\n" : process.isInExec ? "1 1 0 0 0 1 0\n" : "700 420 390 4 0 100 0\n";
    case "cgroup":
      return cgroupLines(model, groupsOf(model, process, id), isExited);
    case "stat": {
      const state = stateOf(process, groupsOf(model, process, id), isExited);
      const flags = isKernelThread ? 0x200000 : 0;
      const threads = threadsOf(process).length;
      // In the set of pending signals, 256 is SIGKILL. A kernel thread has none pending.
      const pending = process.killedAt !== undefined && !isExited && !isKernelThread ? 256 : 0;
      const fields = `${pid} (${comm}) ${state} ${ppid} 1 1 0 -1 ${flags} 0 0 0 0 1 1 0 0 20 0 ${threads} 0 ${process.startTicks} 0 10`;
      return `${fields} 0 0 0 0 0 0 ${pending}`;
    }
    case "status": {
      const pending = process.killedAt !== undefined && !isDead ? "100" : "0";
      const state = stateOf(process, groupsOf(model, process, id), isExited);
      const head = `Name:\t${comm}\nState:\t${state} (shown)\nTgid:\t${pid}\nPPid:\t${ppid}\nThreads:\t${threadsOf(process).length}\n`;
      const pids = model.options.isProcForeign ? `${pid}\t2` : `${pid}`;
      return `${head}NSpid:\t${pids}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nTracerPid:\t${tracerPid}\nCoreDumping:\t${process.isDumpingCore ? 1 : 0}\nSigPnd:\t0\nShdPnd:\t${pending}\nSeccomp:\t0\nVmRSS:\t40 kB\n`;
    }
    case "comm":
      return `${comm}\n`;
    case "wchan":
      return process.isStuck ? "request_wait_answer" : "0";
    case "cmdline":
      return `${comm}\0`;
    default:
      return undefined;
  }
}

type Groups = FakeProcess["groups"];

/** The cgroups of a thread; on v1, or threaded v2, one of them may not be its leader's. */
function groupsOf(model: KernelModel, { groups, otherThreads }: FakeProcess, id: number): Groups {
  const thread = otherThreads.find(({ tid }) => tid === id);
  return thread === undefined ? groups : new Map(groups).set(model.hierarchyOf(thread.group), thread.group);
}

function cgroupLines(model: KernelModel, groups: Groups, isExited: boolean): string {
  let text = "";
  let index = 0;
  for (const [hierarchy, group] of groups) {
    const number = hierarchy.controllers === "" ? 0 : index + 1;
    text += `${number}:${hierarchy.controllers}:${cgroupPath(model, hierarchy, group, isExited)}\n`;
    index++;
  }
  return text;
}

function cgroupPath({ options }: KernelModel, { version }: FakeHierarchy, group: FakeGroup, isExited: boolean): string {
  // On v1 an exiting process is shown in the root.
  if (version === "v1" && isExited) return "/";
  const seen = seenFrom(options.namespace, group.path);
  return cutAt(PATH_BYTES, seen !== "/" && group.isRemoved ? `${seen} (deleted)` : seen);
}

function stateOf(process: FakeProcess, groups: Groups, isExited: boolean): string {
  const { isStuck, killedAt, tracerPid } = process;
  if (isExited) return "Z";
  if (isStuck || isFrozenOnV1({ groups })) return "D";
  if (tracerPid > 0) return "t";
  return killedAt === undefined ? "S" : "R";
}

export function mountInfo({ covers, hierarchies, options }: KernelModel): string {
  const root = seenFrom(options.namespace, "/");
  const own = hierarchies
    .filter(({ isMounted }) => isMounted)
    .map(({ version, controllers, point, mountId }) => {
      const type = version === "v2" ? "cgroup2 none rw" : `cgroup none rw,${controllers}`;
      return `${mountId} 1 0:${mountId} ${root} ${point} rw - ${type}\n`;
    });
  const others = [...covers].map((point, index) => `${90 + index} 1 0:90 / ${point} rw - tmpfs none rw\n`);
  return [...own, ...others].join("");
}
