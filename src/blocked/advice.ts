// What an operator can do about a blocked process, as hints and commands.

import { cgkillCommand, type Command } from "../advice.ts";
import type { MountInfo } from "../cgroup/open/mountinfo.ts";
import type { Pid } from "../sys/sys.ts";
import type { Device } from "./device.ts";
import type { FuseWait, Service } from "./fuse/wait.ts";
import type { Release } from "./memory.ts";
import type { Finding, Server } from "./types.ts";

/** What the hints depend on: the target and an option of the call. */
export interface AdviceContext {
  /** The target of the kill; `null` if nothing is being killed. */
  readonly target: string | null;
  /** `true` with --abort-fuse. */
  readonly mayAbort: boolean;
}

export type Text = Pick<Finding, "hint" | "commands">;

const nameOf = ({ comm, pid }: Server): string => (comm === null ? `pid ${pid}` : `${comm}, pid ${pid}`);
const plainText = (hint: string): Text => ({ hint, commands: [] });
const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** How a mount can be reached. */
export interface Reach {
  /** A process to enter the mount namespace of; `null` if the mount is in ours. */
  readonly enterMountsOf: Pid | null;
  /** An unmount would take another mount, which covers it. */
  readonly isCovered: boolean;
}

/**
 * Not with nsenter, which would run the program that is called umount in that namespace, as root of this host: any user can
 * mount another one there.
 */
function unmount(what: string, { point }: MountInfo, { enterMountsOf, isCovered }: Reach, effect: string): Text {
  if (isCovered) return plainText(`${what}: another mount covers it and has to be unmounted first`);
  const where = enterMountsOf === null ? [] : ["-N", String(enterMountsOf)];
  return { hint: `${what}: a forced unmount ${effect}`, commands: [["umount", ...where, "-f", "--", point]] };
}

/** What is known about a process that waits for a FUSE server. */
interface FuseFacts extends Service, FuseWait, Reach {
  /** Requests without an answer; `null` if that cannot be read. */
  readonly waiting: number | null;
  /** Whether fusectl is mounted. Without it, no connection can be aborted. */
  readonly isFusectlMounted: boolean;
}

/** For a host on which fusectl is not mounted. */
const MOUNT_FUSECTL: Command = ["mount", "-t", "fusectl", "none", "/sys/fs/fuse/connections"];

/** Suggest `--abort-fuse` if no process can answer any more and this kill did not try it; otherwise `umount -f`. */
export function fuseAdvice(facts: FuseFacts, { target, mayAbort }: AdviceContext): Text {
  const { connection, mount, waiting, server, isOver, isFusectlMounted } = facts;
  if (connection === null) return plainText("waits for an unknown FUSE server: check the FUSE mounts that it uses");
  const where = mount === null ? "" : ` of ${mount.point}`;
  const count = waiting === null ? "" : `, ${counted(waiting, "request")} waiting`;
  const what = `waits for the FUSE server${where}, connection ${connection}${count}`;
  const who =
    server === null
      ? isOver
        ? "no process serves it any more"
        : "its server could not be found"
      : `its server, ${nameOf(server)}, is ${server.state}`;
  if (isOver && target !== null && !(mayAbort && isFusectlMounted)) {
    const abort = cgkillCommand(["kill", "--abort-fuse"], target);
    const commands = isFusectlMounted ? [abort] : [MOUNT_FUSECTL, abort];
    return { hint: `${what}; ${who}: abort the connection, which disables the file system for all users`, commands };
  }
  const all = `${what}; ${who}${mayAbort && !isOver ? ", so it was not aborted" : ""}`;
  const effect = "takes it away from all users";
  return mount === null ? plainText(`${all}: a forced unmount ${effect}`) : unmount(all, mount, facts, effect);
}

export function networkAdvice(mount: MountInfo | null, reach: Reach): Text {
  if (mount === null) return plainText("waits for a network file system: check the network mounts that it uses");
  const { point, source, fsType, superOptions } = mount;
  const kind = superOptions.find((word) => word === "hard" || word === "soft");
  const type = kind === undefined ? fsType : `${fsType}, ${kind}`;
  return unmount(`waits for the server of ${point}, ${source} (${type})`, mount, reach, "makes its calls fail");
}

export function deviceAdvice({ name, mount, waiting, state }: Device): Text {
  const where = mount === null ? "" : `, mounted at ${mount.point}`;
  const what = `waits for the block device ${name}${where}, ${counted(waiting, "request")} in flight`;
  if (state === "suspended") {
    return { hint: `${what}; it is suspended: resume it`, commands: [["dmsetup", "resume", "--", name]] };
  }
  if (state === "queueing") {
    const hint = `${what}; it has no path left and queues requests: restore a path, or let the requests fail`;
    return { hint, commands: [["dmsetup", "message", "--", name, "0", "fail_if_no_path"]] };
  }
  return plainText(`${what}: it dies when the device answers or fails`);
}

export function vforkAdvice(child: Server | null): Text {
  const which = child === null ? "its child" : `its child, ${nameOf(child)}, which is ${child.state},`;
  return plainText(`waits in vfork until ${which} executes a program or exits`);
}

export function dumpAdvice(handler: Server | null): Text {
  const text = "it dies when its core dump is written: give it more time, --timeout 1m";
  if (handler === null) return plainText(text);
  const hint = `${text}, or kill the program that reads it, ${nameOf(handler)}, which is ${handler.state}`;
  return { hint, commands: [["kill", "-KILL", String(handler.pid)]] };
}

const [MIB, GIB] = [2 ** 20, 2 ** 30];
const inUnits = (bytes: number): string =>
  bytes < GIB ? `${Math.ceil(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`;

export function memoryAdvice({ leftBytes, bytesPerSecond }: Release): Text {
  const left = leftBytes === null ? "" : `: ${inUnits(leftBytes)} left`;
  const speed = bytesPerSecond === null ? "" : `, ${inUnits(bytesPerSecond)} per second`;
  const isKnown = leftBytes !== null && bytesPerSecond !== null;
  const rest = isKnown ? `, about ${Math.ceil(leftBytes / bytesPerSecond)} s more` : "";
  return plainText(`it is releasing its memory${left}${speed}${rest}: give it more time, --timeout 1m`);
}
