// The guardian: a process of its own that thaws what an interactive freeze has frozen if cgkill is gone. cgkill starts
// it before it freezes, with the opened freezer file and the cgroup's directory, and a pipe. If a word comes through the
// pipe, cgkill has thawed by itself; if the pipe ends without one, cgkill is gone. SIGKILL and the OOM killer give cgkill no
// chance to say a word.

import type { Cgroup } from "../cgroup/types.ts";
import { encodeText } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import { type Helper, startHelper } from "../sys/helper.ts";
import { type Fd, type Host, POLLIN, type Sys } from "../sys/sys.ts";

/** The first word of the guardian's command line, followed by the version of the hierarchy. */
export const GUARDIAN = "__guardian";
/** Where the guardian finds what it was given. */
const STDIN: Fd = 0;
const STDOUT: Fd = 1;
const SWITCH: Fd = 3;
const DIRECTORY: Fd = 4;

const READY = "ready\n";
const DONE = "done\n";
/** A host that does not start it by then is not waited for. */
const START_MS = 3000;

type Version = Cgroup["hierarchy"]["version"];

const SWITCH_FILE: Readonly<Record<Version, string>> = { v1: "freezer.state", v2: "cgroup.freeze" };
const THAW: Readonly<Record<Version, string>> = { v1: "THAWED", v2: "0" };

/** Ends the guard: the cgroup is thawed, or will not be frozen. */
export type Release = () => void;

/**
 * Start a guardian for a cgroup that is about to be frozen, and wait until it is ready.
 *
 * @returns what ends it
 * @throws Error  why there is none
 */
export async function startGuardian(sys: Sys, { hierarchy, dir }: Cgroup): Promise<Release> {
  const fd = sys.openFile(dir, SWITCH_FILE[hierarchy.version]);
  let helper: Helper | undefined;
  try {
    helper = startHelper([GUARDIAN, hierarchy.version], [fd, dir]);
    const said = await helper.readLine(START_MS);
    if (said !== READY) throw new Error(said === "" ? "it did not start in time" : said.trim());
    const { end } = helper;
    return () => end(DONE);
  } catch (error) {
    helper?.stop();
    throw error;
  } finally {
    sys.close(fd);
  }
}

/** Longer than any kill holds a cgroup frozen that does not hang. */
const LOCK_MS = 60_000;
const LOCK_PACE_MS = 10;
const POLL_MS = 10_000;
const TRIES = 3;

/** What the guardian does. Signals only wake it: it ends with the freeze. */
export async function runGuardian(sys: Host, version: string | undefined): Promise<void> {
  if (version !== "v1" && version !== "v2") return;
  using _ = sys.ignoreUndeliverable();
  // Opened for writing while cgkill is there to be told that it cannot be.
  const fd = sys.openForWriting(SWITCH);
  sys.writeSome(STDOUT, encodeText(READY));
  if (await hasEnded(sys)) return;
  const until = sys.now() + LOCK_MS;
  // Another cgkill that kills this cgroup holds the lock: it freezes and thaws by itself, and is not disturbed.
  while (isLocked(sys) && sys.now() < until) sys.poll([], LOCK_PACE_MS);
  for (let tried = 1; tried <= TRIES; tried++) {
    try {
      sys.writeSome(fd, encodeText(THAW[version]));
      return;
    } catch (error) {
      // The cgroup is gone, or the kernel is asked once more.
      if (!(error instanceof SysError)) throw error;
    }
  }
}

/** @returns `false`: the pipe ended without a word */
async function hasEnded(sys: Host): Promise<boolean> {
  const word = new Uint8Array(DONE.length);
  for (;;) {
    const isReadable = sys.poll([{ fd: STDIN, events: POLLIN }], POLL_MS).length > 0;
    // Signals reach their handlers, which do nothing here.
    await sys.turn();
    if (!isReadable) continue;
    try {
      return sys.readSome(STDIN, word) > 0;
    } catch (error) {
      if (!(error instanceof SysError) || error.errno !== "EAGAIN") return false;
    }
  }
}

/** The lock is kept until this process ends, which is right after the thaw. */
function isLocked(sys: Sys): boolean {
  try {
    return sys.tryLock({ through: `/proc/self/fd/${DIRECTORY}`, shown: "the cgroup" }) === undefined;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}
