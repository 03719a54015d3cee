// Finds the block device that a process waits for: its name, its requests in flight, and whether it can answer at all.
// Reads sysfs, never the device.

import type { MountInfo } from "../cgroup/open/mountinfo.ts";
import { type Dir, dirAt, dirIn, PROC, ROOT } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { isOnDevice, mountIdOf, readOpenMounts, type SeenMounts } from "./mounts.ts";
import type { BlockedThread } from "./threads.ts";

export interface Device {
  readonly name: string;
  /** MAJOR:MINOR. */
  readonly number: string;
  readonly mount: MountInfo | null;
  /** Requests in flight. */
  readonly waiting: number;
  /** Device mapper only: `suspended` by an administrator, or `queueing` because it has no path left. */
  readonly state: "suspended" | "queueing" | null;
}

/** Kernel functions that a thread waits for block I/O in. */
const WAITS =
  /^(io_schedule|blk_|__blk|bio_|submit_bio|bit_wait|folio_wait|__folio|wait_on_(page|buffer|bit)|__wait_on|jbd2_|do_get_write|wait_transaction|xfs_|xlog_|btrfs_|ext[234]_|f2fs_|dm_|md_|raid|rq_qos|wbt_|balance_dirty|percpu_rwsem_wait|__percpu|sb_start|super_lock|rwsem_|filemap_|sync_|get_request|__getblk|__bread)/;

const SYS_BLOCK: Dir = dirAt("/sys/dev/block");

/**
 * Read the state of a block device.
 *
 * @param number  MAJOR:MINOR
 * @returns `undefined` if no block device has this number
 */
function readDevice(sys: Sys, number: string, mount: MountInfo | null): Device | undefined {
  const link = readOr(undefined, () => sys.readLink(SYS_BLOCK, number));
  if (link === undefined) return undefined;
  const read = (file: string): string => readOr("", () => sys.readRecord(SYS_BLOCK, `${number}/${file}`));
  const inFlight = read("inflight").trim().split(/\s+/);
  // A name may begin or end with a space.
  const mapped = read("dm/name").replace(/\n$/, "");
  return {
    name: mapped === "" ? link.slice(link.lastIndexOf("/") + 1) : mapped,
    number,
    mount,
    waiting: inFlight.reduce((sum, count) => sum + Number(count), 0),
    state: mapped === "" ? null : readMapperState(sys, number),
  };
}

function readMapperState(sys: Sys, number: string): Device["state"] {
  const read = (name: string): string => readOr("", () => sys.readRecord(SYS_BLOCK, `${number}/${name}`)).trim();
  if (read("dm/suspended") === "1") return "suspended";
  if (!read("dm/uuid").startsWith("mpath-")) return null;
  const paths = readOr([], () => sys.readNames(dirIn(SYS_BLOCK, `${number}/slaves`)));
  const stateOf = (name: string) => readOr("", () => sys.readRecord(ROOT, `/sys/class/block/${name}/device/state`));
  return paths.some((name) => ["running", "live", ""].includes(stateOf(name).trim())) ? null : "queueing";
}

/**
 * Find the device that a blocked thread waits for: that of a descriptor in its system call, otherwise one that is
 * suspended or queueing, otherwise one with requests in flight. Devices of open files come first.
 */
export function findDeviceWait(sys: Sys, thread: BlockedThread, { mounts, ownOf }: SeenMounts): Device | undefined {
  const { tid, functions, descriptors } = thread;
  if (!functions.some((name) => WAITS.test(name))) return undefined;
  const byId = new Map(mounts.filter(isOnDevice).map((mount) => [mount.id, mount]));
  const read = (mount: MountInfo) => readDevice(sys, mount.device, ownOf(mount) ?? mount);
  for (const fd of descriptors) {
    const mount = byId.get(mountIdOf(sys, tid, fd) ?? -1);
    const device = mount === undefined ? readDeviceNode(sys, tid, fd) : read(mount);
    if (device !== undefined) return device;
  }
  const inUse = [...readOpenMounts(sys, tid, mounts).ids].flatMap((id) => byId.get(id) ?? []);
  const mountOf = new Map<string, MountInfo>();
  // One mount per device: a host may have thousands of bind mounts of one.
  for (const mount of [...inUse, ...byId.values()]) if (!mountOf.has(mount.device)) mountOf.set(mount.device, mount);
  const devices = [...mountOf.values()].map(read).filter((device) => device !== undefined);
  return devices.find(({ state }) => state !== null) ?? devices.find(({ waiting }) => waiting > 0);
}

/** The device, if the descriptor is one of the device node itself, such as `/dev/sda` or `/dev/dm-0`. */
function readDeviceNode(sys: Sys, tid: number, fd: number): Device | undefined {
  const target = readOr("", () => sys.readLink(PROC, `${tid}/fd/${fd}`));
  if (!target.startsWith("/dev/")) return undefined;
  const name = target.slice(target.lastIndexOf("/") + 1);
  const number = readOr("", () => sys.readRecord(ROOT, `/sys/class/block/${name}/dev`)).trim();
  return number === "" ? undefined : readDevice(sys, number, null);
}
