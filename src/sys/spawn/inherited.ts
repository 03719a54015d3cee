// The descriptors that our caller gave us besides the standard ones. The runtime makes them close-on-exec at its start; a
// command that we start shall get them, as it would without us: a lock that is held, the pipe of a job server.

import { openLibc } from "../calls/libc.ts";
import { dirIn, PROC } from "../dir.ts";
import { readOr } from "../errno.ts";
import type { Sys } from "../sys.ts";

const F_SETFD = 2;
const LAST_STANDARD = 2;

/** What the runtime itself has open when the first line of TypeScript runs. */
const OF_THE_RUNTIME = /^anon_inode:\[(eventpoll|eventfd|timerfd|io_uring)\]/;

/** Let every program that we start inherit them. Only before anything else is opened: that would be inherited too. */
export function keepInherited(sys: Sys): void {
  const { c, machine } = openLibc();
  for (const name of readOr([], () => sys.readNames(dirIn(PROC, "self/fd")))) {
    // The one that the names were read by is closed again, and has no link.
    const target = readOr(undefined, () => sys.readLink(PROC, `self/fd/${name}`));
    if (Number(name) <= LAST_STANDARD || target === undefined || OF_THE_RUNTIME.test(target)) continue;
    c.syscall(machine.fcntl, Number(name), F_SETFD, 0, 0, 0);
  }
}
