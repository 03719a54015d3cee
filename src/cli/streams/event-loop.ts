// The runtime's event loop, as something to wait for.

import { readOr } from "../../sys/errno.ts";
import { type Dir, type Fd, PROC, type Sys } from "../../sys/sys.ts";

const DESCRIPTORS: Dir = { through: `${PROC.through}/self/fd`, shown: `${PROC.shown}/self/fd` };
const EPOLL = "anon_inode:[eventpoll]";

/**
 * Find the descriptor of the event loop. It is readable while a signal waits for its handler, until the next `turn`: a
 * wait that includes it may be long, and misses no signal that arrives right before it begins.
 *
 * @returns `undefined` if it is not the only one of its kind: our parent may have left us another
 */
export function findEventLoop(sys: Sys): Fd | undefined {
  const names = readOr([], () => sys.readNames(DESCRIPTORS));
  const found = names.filter((name) => readOr("", () => sys.readLink(DESCRIPTORS, name)) === EPOLL);
  return found.length === 1 ? Number(found[0]) : undefined;
}
