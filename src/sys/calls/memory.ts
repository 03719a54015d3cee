// Protects this process when memory runs out: from the OOM killer, and from having to read its own pages from disk.

import { encodeText } from "../bytes.ts";
import { AT_FDCWD } from "../dir.ts";
import { type ErrnoName, errnoName } from "../errno.ts";
import { type Calls, O } from "./calls.ts";
import { mlockall, openLibc } from "./libc.ts";

const NEVER_CHOSEN = "-1000";

/**
 * Exempt this process from the OOM killer while it frees memory. Without permission, or without /proc, it is as likely to be
 * chosen as any other process of its size.
 */
export function protectFromOomKiller(calls: Pick<Calls, "open" | "write" | "close">): void {
  const fd = calls.open(AT_FDCWD, "/proc/self/oom_score_adj", O.WRONLY);
  if (fd < 0) return;
  calls.write(fd, encodeText(NEVER_CHOSEN));
  calls.close(fd);
}

/** Free unused memory. By itself, the engine lets its memory grow by 10 MiB before the next collection. */
export const collectGarbage = (): void => Bun.gc(true);

/** MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT. Without the last one all of the engine's address space becomes resident, 6 GiB. */
const ALL_WHEN_TOUCHED = 1 | 2 | 4;

/**
 * Keep every page that this process touches in memory, its program included.
 *
 * All three flags or nothing: without CAP_IPC_LOCK the kernel refuses them, but would accept MCL_FUTURE alone, and then
 * fail every later mapping.
 *
 * @returns the errno if this is not possible
 */
export function lockMemory(): ErrnoName | undefined {
  const { errno } = openLibc();
  return mlockall(ALL_WHEN_TOUCHED) === 0 ? undefined : errnoName(errno());
}
