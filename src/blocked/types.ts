// What keeps a process from dying: the file system, device or process that it waits for. `BlockedOn` is the JSON
// contract in camelCase.

import type { Advice } from "../advice.ts";
import type { Pid } from "../sys/sys.ts";

export type BlockKind = "fuse" | "nfs" | "block" | "core-dump" | "vfork" | "memory";

/** `dead`: killed or exiting, but unable to exit, so that it still holds what it served. */
export type ServerState = "alive" | "stopped" | "frozen" | "dead";

/** The process that must act: a file server, the handler of a core dump, the child of a vfork. */
export interface Server {
  readonly pid: Pid;
  readonly comm: string | null;
  readonly state: ServerState;
}

export interface BlockedOn {
  /** `nfs` stands for any network file system. */
  readonly kind: BlockKind;
  /** The mount point, as in our mount namespace if it is mounted there. */
  readonly mount: string | null;
  /** As in mountinfo: a device, SERVER:/EXPORT, or any other string. */
  readonly source: string | null;
  /** The number of a FUSE connection in /sys/fs/fuse/connections. */
  readonly connection: number | null;
  /** Unanswered requests. */
  readonly waiting: number | null;
  /** The name of a block device. */
  readonly device: string | null;
  readonly server: Server | null;
}

/** What blocks a process, and what an operator can do about it. */
export interface Finding extends Advice {
  readonly blockedOn: BlockedOn;
  readonly hint: string;
  /** MAJOR:MINOR, if the process waits for a block device. */
  readonly deviceNumber?: string;
}
