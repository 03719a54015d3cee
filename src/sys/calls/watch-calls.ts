// The system calls that watch a file system for writes (fanotify(7)).

import { encodeText } from "../bytes.ts";
import { AT_FDCWD } from "../dir.ts";
import type { Calls } from "./calls.ts";
import { addressOf, type Libc } from "./libc.ts";

const FAN_CLOEXEC = 1;
const FAN_NONBLOCK = 2;
/** Events name their file. Otherwise each read opens it. */
const FAN_REPORT_FID = 0x200;
const FAN_MARK_ADD = 1;
const FAN_MARK_FLUSH = 0x80;
const FAN_MARK_FILESYSTEM = 0x100;
const FAN_MODIFY = 2;

export function watchCalls({ c, machine, result }: Libc): Pick<Calls, "watchWrites" | "endWatch"> {
  return {
    watchWrites(dir) {
      const fd = result(c.syscall(machine.fanotify_init, FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID, 0, 0, 0, 0));
      if (fd < 0) return fd;
      const itself = encodeText(".\0");
      const flags = FAN_MARK_ADD | FAN_MARK_FILESYSTEM;
      const marked = result(c.syscall(machine.fanotify_mark, fd, flags, FAN_MODIFY, dir, addressOf(itself)));
      if (marked === 0) return fd;
      c.close(fd);
      return marked;
    },
    endWatch: (fd) => void c.syscall(machine.fanotify_mark, fd, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, 0),
  };
}
