// The guardian: a separate process that thaws an interactive freeze if cgkill is gone. cgkill starts it before the freeze,
// with the opened freezer file, the cgroup's directory and a pipe. A word on the pipe means that cgkill has thawed by
// itself. If the pipe ends without one, cgkill was killed, by SIGKILL or the OOM killer for example.

import { switchIn } from "../cgroup/freezer-switch.ts";
import type { Cgroup, CgroupVersion } from "../cgroup/types.ts";
import { encodeText } from "../sys/bytes.ts";
import { dirOf } from "../sys/dir.ts";
import { readOr, SysError, tryTo } from "../sys/errno.ts";
import { type Helper, startHelper } from "../sys/spawn/helper.ts";
import { closing, type Fd, type Host, POLLIN, type Sys } from "../sys/sys.ts";

/** The first word of the guardian's command line, followed by the version of the hierarchy. */
const GUARDIAN = "__guardian";
/** The descriptors that the guardian inherits. */
const STDIN: Fd = 0;
const STDOUT: Fd = 1;
const SWITCH: Fd = 3;
const DIRECTORY: Fd = 4;

const READY = "ready\n";
const DONE = "done\n";
/** The longest wait for the guardian to start. */
const START_MS = 3000;

/** Ends the guard: the cgroup is thawed, or will not be frozen. */
export type Release = () => void;

/**
 * Start a guardian for a cgroup that is about to be frozen, and wait until it is ready.
 *
 * @returns ends the guardian
 * @throws Error  says why none could be started
 */
export async function startGuardian(sys: Sys, { hierarchy, dir, fd: directory }: Cgroup): Promise<Release> {
  const fd = sys.openFile(dir, switchIn(hierarchy).file);
  using _ = closing(sys, fd);
  let helper: Helper | undefined;
  try {
    helper = startHelper([GUARDIAN, hierarchy.version], [fd, directory]);
    const said = await helper.readLine(START_MS);
    if (said !== READY) throw new Error(said === "" ? "it did not start in time" : said.trim());
    const { end } = helper;
    return () => end(DONE);
  } catch (error) {
    helper?.stop();
    throw error;
  }
}

/** Longer than a working kill holds the lock. */
const LOCK_MS = 60_000;
const LOCK_PACE_MS = 10;
const POLL_MS = 10_000;
const TRIES = 3;

/**
 * The main function of the guardian. Signals only wake it; it ends with the freeze.
 *
 * @returns `false` if cgkill has not started it: then nothing is written
 */
export async function runGuardian(sys: Host, version: string | undefined): Promise<boolean> {
  if ((version !== "v1" && version !== "v2") || !isSwitch(sys, version)) return false;
  await guard(sys, version);
  return true;
}

/** Is the descriptor that we write to the freezer file of a cgroup? */
const isSwitch = (sys: Sys, version: CgroupVersion): boolean =>
  readOr(false, () => sys.pathOf(SWITCH).endsWith(`/${switchIn({ version }).file}`));

async function guard(sys: Host, version: CgroupVersion): Promise<void> {
  using _ = sys.ignoreUndeliverable();
  // Opened for writing now, while cgkill can still report that this is not possible.
  const fd = sys.openForWriting(SWITCH);
  sys.writeSome(STDOUT, encodeText(READY));
  if (await hasEnded(sys)) return;
  const until = sys.now() + LOCK_MS;
  // Another cgkill that kills this cgroup holds the lock and thaws by itself: do not interfere.
  while (isLocked(sys) && sys.now() < until) sys.poll([], LOCK_PACE_MS);
  // After an error, the cgroup is gone, or the next try may succeed.
  const thaw = (): unknown => tryTo(() => sys.writeSome(fd, encodeText(switchIn({ version }).off)));
  for (let tried = 1; tried <= TRIES && thaw() !== undefined; tried++);
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
const isLocked = (sys: Sys): boolean => readOr(false, () => sys.tryLock(dirOf(DIRECTORY, "the cgroup")) === undefined);
