// What kind of host the modelled kernel runs on.

export interface FakeOptions {
  readonly layout?: "unified" | "legacy" | "hybrid";
  readonly hasCgroupKill?: boolean;
  /** v2: cgroup.freeze, since kernel 5.2. */
  readonly hasCgroupFreeze?: boolean;
  readonly hasPidfd?: boolean;
  /** The v1 hierarchies besides name=systemd. */
  readonly controllers?: readonly string[];
  /** The root of our cgroup namespace; the mounts are the host's and show everything. */
  readonly namespace?: string;
  /** Whether we are in a pid namespace of our own, where processes outside have no pid. */
  readonly isInPidNamespace?: boolean;
  /** Whether /proc is that of the pid namespace above ours. */
  readonly isProcForeign?: boolean;
  /** CAP_SYS_ADMIN: clones of mounts, and `trusted.*` attributes. */
  readonly isPrivileged?: boolean;
}

export const DEFAULT_HOST: Required<FakeOptions> = {
  layout: "hybrid",
  hasCgroupKill: true,
  hasCgroupFreeze: true,
  hasPidfd: true,
  controllers: ["freezer", "memory"],
  namespace: "/",
  isInPidNamespace: false,
  isProcForeign: false,
  isPrivileged: true,
};
