// Opens the file behind a descriptor again, for reads or writes that never wait. O_NONBLOCK on the given descriptor would
// affect every process that shares its open file description.

import { readOr } from "../../sys/errno.ts";
import type { Fd, Host } from "../../sys/sys.ts";

/**
 * @param open  opens its file in /proc/self/fd
 * @returns `undefined` if that is impossible: a socket, or another user's terminal
 */
export function openAgain(sys: Host, given: Fd, open: () => Fd): Fd | undefined {
  return readOr(undefined, () => {
    const fd = open();
    const [reopened, original] = [sys.statusOf(fd), sys.statusOf(given)];
    if (reopened.dev === original.dev && reopened.ino === original.ino) return fd;
    // If /proc belongs to another pid namespace, /proc/self/fd may name another file.
    sys.close(fd);
    return undefined;
  });
}
