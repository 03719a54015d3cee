// Prepares this process before anything else is loaded: raises its priority, exempts it from the OOM killer, and
// restarts it without helper threads if the host has none to spare.
//
// The JavaScript engine starts helper threads as its heap grows, and aborts if it cannot. On a host with a full process
// table, which is when cgkill is needed, that would happen in the middle of a kill. The engine works without them, but
// reads that setting only from the environment at its start. So if threads are scarce, we execute ourselves again.

import { encodeText, joined } from "./bytes.ts";
import { type Calls, O_RDONLY, O_WRONLY } from "./calls/calls.ts";
import { type LibcCalls, libcCalls } from "./calls/libc-calls.ts";
import { firstLineOf, SysError } from "./errno.ts";
import { linuxSys } from "./linux.ts";
import { protectFromOomKiller } from "./memory.ts";
import { type Host, PROC, type Sys } from "./sys.ts";

/**
 * Settings for a single thread: no pages prepared ahead, no concurrent collector or compiler, and no compiler at all, which
 * would take its time in the middle of a kill, and memory: 8 MiB in the first 100,000 names. The first instructions of
 * the program hide all other settings of the engine (scripts/build/hidden-variables.ts).
 */
export const SINGLE_THREADED = [
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
  "BUN_JSC_useConcurrentJIT=0",
  "BUN_JSC_useBaselineJIT=0",
  "BUN_JSC_useDFGJIT=0",
] as const;

/** The initial buffer; larger than most command lines and environments. */
const WORDS_BYTES = 32 * 1024;

/** How many threads the engine may start: one collector per core, up to eight, and two others. */
const helpersOf = (cores: number): number => Math.min(cores, 8) + 2;

/** A kill needs one per process. */
const DESCRIPTORS = 8192;

/** At this share of pid_max, the process table may be full in a moment. */
const CROWDED = 0.5;

/**
 * What the call is for.
 *
 * - `reading`  nothing is opened for writing, and neither priority nor OOM score is changed
 * - `working`  one piece of work: first among all processes
 * - `waiting`  the same for work that comes later, when the host may have no thread left: a single thread from the start
 * - `running`  as `waiting`, but nothing is changed that a command started by us would inherit
 */
export type Purpose = "reading" | "working" | "waiting" | "running";

/**
 * Prepare this process for an overloaded host: switch to real-time scheduling, because a fork bomb otherwise leaves us
 * about 1% of a core, and restart without helper threads if the host cannot provide them.
 *
 * @returns the kernel to work on
 */
export async function getReady(purpose: Purpose): Promise<Host> {
  const isUrgent = purpose === "working" || purpose === "waiting";
  let calls: LibcCalls;
  try {
    calls = libcCalls();
  } catch (error) {
    // Without FFI the engine has no JIT either, so it starts no compiler threads.
    const { nodeCalls } = await import("./calls/node-calls.ts");
    const slow = nodeCalls();
    if (isUrgent) protectFromOomKiller(slow);
    return linuxSys(slow, firstLineOf(error));
  }
  // First, because until then every process of a fork bomb runs before us. In the binary, the first instructions have
  // done this already (scripts/build/entry.ts).
  if (purpose !== "running") calls.setUrgent(isUrgent);
  if (isUrgent) protectFromOomKiller(calls);
  if (purpose === "running") (await import("./spawn/inherited.ts")).keepInherited();
  calls.growFileTable(DESCRIPTORS);
  const sys = linuxSys(calls);
  try {
    const isLasting = purpose === "waiting" || purpose === "running";
    if (isLasting || !calls.hasRoomFor(helpersOf(calls.countCores())) || isCrowded(sys)) startOver(calls);
  } catch (error) {
    // /proc does not show it, for example with subset=pid: go on without a restart.
    if (!(error instanceof SysError)) throw error;
  }
  return sys;
}

/** Execute ourselves again with the settings. Returns if they are in effect already, or if it fails. */
function startOver(calls: LibcCalls): void {
  // Only now: reading the environment copies it, which the usual start should not pay for.
  if (hasRestarted()) return takeName(calls);
  const argv = readWords(calls, "/proc/self/cmdline");
  const env = readWords(calls, "/proc/self/environ");
  if (argv === undefined || env === undefined) return;
  const settings = encodeText(`${SINGLE_THREADED.join("\0")}\0`);
  calls.exec(encodeText("/proc/self/exe\0"), argv, joined([env, settings]));
}

function hasRestarted(): boolean {
  for (const setting of SINGLE_THREADED) if (process.env[nameOf(setting)] === undefined) return false;
  return true;
}

/** After a restart the kernel calls this process `exe`. */
function takeName(calls: LibcCalls): void {
  const fd = calls.open("/proc/self/comm", O_WRONLY);
  if (fd < 0) return;
  calls.write(fd, encodeText("cgkill"));
  calls.close(fd);
}

const nameOf = (setting: string): string => setting.slice(0, setting.indexOf("="));

/** /proc/loadavg counts all threads, as RUNNABLE/ALL in its fourth field. */
function isCrowded(sys: Sys): boolean {
  const all = Number(sys.readRecord(PROC, "loadavg").split(" ")[3]?.split("/")[1]);
  const max = Number(sys.readRecord(PROC, "sys/kernel/pid_max"));
  return all > max * CROWDED;
}

/**
 * Read NUL-terminated words into one buffer. A thousand separate strings would grow the heap, and the engine would
 * start the very thread that the host cannot provide.
 */
export function readWords(calls: Pick<Calls, "open" | "pread" | "close">, path: string): Uint8Array | undefined {
  const fd = calls.open(path, O_RDONLY);
  if (fd < 0) return undefined;
  let bytes: Uint8Array = new Uint8Array(WORDS_BYTES);
  let length = 0;
  let got = calls.pread(fd, bytes, 0, 0);
  while (got > 0) {
    length += got;
    // One byte stays free, to terminate a last word that has no NUL.
    if (length >= bytes.length - 1) bytes = joined([bytes, new Uint8Array(bytes.length)]);
    got = calls.pread(fd, bytes, length, length);
  }
  calls.close(fd);
  if (got < 0) return undefined;
  return bytes.subarray(0, length === 0 || bytes[length - 1] === 0 ? length : length + 1);
}
