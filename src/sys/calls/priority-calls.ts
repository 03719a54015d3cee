// Sets our scheduling priority, and checks whether the host has threads to spare.

import { type Calls, ERRNO } from "./calls.ts";
import { addressOf, type Libc } from "./libc.ts";

const RLIMIT_RTTIME = 15;
const RLIM_INFINITY = 0xffffffffffffffffn;
const SCHED_RR = 2;
/** Our children start with ordinary scheduling. */
export const SCHED_RESET_ON_FORK = 0x40000000;
/** The policy that cgkill asks for. */
export const REALTIME: number = SCHED_RR | SCHED_RESET_ON_FORK;
const LOWEST_REALTIME = 1;
/** Ours while other processes have the lowest: then we can always take it back. */
const ABOVE_LOWEST = 2;
/** SCHED_OTHER is 0. */
const ORDINARY = SCHED_RESET_ON_FORK;
/** SCHED_OTHER, SCHED_BATCH, SCHED_IDLE. */
const ORDINARY_POLICIES: readonly number[] = [0, 3, 5];
export const PRIO_PROCESS = 0;
export const HIGHEST_NICE = -20;
const ORDINARY_NICE = 0;
const PR_SET_TIMERSLACK = 29;
/** The default of the kernel. */
const TIMER_SLACK_NS = 50_000;

type PriorityCalls = Pick<Calls, "setUrgent" | "raisePriority" | "restorePriority">;

export function priorityCalls(libc: Libc): PriorityCalls {
  const { c, machine, errno } = libc;
  const setScheduler = (tid: number, policy: number, level: number): boolean =>
    c.syscall(machine.sched_setscheduler, tid, policy, addressOf(new Int32Array([level])), 0, 0) === 0;
  const schedule = (policy: number, at: number): boolean => setScheduler(0, policy, at);
  const policyOf = (tid: number): number => c.syscall(machine.sched_getscheduler, tid, 0, 0, 0, 0);
  /** With a finite RLIMIT_RTTIME the kernel kills a real-time process that runs that long without blocking. */
  const hasRealtimeLimit = (): boolean => {
    const limits = new BigUint64Array(2);
    return c.getrlimit(RLIMIT_RTTIME, limits) === 0 && limits[0] !== RLIM_INFINITY;
  };
  const ownLevel = (): number => {
    const param = new Int32Array(1);
    c.syscall(machine.sched_getparam, 0, addressOf(param), 0, 0, 0);
    return param[0] as number;
  };
  /** Ours: that of our caller if it is higher, as in `chrt -r 99 cgkill`, against real-time members that never wait. */
  let level = LOWEST_REALTIME;
  let isRealtime = false;
  let isAbove = false;
  let isNiceRaised = false;
  return {
    setUrgent(isUrgent) {
      if (!isAbove) level = Math.max(level, ownLevel());
      const mayBeRealtime = isUrgent && !hasRealtimeLimit();
      const isSet = mayBeRealtime ? schedule(REALTIME, level) : schedule(ORDINARY, 0);
      isRealtime = mayBeRealtime && isSet;
      isAbove = false;
      // How late a wait of ours may end. An ordinary process has that of its caller: TimerSlackNSec= of a systemd unit.
      c.syscall(machine.prctl, PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
      // Without real-time scheduling, the highest priority by nice value is the next best.
      if (isUrgent && !isRealtime) isNiceRaised = c.setpriority(PRIO_PROCESS, 0, HIGHEST_NICE) === 0;
      else if (!isUrgent && isNiceRaised) isNiceRaised = c.setpriority(PRIO_PROCESS, 0, ORDINARY_NICE) !== 0;
    },
    raisePriority(tid) {
      if (!isRealtime) return -ERRNO.EPERM;
      const policy = policyOf(tid);
      if (policy < 0) return -errno();
      if (!ORDINARY_POLICIES.includes(policy & ~SCHED_RESET_ON_FORK)) return -ERRNO.EPERM;
      isAbove ||= schedule(REALTIME, Math.max(level, ABOVE_LOWEST));
      return isAbove && setScheduler(tid, REALTIME, LOWEST_REALTIME) ? policy : -errno();
    },
    restorePriority(tid, policy) {
      if (policyOf(tid) === REALTIME) setScheduler(tid, policy, 0);
    },
  };
}
