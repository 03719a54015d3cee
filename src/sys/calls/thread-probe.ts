// Whether threads can be had, found out by making as many processes: no limit of the kernel tells them apart.

import { addressOf, EINVAL, ENOSYS, type Libc, plus, SYS_CLONE3 } from "./libc.ts";

const EINTR = 4;
/** Enough for a signal frame, and few of its pages are ever touched. */
const STACK_BYTES = 16 * 1024;
const STACK_ALIGN = 16;
const SIG_SETMASK = 2;
const SIGSET_BYTES = 8;
const EVERY_SIGNAL = 0xffffffffffffffffn;
/** CLONE_VM | FS | FILES | SIGHAND | SYSVSEM. No signal when it ends. */
const CLONE_ALL = 0x100 | 0x200 | 0x400 | 0x800 | 0x40000;
/** Those, which send no signal, are waited for by this (__WCLONE, bit 31). */
const WCLONE = -0x80000000;

/** @returns the probe: can so many more threads be had at once? */
export function threadProbe({ c, machine, errno, getppid }: Libc): (threads: number) => boolean {
  /** Every signal, and those that were blocked before. */
  const masks = new BigUint64Array([EVERY_SIGNAL, 0n]);
  /** Held as long as a process may run on them. */
  let stacks: Uint8Array | undefined;
  return (threads) => {
    if (!isCloneAllowed()) return false;
    // By processes that share all with us, each on a stack of its own: it runs getppid and ends, but keeps its place in
    // the process table until it is waited for.
    stacks = new Uint8Array(threads * STACK_BYTES + STACK_ALIGN);
    const base = addressOf(stacks);
    const first = plus(base, STACK_ALIGN - (base % STACK_ALIGN));
    const tried: number[] = [];
    // A Ctrl-C reaches all that share a terminal, and our handlers are not made to run twice at a time.
    const before = plus(addressOf(masks), SIGSET_BYTES);
    c.syscall(machine.rt_sigprocmask, SIG_SETMASK, addressOf(masks), before, SIGSET_BYTES, 0);
    while (tried.length < threads) {
      const top = plus(first, (tried.length + 1) * STACK_BYTES);
      const pid = c.clone(getppid, top, CLONE_ALL, null);
      if (pid < 0) break;
      tried.push(pid);
    }
    for (const pid of tried) while (c.waitpid(pid, null, WCLONE) < 0 && errno() === EINTR);
    c.syscall(machine.rt_sigprocmask, SIG_SETMASK, before, 0, SIGSET_BYTES, 0);
    stacks = undefined;
    return tried.length === threads;
  };

  /**
   * C libraries make threads by clone3, and by clone only if the kernel does not know that (ENOSYS). Seccomp filters of
   * older container runtimes answer EPERM: then there are no threads, although clone works.
   */
  function isCloneAllowed(): boolean {
    c.syscall(SYS_CLONE3, 0, 0, 0, 0, 0);
    return [EINVAL, ENOSYS].includes(errno());
  }
}
