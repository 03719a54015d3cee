// Sets our scheduling priority, and that of killed processes.

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
/** Ours where 99 is more than RLIMIT_RTPRIO allows: above those that we raise. */
const ABOVE_LOWEST = 2;
/** Ours: above real-time members that never wait, which would keep us from every processor. */
const HIGHEST_REALTIME = 99;
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
  /** @param tid  0 for our own thread */
  const setScheduler = (tid: number, policy: number, level: number): boolean =>
    c.syscall(machine.sched_setscheduler, tid, policy, addressOf(new Int32Array([level])), 0, 0) === 0;
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
  /** Ours. One that our caller has chosen is kept, as in `chrt -r 10 cgkill`. */
  let level = 0;
  let isRealtime = false;
  let isNiceRaised = false;
  return {
    setUrgent(isUrgent) {
      level ||= Math.max(ownLevel() || HIGHEST_REALTIME, ABOVE_LOWEST);
      const mayBeRealtime = isUrgent && !hasRealtimeLimit();
      isRealtime = mayBeRealtime && (setScheduler(0, REALTIME, level) || setScheduler(0, REALTIME, ABOVE_LOWEST));
      if (!mayBeRealtime) setScheduler(0, ORDINARY, 0);
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
      return setScheduler(tid, REALTIME, LOWEST_REALTIME) ? policy : -errno();
    },
    restorePriority(tid, policy) {
      if (policyOf(tid) === REALTIME) setScheduler(tid, policy, 0);
    },
  };
}
