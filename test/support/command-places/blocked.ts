// The places that print what to do about a process that the kernel blocks. Any user chooses where a FUSE file system is
// mounted.

import { type BlockOptions, createBlockReader } from "../../../src/blocked/find.ts";
import { renderAdvice } from "../../../src/cli/text/render-advice.ts";
import { type FakeBlocked, merged, processFiles, type ProcFiles, procFilesSys } from "../proc-files.ts";
import type { Places } from "./place.ts";

const ROOT = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
const OPTIONS: BlockOptions = { target: "/sys/fs/cgroup/t", mayAbort: false, isInside: () => false };

/** As the kernel escapes a mount point. @see linux: fs/proc_namespace.c, mangle */
const escaped = (name: string): string =>
  name.replace(/[ \t\n\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);

const fuseAt = (name: string): string => `${ROOT}40 20 0:60 / /mnt/${escaped(name)} rw - fuse.sshfs x rw\n`;
const waitsForFuse = (name: string): FakeBlocked => ({
  wchan: "request_wait_answer",
  fds: { 3: ["/mnt/x", 40] },
  mountinfo: fuseAt(name),
});

/** PID 1 is visible, so that /proc hides no process. */
const ALL_SEEN = processFiles({ pid: 1, comm: "init", state: "S", isKilled: false });
const SERVER = processFiles({ pid: 20, state: "S", isKilled: false, comm: "sshfs", fds: { 9: ["/dev/fuse", 20, ""] } });

/** @param own  the mounts that cgkill itself sees */
async function adviceFor(
  given: FakeBlocked,
  own: string,
  more: ProcFiles = { files: {} },
  options = OPTIONS,
): Promise<string> {
  const host = {
    files: { "/proc/self/mountinfo": own, "/proc/self/cgroup": "0::/\n" },
    links: { "/proc/self/ns/pid": "pid:[4026531836]" },
  };
  using reader = createBlockReader(procFilesSys(merged(host, processFiles(given), more)), options);
  const found = await reader.read(given.pid ?? 10);
  if (found === undefined) throw new Error(`not blocked: ${JSON.stringify(given)}`);
  return renderAdvice(found);
}

const mapper = (name: string, more: Readonly<Record<string, string>>): ProcFiles => {
  const facts: Readonly<Record<string, string>> = {
    inflight: "       2        5\n",
    stat: "10 0 0 0 20 0 0 0 7 0 0 0 0 0 0 1 0\n",
    "dm/name": `${name}\n`,
    "dm/uuid": "LVM-abc\n",
    "dm/suspended": "0\n",
    ...more,
  };
  return {
    files: Object.fromEntries(Object.entries(facts).map(([file, text]) => [`/sys/dev/block/253:0/${file}`, text])),
    links: { "/sys/dev/block/253:0": "../../devices/virtual/block/dm-0" },
  };
};
const ON_MAPPER = `${ROOT}50 20 253:0 / /srv rw - xfs /dev/mapper/data rw\n`;
const waitsForDevice: FakeBlocked = { wchan: "io_schedule", mountinfo: ON_MAPPER, fds: { 4: ["/srv/x", 50] } };

const from = ["blocked/advice.ts"];

export const BLOCKED: Places = {
  "a FUSE mount": {
    from,
    text: (name) => adviceFor(waitsForFuse(name), fuseAt(name), SERVER),
    commands: (name) => [["umount", "-f", "--", `/mnt/${name}`]],
  },
  "a FUSE mount of a process with other mounts": {
    from,
    text: (name) => adviceFor(waitsForFuse(name), ROOT, SERVER),
    commands: (name) => [["umount", "-N", "10", "-f", "--", `/mnt/${name}`]],
  },
  "a network mount": {
    from,
    text: (name) => {
      const mountinfo = `${ROOT}30 20 0:50 / /mnt/${escaped(name)} rw - nfs4 nas:/x rw,hard\n`;
      const given = { wchan: "rpc_wait_bit_killable", fds: { 3: ["/mnt/x", 30] }, mountinfo } as const;
      return adviceFor(given, mountinfo);
    },
    commands: (name) => [["umount", "-f", "--", `/mnt/${name}`]],
  },
  "a FUSE connection that no process serves": {
    from,
    text: (name) =>
      adviceFor(waitsForFuse("photos"), fuseAt("photos"), ALL_SEEN, { ...OPTIONS, target: `/sys/fs/cgroup/${name}` }),
    commands: (name) => [
      ["mount", "-t", "fusectl", "none", "/sys/fs/fuse/connections"],
      ["cgkill", "kill", "--abort-fuse", `/sys/fs/cgroup/${name}`],
    ],
  },
  "a suspended device": {
    from,
    text: (name) => adviceFor(waitsForDevice, ON_MAPPER, mapper(name, { "dm/suspended": "1\n" })),
    commands: (name) => [["dmsetup", "resume", "--", name]],
  },
  "a device without a path": {
    from,
    text: (name) => {
      const slave = {
        "/sys/class/block/sdb/device/state": "offline\n",
        "/sys/dev/block/253:0/slaves/sdb": "",
      };
      return adviceFor(
        waitsForDevice,
        ON_MAPPER,
        merged(mapper(name, { "dm/uuid": "mpath-3600\n" }), { files: slave }),
      );
    },
    commands: (name) => [["dmsetup", "message", "--", name, "0", "fail_if_no_path"]],
  },
  "a core dump": {
    from,
    text: () => {
      const handler = processFiles({ pid: 30, comm: "systemd-coredum", ppid: 2, state: "T", isKilled: false });
      const kthreadd = processFiles({ pid: 2, comm: "kthreadd", flags: 0x200000, isKilled: false, state: "S" });
      const files = { "/proc/sys/kernel/core_pattern": "|/usr/lib/systemd/systemd-coredump %P %u\n" };
      const dumping = { state: "S", wchan: "anon_pipe_write", status: "CoreDumping:\t1\n" };
      return adviceFor(dumping, ROOT, merged(handler, kthreadd, { files }));
    },
    commands: () => [["kill", "-KILL", "30"]],
  },
};
