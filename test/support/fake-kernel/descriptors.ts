// The open file descriptors of the modelled process.

import type { Fd } from "../../../src/sys/sys.ts";
import type { FakeGroup, FakeHierarchy } from "./groups.ts";
import type { FakeProcess } from "./processes.ts";

/**
 * A cgroup reached on a mount of its hierarchy, or on a detached clone of the mount, which has nothing mounted in it.
 */
export interface Reached {
  readonly hierarchy: FakeHierarchy;
  readonly group: FakeGroup;
  readonly isClone: boolean;
}

/** A directory; without `group` it is not a cgroup. */
export type OpenDir = { readonly kind: "dir"; readonly path: string } & Partial<Reached>;

export interface OpenFile {
  readonly kind: "file";
  readonly group: FakeGroup;
  readonly hierarchy: FakeHierarchy;
  readonly name: string;
  /** `notices` of the cgroup at the last read. */
  seen: number;
}

export type Open =
  | OpenDir
  | OpenFile
  | { readonly kind: "pidfd"; readonly process: FakeProcess }
  | { readonly kind: "mounts"; seen: string }
  | { readonly kind: "watch" }
  | { readonly kind: "lock"; readonly group: FakeGroup };

type OfKind<K extends Open["kind"]> = Extract<Open, { readonly kind: K }>;

export class Descriptors {
  private readonly table: Map<Fd, Open> = new Map();
  private next: Fd = 3;

  get size(): number {
    return this.table.size;
  }

  add(open: Open): Fd {
    this.table.set(this.next, open);
    return this.next++;
  }

  find(fd: Fd): Open | undefined {
    return this.table.get(fd);
  }

  get(fd: Fd): Open {
    const open = this.table.get(fd);
    if (open === undefined) throw new Error(`not open: ${fd}`);
    return open;
  }

  /** The same for a descriptor that must be of one kind. */
  getOf<K extends Open["kind"]>(kind: K, fd: Fd): OfKind<K> {
    const open = this.get(fd);
    if (open.kind !== kind) throw new Error(`descriptor ${fd} is a ${open.kind}, not a ${kind}`);
    return open as OfKind<K>;
  }

  close(fd: Fd): void {
    if (!this.table.delete(fd)) throw new Error(`closed twice: ${fd}`);
  }

  countPidfds(): number {
    let count = 0;
    for (const { kind } of this.table.values()) if (kind === "pidfd") count++;
    return count;
  }

  isLocked(group: FakeGroup): boolean {
    for (const open of this.table.values()) if (open.kind === "lock" && open.group === group) return true;
    return false;
  }
}
