// What a process waits for, in a few words. Not sanitized.

import type { BlockedOn } from "../../blocked/types.ts";

const KINDS: Readonly<Record<BlockedOn["kind"], string>> = {
  fuse: "waits for FUSE",
  nfs: "waits for the network file system",
  block: "waits for the device",
  "core-dump": "writes its core dump",
  vfork: "waits for its child",
  memory: "returns its memory",
};

/** `waits for FUSE /mnt/photos, server sshfs (812) stopped` */
export function blockedText({ kind, mount, connection, device, server }: BlockedOn): string {
  const object = device ?? mount ?? (connection === null ? "" : `connection ${connection}`);
  const words = object === "" ? KINDS[kind] : `${KINDS[kind]} ${object}`;
  if (server === null) return words;
  const { pid, comm, state } = server;
  return `${words}, ${kind === "fuse" ? "server " : ""}${comm ?? "pid"} (${pid}) ${state}`;
}
