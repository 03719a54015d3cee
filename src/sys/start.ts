// What must be settled before anything else is loaded: our priority, who is killed when memory runs out, and whether
// this host still has a thread for us.
//
// The JavaScript engine starts helper threads as its heap grows, and aborts the process where it cannot: on a host
// whose process table is full, which is when cgkill is needed, and perhaps in the middle of a kill. It can do without
// them, but takes that word only from the environment, at its start. So where threads are scarce we start over.

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";

import { type Libc, openLibc } from "./libc.ts";

/** One thread only: no pages made ready ahead, no collector beside the program. */
const SINGLE_THREADED = [
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
] as const;

/** From this part of the process table on, it may be full in a moment. */
const CROWDED = 0.5;

/**
 * Get ready for a host that is dying: go before the processes that keep it busy, and start over without helper
 * threads where they are not to be had. A fork bomb of hundreds otherwise leaves us a hundredth of a core.
 */
export function getReady(): void {
  leaveUsToTheLast();
  let libc: Libc;
  try {
    libc = openLibc();
  } catch {
    // Without FFI the engine has no JIT either, and starts no thread for it; sys/linux.ts does without libc as well.
    return;
  }
  libc.setUrgent(true);
  if (libc.canStartThread() && !isCrowded()) return;
  // Asked last: where all is well, nobody has to pay for a copy of the environment.
  if (SINGLE_THREADED.every((setting) => process.env[nameOf(setting)] !== undefined)) return;
  const env = [...readWords("/proc/self/environ"), ...SINGLE_THREADED.map((setting) => Buffer.from(`${setting}\0`))];
  libc.exec(Buffer.from("/proc/self/exe\0"), readWords("/proc/self/cmdline"), env);
}

/** Out of memory the kernel kills somebody: not the one who is about to give it memory back. */
function leaveUsToTheLast(): void {
  try {
    const fd = openSync("/proc/self/oom_score_adj", constants.O_WRONLY);
    writeSync(fd, NEVER_BY_OOM);
    closeSync(fd);
  } catch {
    // Not permitted, or no /proc: then we are as likely as any other of our size.
  }
}

const NEVER_BY_OOM = "-1000";

const nameOf = (setting: string): string => setting.slice(0, setting.indexOf("="));

/** /proc/loadavg counts all threads, as RUNNABLE/ALL in its fourth field. */
function isCrowded(): boolean {
  const all = Number(readFileSync("/proc/loadavg", "utf8").split(" ")[3]?.split("/")[1]);
  const most = Number(readFileSync("/proc/sys/kernel/pid_max", "utf8"));
  return all > most * CROWDED;
}

/** Words as bytes, each with its NUL. */
function readWords(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const words: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at) + 1;
    words.push(bytes.subarray(at, end === 0 ? bytes.length : end));
    at = end === 0 ? bytes.length : end;
  }
  return words;
}
