// What the kill cases need of a kernel, the real one or the model: cgroups, processes in them, and an independent look.

import type { Pid, Sys } from "../../src/sys/sys.ts";

export type PopulationKind =
  | "sleepers" // plain sleeping processes
  | "forkbomb" // every process forks; the dead are replaced
  | "stopped" // SIGSTOPped
  | "ignorant" // ignores every signal that can be ignored
  | "deadleader" // the leader has exited, a thread lives
  | "execstorm"; // execs for ever from a thread that is not the leader

export interface World extends AsyncDisposable {
  readonly version: "v1" | "v2";
  readonly sys: Sys;
  /** The directory of this world's own cgroup, below which everything happens. */
  readonly base: string;
  /** Make a cgroup, parents included, at a path below the base; returns its directory. */
  makeCgroup(path: string): Promise<string>;
  /** Put processes in; returns when they are there. */
  populate(dir: string, kind: PopulationKind, count: number): Promise<void>;
  /** Put the killer itself into the cgroup. */
  enter(dir: string): Promise<void>;
  freeze(dir: string): Promise<void>;
  /** Kill and remove by other means than the code under test. */
  removeCgroup(dir: string): Promise<void>;
  /** An independent look: the live processes in the cgroup and below it. */
  members(dir: string): readonly Pid[];
  exists(dir: string): boolean;
  isFrozen(dir: string): boolean;
  /** Do something a moment after the kill has begun. */
  soon(ms: number, action: () => void | Promise<void>): void;
}
