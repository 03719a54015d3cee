// Checks whether threads can be created, by creating as many processes: the limits of the kernel count both alike.

import { EINTR, EINVAL, ENOSYS } from "./calls.ts";
import {
  addressOf,
  addressOfFunction,
  type Libc,
  openCloneC,
  plus,
  SIG_SETMASK,
  SIGSET_BYTES,
  SYS_CLONE3,
} from "./libc.ts";

/** Enough for a signal frame; most of its pages are never touched. */
const STACK_BYTES = 16 * 1024;
const STACK_ALIGN = 16;
const EVERY_SIGNAL = 0xffffffffffffffffn;
/** CLONE_VM | FS | FILES | SIGHAND | SYSVSEM, and no exit signal. */
const CLONE_ALL = 0x100 | 0x200 | 0x400 | 0x800 | 0x40000;
/** __WCLONE (bit 31): wait for children without an exit signal. */
const WCLONE = -0x80000000;

/** Whether this many more threads can be created now. */
export function canMakeThreads(libc: Libc, threads: number): boolean {
  const { c, machine, errno } = libc;
  if (!isCloneAllowed(libc)) return false;
  const { clone, getppid } = openCloneC();
  // A function without side effects.
  const work = addressOfFunction(getppid);
  /** A mask of all signals, then the previous mask. */
  const masks = new BigUint64Array([EVERY_SIGNAL, 0n]);
  // Each process shares everything with us but its stack. It calls getppid and exits, and keeps its slot in the
  // process table until it is reaped.
  const stacks = new Uint8Array(threads * STACK_BYTES + STACK_ALIGN);
  const base = addressOf(stacks);
  const first = plus(base, STACK_ALIGN - (base % STACK_ALIGN));
  const tried: number[] = [];
  // A Ctrl-C would reach these processes too, and our handlers must not run in two processes that share memory.
  const before = plus(addressOf(masks), SIGSET_BYTES);
  c.syscall(machine.rt_sigprocmask, SIG_SETMASK, addressOf(masks), before, SIGSET_BYTES, 0);
  while (tried.length < threads) {
    const top = plus(first, (tried.length + 1) * STACK_BYTES);
    const pid = clone(work, top, CLONE_ALL, null);
    if (pid < 0) break;
    tried.push(pid);
  }
  for (const pid of tried) while (c.waitpid(pid, null, WCLONE) < 0 && errno() === EINTR);
  c.syscall(machine.rt_sigprocmask, SIG_SETMASK, before, 0, SIGSET_BYTES, 0);
  // The engine must not reuse the stacks before.
  return stacks.length > 0 && tried.length === threads;
}

/**
 * Whether C libraries can create threads and processes. They use clone3, and clone only if the kernel lacks clone3
 * (ENOSYS). Under a seccomp filter of an older container runtime clone3 fails with EPERM, so both fail although clone
 * works.
 */
export function isCloneAllowed({ c, errno }: Pick<Libc, "c" | "errno">): boolean {
  c.syscall(SYS_CLONE3, 0, 0, 0, 0, 0);
  return [EINVAL, ENOSYS].includes(errno());
}
