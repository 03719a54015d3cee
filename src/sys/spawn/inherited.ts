// The descriptors that our caller gave us besides the standard ones. The runtime makes them close-on-exec at its start; a
// command that we start shall get them, as it would without us: a lock that is held, the pipe of a job server.

import { decodeBytes, encodeText } from "../bytes.ts";
import { O_DIRECTORY } from "../calls/calls.ts";
import { DENTS_BYTES, readEntries } from "../calls/dents.ts";
import { fixedBytes, openLibc } from "../calls/libc.ts";
import { AT_FDCWD } from "../calls/path-placer.ts";

const DT_LNK = 10;
const F_SETFD = 2;
const LAST_STANDARD = 2;
const LINK_BYTES = 64;

/** What the runtime itself has open when the first line of TypeScript runs. */
const OF_THE_RUNTIME = /^anon_inode:\[(eventpoll|eventfd|timerfd|io_uring)\]/;

/** Let every program that we start inherit them. Only before anything else is opened: that would be inherited too. */
export function keepInherited(): void {
  const libc = openLibc();
  const { c, machine } = libc;
  const list = c.openat(AT_FDCWD, encodeText("/proc/self/fd\0"), O_DIRECTORY);
  if (list < 0) return;
  const link = fixedBytes(LINK_BYTES);
  const entries = readEntries(libc, list, fixedBytes(DENTS_BYTES), DT_LNK);
  for (const { name } of typeof entries === "number" ? [] : entries) {
    const fd = Number(decodeBytes(name));
    if (fd <= LAST_STANDARD || fd === list) continue;
    const length = c.readlinkat(list, encodeText(`${fd}\0`), link, LINK_BYTES);
    if (length < 0 || OF_THE_RUNTIME.test(decodeBytes(link, length))) continue;
    c.syscall(machine.fcntl, fd, F_SETFD, 0, 0, 0);
  }
  c.close(list);
}
