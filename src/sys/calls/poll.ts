// Makes `Sys.poll` of a call of poll(2).

import { checkedFd } from "../checks.ts";
import { orThrow } from "../errno.ts";
import type { Fd, PollFd, Sys } from "../sys.ts";
import { ERRNO, type Result } from "./calls.ts";

/** poll(2) takes an int; callers repeat it for longer waits. */
const POLL_MAX_MS = 60_000;

export function pollBy(call: (pollfds: Int32Array, timeoutMs: number) => Result): Sys["poll"] {
  return (fds, timeoutMs) => {
    // struct pollfd is an int and two shorts; on a little-endian machine `revents` is the upper half.
    const pollfds = new Int32Array(fds.length * 2);
    for (let index = 0; index < fds.length; index++) {
      const { fd, events } = fds[index] as PollFd;
      pollfds[index * 2] = checkedFd("poll", fd);
      pollfds[index * 2 + 1] = events;
    }
    const ready = call(pollfds, Math.ceil(Math.min(Math.max(timeoutMs, 0), POLL_MAX_MS)));
    if (ready > 0) {
      const found: Fd[] = [];
      for (let index = 0; index < fds.length; index++) {
        if ((pollfds[index * 2 + 1] as number) >>> 16 !== 0) found.push(pollfds[index * 2] as Fd);
      }
      return found;
    }
    if (ready !== -ERRNO.EINTR) orThrow(ready, "poll", "descriptors");
    return [];
  };
}
