// Sets our scheduling priority, and checks whether the host has threads to spare.

import type { Calls } from "./calls.ts";
import { addressOf, type Libc } from "./libc.ts";
import { threadProbe } from "./thread-probe.ts";

const RLIMIT_RTTIME = 15;
const RLIM_INFINITY = 0xffffffffffffffffn;
const SCHED_RR = 2;
/** Our children start with ordinary scheduling. */
export const SCHED_RESET_ON_FORK = 0x40000000;
/** The policy that cgkill asks for. */
export const REALTIME: number = SCHED_RR | SCHED_RESET_ON_FORK;
const LOWEST_REALTIME = 1;
/** SCHED_OTHER is 0. */
const ORDINARY = SCHED_RESET_ON_FORK;
export const PRIO_PROCESS = 0;
export const HIGHEST_NICE = -20;
const ORDINARY_NICE = 0;

export function priorityCalls(libc: Libc): Pick<Calls, "setUrgent" | "hasRoomFor"> {
  const { c, machine } = libc;
  const schedule = (policy: number, level: number): boolean =>
    c.syscall(machine.sched_setscheduler, 0, policy, addressOf(new Int32Array([level])), 0, 0) === 0;
  /** With a finite RLIMIT_RTTIME the kernel kills a real-time process that runs that long without blocking. */
  const hasRealtimeLimit = (): boolean => {
    const limits = new BigUint64Array(2);
    return c.getrlimit(RLIMIT_RTTIME, limits) === 0 && limits[0] !== RLIM_INFINITY;
  };
  const probe = threadProbe(libc);
  let isRealtime = false;
  let isNiceRaised = false;
  return {
    setUrgent(isUrgent) {
      const mayBeRealtime = isUrgent && !hasRealtimeLimit();
      const isSet = mayBeRealtime ? schedule(REALTIME, LOWEST_REALTIME) : schedule(ORDINARY, 0);
      isRealtime = mayBeRealtime && isSet;
      // Without real-time scheduling, the highest priority by nice value is the next best.
      if (isUrgent && !isRealtime) isNiceRaised = c.setpriority(PRIO_PROCESS, 0, HIGHEST_NICE) === 0;
      else if (!isUrgent && isNiceRaised) isNiceRaised = c.setpriority(PRIO_PROCESS, 0, ORDINARY_NICE) !== 0;
    },
    hasRoomFor(threads) {
      // Without the reset on fork, so that the processes of the probe do not wait behind a fork bomb.
      if (isRealtime) schedule(SCHED_RR, LOWEST_REALTIME);
      const hasRoom = probe(threads);
      if (isRealtime) schedule(REALTIME, LOWEST_REALTIME);
      return hasRoom;
    },
  };
}
