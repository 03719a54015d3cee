// The kernel as the kill cases use it, real or modelled: cgroups, processes in them, and independent checks.

import type { Pid, Sys } from "../../src/sys/sys.ts";

export type PopulationKind =
  | "sleepers" // plain sleeping processes
  | "forkbomb" // every process forks, and dead ones are replaced
  | "stopped" // SIGSTOPped
  | "ignorant" // ignores every signal that can be ignored
  | "deadleader" // the leader has exited, a thread lives
  | "execstorm"; // keeps calling exec from a thread that is not the leader

export interface World extends AsyncDisposable {
  readonly version: "v1" | "v2";
  readonly sys: Sys;
  /** The directory of this world's own cgroup, which contains all others. */
  readonly base: string;
  /** Make a cgroup and its missing parents at a path below the base. @returns its directory */
  makeCgroup(path: string): Promise<string>;
  /** Start processes in a cgroup, and wait until they run there. */
  populate(dir: string, kind: PopulationKind, count: number): Promise<void>;
  /** Move cgkill itself into the cgroup. */
  enter(dir: string): Promise<void>;
  freeze(dir: string): Promise<void>;
  /** Kill and remove by other means than the code under test. */
  removeCgroup(dir: string): Promise<void>;
  /** The living processes in the cgroup and its descendants, read without the code under test. */
  members(dir: string): readonly Pid[];
  exists(dir: string): boolean;
  isFrozen(dir: string): boolean;
  /** Call `action` this long after the kill has begun. */
  soon(ms: number, action: () => void | Promise<void>): void;
}
