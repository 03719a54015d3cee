// What must be settled before anything else is loaded: our priority, who is killed when memory runs out, and whether
// this host still has a thread for us.
//
// The JavaScript engine starts helper threads as its heap grows, and aborts the process where it cannot: on a host
// whose process table is full, which is when cgkill is needed, and perhaps in the middle of a kill. It can do without
// them, but takes that word only from the environment, at its start. So where threads are scarce we start over.

import { encodeText, joined } from "./bytes.ts";
import { type Calls, O_RDONLY, O_WRONLY } from "./calls/calls.ts";
import { type LibcCalls, libcCalls } from "./calls/libc-calls.ts";
import { firstLineOf, SysError } from "./errno.ts";
import { linuxSys } from "./linux.ts";
import { type Host, PROC, type Sys } from "./sys.ts";

/**
 * One thread only: no pages made ready ahead, no collector and no compiler beside the program. The first instructions
 * of the program hide every other setting of the engine (scripts/build/hidden-variables.ts).
 */
export const SINGLE_THREADED = [
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
  "BUN_JSC_useConcurrentJIT=0",
] as const;

/** More than most command lines and environments have. */
const WORDS_BYTES = 32 * 1024;

/** The threads that the engine may start: one for each core that collect, eight at most, and two. */
const helpersOf = (cores: number): number => Math.min(cores, 8) + 2;

/** A kill holds each process by one. */
const DESCRIPTORS = 8192;

/** From this part of the process table on, it may be full in a moment. */
const CROWDED = 0.5;

/**
 * Get ready for a host that is dying: go before the processes that keep it busy, and start over without helper
 * threads where they are not to be had. A fork bomb of hundreds otherwise leaves us a hundredth of a core.
 *
 * @param isUrgent  otherwise nothing is opened for writing, and neither priority nor OOM score is changed
 * @returns the kernel to work on
 */
export async function getReady(isUrgent: boolean): Promise<Host> {
  let calls: LibcCalls;
  try {
    calls = libcCalls();
  } catch (error) {
    // Without FFI the engine has no JIT either, and starts no thread for it.
    const { nodeCalls } = await import("./calls/node-calls.ts");
    const slow = nodeCalls();
    if (isUrgent) protectFromOomKiller(slow);
    return linuxSys(slow, firstLineOf(error));
  }
  // First of all, where the first instructions did not do it already (scripts/build/entry.ts): until then every process of a
  // fork bomb has its turn before us.
  calls.setUrgent(isUrgent);
  if (isUrgent) protectFromOomKiller(calls);
  calls.growFileTable(DESCRIPTORS);
  const sys = linuxSys(calls);
  try {
    if (!calls.hasRoomFor(helpersOf(calls.countCores())) || isCrowded(sys)) startOver(calls);
  } catch (error) {
    // Where /proc does not say (as one with subset=pid), we go on as we are.
    if (!(error instanceof SysError)) throw error;
  }
  return sys;
}

/** Returns where this is done already, or cannot be. */
function startOver(calls: LibcCalls): void {
  // Asked last: where all is well, nobody has to pay for a copy of the environment.
  if (SINGLE_THREADED.every((setting) => process.env[nameOf(setting)] !== undefined)) return;
  const argv = readWords(calls, "/proc/self/cmdline");
  const env = readWords(calls, "/proc/self/environ");
  if (argv === undefined || env === undefined) return;
  const settings = encodeText(`${SINGLE_THREADED.join("\0")}\0`);
  calls.exec(encodeText("/proc/self/exe\0"), argv, joined([env, settings]));
}

const NEVER_CHOSEN_BY_OOM_KILLER = "-1000";

/**
 * Out of memory the kernel kills somebody: not the one who is about to give it memory back. Where that is not permitted,
 * or there is no /proc, we are as likely as any other of our size.
 */
function protectFromOomKiller(calls: Calls): void {
  const fd = calls.open("/proc/self/oom_score_adj", O_WRONLY);
  if (fd < 0) return;
  calls.write(fd, encodeText(NEVER_CHOSEN_BY_OOM_KILLER));
  calls.close(fd);
}

const nameOf = (setting: string): string => setting.slice(0, setting.indexOf("="));

/** /proc/loadavg counts all threads, as RUNNABLE/ALL in its fourth field. */
function isCrowded(sys: Sys): boolean {
  const all = Number(sys.readRecord(PROC, "loadavg").split(" ")[3]?.split("/")[1]);
  const most = Number(sys.readRecord(PROC, "sys/kernel/pid_max"));
  return all > most * CROWDED;
}

/**
 * Words, each with its NUL, as they stand there. All in one: a thousand of them as strings or buffers of their own make
 * the heap grow, and that wants the very thread that is not to be had.
 */
function readWords(calls: Calls, path: string): Uint8Array | undefined {
  const fd = calls.open(path, O_RDONLY);
  if (fd < 0) return undefined;
  let bytes: Uint8Array = new Uint8Array(WORDS_BYTES);
  let length = 0;
  let got = calls.pread(fd, bytes, 0, 0);
  while (got > 0) {
    length += got;
    // One byte is left over, for the NUL of a last word that has none.
    if (length >= bytes.length - 1) bytes = joined([bytes, new Uint8Array(bytes.length)]);
    got = calls.pread(fd, bytes, length, length);
  }
  calls.close(fd);
  if (got < 0) return undefined;
  return bytes.subarray(0, length === 0 || bytes[length - 1] === 0 ? length : length + 1);
}
