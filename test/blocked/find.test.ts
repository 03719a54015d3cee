// What blocks a process, on hosts that cannot be staged here: network file systems, device mapper, kernels without
// fuse_connection, missing capabilities, hostile names. Files that may hang must not be read.

import { describe, expect, test } from "bun:test";

import { type BlockOptions, createBlockReader } from "../../src/blocked/find.ts";
import type { Finding } from "../../src/blocked/types.ts";
import { quote } from "../../src/cli/text/quote.ts";
import { type FakeBlocked, merged, processFiles, type ProcFiles, procFilesSys } from "../support/proc-files.ts";

const ROOT = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
const NFS = "30 20 0:50 / /home rw shared:1 - nfs4 nas:/export/home rw,vers=4.2,hard,proto=tcp\n";
const CIFS = "31 20 0:51 / /win rw - cifs //win/share rw,soft\n";
const FUSE = "40 20 0:60 / /mnt/photos rw - fuse.sshfs me@host: rw,user_id=0,group_id=0\n";
const SECOND = "41 20 0:61 / /mnt/second rw - fuse.rclone drive: rw\n";
const HOST: ProcFiles = {
  files: { "/proc/self/mountinfo": ROOT + NFS + CIFS + FUSE, "/proc/self/cgroup": "0::/\n" },
  links: { "/proc/self/ns/pid": "pid:[4026531836]" },
};
const OPTIONS: BlockOptions = { target: "/sys/fs/cgroup/t", mayAbort: false, isInside: () => false };

async function find(
  given: FakeBlocked,
  more: ProcFiles = { files: {} },
  options = OPTIONS,
): Promise<Finding | undefined> {
  const mountinfo = given.mountinfo ?? ROOT + NFS + CIFS + FUSE;
  const sys = procFilesSys(merged(HOST, processFiles({ ...given, mountinfo }), more));
  using reader = createBlockReader(sys, options);
  return await reader.read(given.pid ?? 10);
}

describe("network file systems", () => {
  test("the descriptor of the system call is on NFS: server, export, options and command are reported", async () => {
    const found = await find({
      wchan: "rpc_wait_bit_killable",
      syscall: "0 0x3 0x7f0000 0x1000 0x0 0x0 0x0 0x7ffd 0x7f",
      fds: { 0: ["/dev/null", 20], 3: ["/home/a/b", 30] },
    });
    expect(found).toMatchObject({
      blockedOn: { kind: "nfs", mount: "/home", source: "nas:/export/home", connection: null, server: null },
      commands: [["umount", "-f", "--", "/home"]],
    });
    expect(found?.hint).toContain("the server of /home, nas:/export/home (nfs4, hard)");
  });

  test("in a generic wait, the only network mount with an open file is reported", async () => {
    const found = await find({ wchan: "folio_wait_bit_common", fds: { 5: ["/win/x", 31] } });
    expect(found).toMatchObject({ blockedOn: { kind: "nfs", mount: "/win", source: "//win/share" } });
    expect(found?.hint).toContain("(cifs, soft)");
  });

  test("two network mounts and no open file on either: only the kind is reported", async () => {
    const found = await find({ wchan: "rpc_wait_bit_killable" });
    expect(found).toMatchObject({ blockedOn: { kind: "nfs", mount: null }, commands: [] });
  });

  // Regression: the command unmounted the second one, which works.
  test("the server was mounted a second time at the same place: no command unmounts that", async () => {
    const mountinfo = `${ROOT}${NFS}32 30 0:52 / /home rw - nfs4 other:/export/home rw,hard\n`;
    const given = { wchan: "nfs_wait_bit_killable", mountinfo, fds: { 3: ["/home/x", 30] } } as const;
    const seenHere: ProcFiles = { files: { "/proc/self/mountinfo": mountinfo } };
    for (const more of [seenHere, { files: { "/proc/self/mountinfo": ROOT } }]) {
      const found = await find(given, more);
      expect(found).toMatchObject({ blockedOn: { mount: "/home", source: "nas:/export/home" }, commands: [] });
      expect(found?.hint).toEndWith("(nfs4, hard): another mount covers it and has to be unmounted first");
    }
    const onTop = await find({ ...given, fds: { 3: ["/home/x", 32] } }, seenHere);
    expect(onTop?.commands).toEqual([["umount", "-f", "--", "/home"]]);
  });

  test("a mount that only the namespace of the process has is unmounted there", async () => {
    const mountinfo = `${ROOT}77 20 0:99 / /data rw - nfs nas:/data rw,hard\n`;
    const found = await find({ wchan: "nfs_wait_bit_killable", mountinfo, fds: { 3: ["/data/x", 77] } });
    expect(found?.commands).toEqual([["umount", "-N", "10", "-f", "--", "/data"]]);
  });
});

/** @param more  files of /sys/dev/block/253:0 */
const mapper = (more: Readonly<Record<string, string>>): ProcFiles => ({
  files: {
    "/sys/dev/block/253:0/inflight": "       2        5\n",
    "/sys/dev/block/253:0/dm/name": "-data vg\n",
    "/sys/dev/block/253:0/dm/uuid": "LVM-abc\n",
    "/sys/dev/block/253:0/dm/suspended": "0\n",
    ...Object.fromEntries(Object.entries(more).map(([name, text]) => [`/sys/dev/block/253:0/${name}`, text])),
  },
  links: { "/sys/dev/block/253:0": "../../devices/virtual/block/dm-0" },
});
const ON_MAPPER = `${ROOT}50 20 253:0 / /srv rw - xfs /dev/mapper/data rw\n`;

describe("block devices", () => {
  test("a suspended device is reported with its requests, and a name cannot change the command", async () => {
    const given = { wchan: "io_schedule", mountinfo: ON_MAPPER, fds: { 4: ["/srv/x", 50] } } as const;
    const found = await find(given, mapper({ "dm/suspended": "1\n" }));
    expect(found).toMatchObject({
      blockedOn: { kind: "block", mount: "/srv", device: "-data vg", waiting: 7, server: null },
      commands: [["dmsetup", "resume", "--", "-data vg"]],
    });
    expect(found?.hint).toContain("it is suspended");
  });

  test("multipath without a path is reported as queueing", async () => {
    const given = { wchan: "io_schedule", mountinfo: ON_MAPPER, fds: { 4: ["/srv/x", 50] } } as const;
    const paths: ProcFiles = {
      files: {
        "/sys/class/block/sdb/device/state": "offline\n",
        "/sys/class/block/sdc/device/state": "transport-offline\n",
        "/sys/dev/block/253:0/slaves/sdb": "",
        "/sys/dev/block/253:0/slaves/sdc": "",
      },
    };
    const found = await find(given, merged(mapper({ "dm/uuid": "mpath-3600\n" }), paths));
    expect(found?.hint).toContain("it has no path left and queues requests");
    expect(found?.commands).toEqual([["dmsetup", "message", "--", "-data vg", "0", "fail_if_no_path"]]);
  });

  test("a device that is merely slow is reported without a command", async () => {
    const given = { wchan: "io_schedule", mountinfo: ON_MAPPER, fds: { 4: ["/srv/x", 50] } } as const;
    expect(await find(given, mapper({}))).toMatchObject({ blockedOn: { kind: "block", waiting: 7 }, commands: [] });
  });

  test("nothing in flight on any device: nothing is reported", async () => {
    expect(await find({ wchan: "io_schedule", mountinfo: ROOT })).toBeUndefined();
  });
});

// Regression: each of 8,000 bind mounts of one device cost five reads, 0.3 s for every thread that waits.
test("a device with a thousand bind mounts is read once", async () => {
  const binds = Array.from({ length: 1000 }, (_, at) => `${100 + at} 20 253:0 /${at} /m${at} rw - xfs /dev/x rw\n`);
  const mountinfo = ON_MAPPER + binds.join("");
  const sys = procFilesSys(merged(HOST, processFiles({ wchan: "io_schedule", mountinfo }), mapper({})));
  let reads = 0;
  const counting = {
    ...sys,
    readLink: (...given: Parameters<typeof sys.readLink>) => (reads++, sys.readLink(...given)),
  };
  using reader = createBlockReader(counting, OPTIONS);
  expect(await reader.read(10)).toMatchObject({ blockedOn: { kind: "block", mount: "/srv" } });
  expect(reads).toBeLessThan(10);
});

/** PID 1 is visible, so that /proc hides no process. */
const ALL_SEEN = processFiles({ pid: 1, comm: "init", state: "S", isKilled: false });

const server = (pid: number, given: Partial<FakeBlocked> = {}, more = ""): ProcFiles =>
  processFiles({ pid, state: "S", isKilled: false, comm: `srv${pid}`, fds: { 9: ["/dev/fuse", 20, more] }, ...given });

describe("FUSE without fuse_connection in fdinfo, before Linux 6.16", () => {
  const waits = { wchan: "request_wait_answer", fds: { 3: ["/mnt/photos/x", 40] } } as const;

  test("the only process that has /dev/fuse open is the server", async () => {
    expect(await find(waits, server(20))).toMatchObject({
      blockedOn: { connection: 60, mount: "/mnt/photos", server: { pid: 20, comm: "srv20", state: "alive" } },
      commands: [["umount", "-f", "--", "/mnt/photos"]],
    });
  });

  test("two processes have it open: no server is named, and --abort-fuse is not suggested", async () => {
    const found = await find(waits, merged(server(20, { state: "T" }), server(21)));
    expect(found?.blockedOn).toMatchObject({ connection: 60, server: null });
    expect(found?.hint).toContain("its server could not be found");
    expect(found?.commands).toEqual([["umount", "-f", "--", "/mnt/photos"]]);
  });

  test("two processes have it open and both are stopped: --abort-fuse is suggested", async () => {
    const found = await find(waits, merged(server(20, { state: "T" }), server(21, { state: "T" })));
    expect(found?.commands.at(-1)).toEqual(["cgkill", "kill", "--abort-fuse", "/sys/fs/cgroup/t"]);
  });
});

describe("FUSE", () => {
  const waits = { wchan: "request_wait_answer", fds: { 3: ["/mnt/photos/x", 40] } } as const;

  test("a server in a tracing stop is alive: strace stops it only for moments", async () => {
    const found = await find(waits, server(20, { state: "t" }, "fuse_connection:\t60\n"));
    expect(found?.blockedOn.server).toEqual({ pid: 20, comm: "srv20", state: "alive" });
  });

  test("a stopped server and a second holder alive outside the target: --abort-fuse is not suggested", async () => {
    const line = "fuse_connection:\t60\n";
    const found = await find(waits, merged(server(20, { state: "T" }, line), server(21, {}, line)));
    expect(found?.blockedOn.server).toMatchObject({ pid: 21, state: "alive" });
    expect(found?.commands).toEqual([["umount", "-f", "--", "/mnt/photos"]]);
  });

  test("a stopped server and a second holder alive inside the target: --abort-fuse is suggested", async () => {
    const line = "fuse_connection:\t60\n";
    const more = merged(server(20, { state: "T" }, line), server(21, {}, line));
    const found = await find(waits, more, { ...OPTIONS, isInside: (pid) => pid === 21 });
    expect(found?.commands.at(-1)?.slice(0, 3)).toEqual(["cgkill", "kill", "--abort-fuse"]);
  });

  test("a descriptor swapped for one on another file system does not change the result", async () => {
    const given = {
      wchan: "request_wait_answer",
      syscall: "0 0x3 0x0 0x0 0x0 0x0 0x0 0x0 0x0",
      fds: { 3: ["/home/x", 30] },
    };
    expect(
      await find({ ...given, fds: { 3: ["/home/x", 30] } }, server(20, {}, "fuse_connection:\t60\n")),
    ).toMatchObject({
      blockedOn: { kind: "fuse", connection: 60 },
    });
  });

  test("two FUSE mounts and no descriptor on either: only the kind is reported, without a command", async () => {
    const found = await find({ wchan: "request_wait_answer", mountinfo: ROOT + FUSE + SECOND });
    expect(found).toMatchObject({ blockedOn: { kind: "fuse", connection: null, mount: null }, commands: [] });
  });

  test("on fuseblk, the connection has the number of the device", async () => {
    const mountinfo = `${ROOT}42 20 8:17 / /usb rw - fuseblk /dev/sdb1 rw\n`;
    const found = await find({ wchan: "request_wait_answer", mountinfo, fds: { 3: ["/usb/x", 42] } });
    expect(found?.blockedOn).toMatchObject({ connection: 8 * 2 ** 20 + 17, mount: "/usb" });
  });

  test("a hostile mount point cannot become an option, and with a newline no command is printed", async () => {
    const mountinfo = `${ROOT}42 20 0:70 / /mnt/-rf\\040\\044(reboot);\\012x rw - fuse.x y rw\n`;
    const found = await find({ wchan: "request_wait_answer", mountinfo, fds: { 3: ["/mnt/x", 42] } }, server(20));
    const [command = []] = found?.commands ?? [];
    expect(command.slice(-2)).toEqual(["--", "/mnt/-rf $(reboot);\nx"]);
    // No quoting of a newline works in every shell: then no command is printed.
    expect(quote(command)).toBeUndefined();
  });
});

describe("a search for a server that finds none", () => {
  const waits = { wchan: "request_wait_answer", fds: { 3: ["/mnt/photos/x", 40] } } as const;
  const umount = [["umount", "-f", "--", "/mnt/photos"]];

  test("every process was inspected: --abort-fuse is suggested", async () => {
    const found = await find(waits, ALL_SEEN);
    expect(found?.commands.at(-1)?.slice(0, 3)).toEqual(["cgkill", "kill", "--abort-fuse"]);
    expect(found?.hint).toContain("no process serves it any more");
  });

  test("the descriptors of one process are hidden, without CAP_SYS_PTRACE: only umount is suggested", async () => {
    const hidden = processFiles({ pid: 20, state: "S", isKilled: false });
    const links = { "/proc/20/fd/9": { errno: "EACCES" } };
    expect((await find(waits, merged(ALL_SEEN, hidden, { files: {}, links })))?.commands).toEqual(umount);
  });

  test("with hidepid, or in a pid namespace of our own: only umount is suggested", async () => {
    expect((await find(waits))?.commands).toEqual(umount);
    const inside = { files: {}, links: { "/proc/self/ns/pid": "pid:[4026532000]" } };
    expect((await find(waits, merged(ALL_SEEN, inside)))?.commands).toEqual(umount);
  });

  test("with --abort-fuse, but without fusectl: the first command mounts it", async () => {
    const found = await find(waits, ALL_SEEN, { ...OPTIONS, mayAbort: true });
    expect(found?.commands).toEqual([
      ["mount", "-t", "fusectl", "none", "/sys/fs/fuse/connections"],
      ["cgkill", "kill", "--abort-fuse", "/sys/fs/cgroup/t"],
    ]);
  });

  test("virtiofs, which the host of a virtual machine serves: --abort-fuse is never suggested", async () => {
    const mountinfo = `${ROOT}44 20 0:62 / /shared rw - virtiofs tag rw\n`;
    const found = await find({ wchan: "request_wait_answer", mountinfo, fds: { 3: ["/shared/x", 44] } }, ALL_SEEN);
    expect(found).toMatchObject({ blockedOn: { kind: "fuse", connection: 62, server: null } });
    expect(found?.commands.flat()).not.toContain("--abort-fuse");
  });

  test("a hundred thousand mounts are not parsed", async () => {
    const mountinfo = ROOT + FUSE + "99 20 0:98 / /x rw - tmpfs x rw\n".repeat(100_000);
    const start = performance.now();
    expect(await find({ ...waits, mountinfo }, ALL_SEEN)).toMatchObject({ blockedOn: { connection: 60 } });
    expect(performance.now() - start).toBeLessThan(300);
  });
});

test("no file is read that an exec may block, nor the stack of a process that was not killed", async () => {
  const exec: FakeBlocked = {
    ...{ state: "S", statm: "1 1 0 0 0 1 0\n", wchan: "never", syscall: "never", stack: "never" },
    fds: { 3: ["never" as string, 40] },
  };
  expect(await find({ ...exec, mountinfo: ROOT + FUSE })).toMatchObject({
    blockedOn: { kind: "fuse", connection: 60 },
  });
  const reading: FakeBlocked = { wchan: "request_wait_answer", syscall: "never", stack: "never", isKilled: false };
  expect(await find({ ...reading, fds: { 3: ["/mnt/photos/x", 40] } })).toMatchObject({
    blockedOn: { connection: 60 },
  });
});

test("the fdinfo of an epoll descriptor or a graphics device is not read", async () => {
  const fds = { 3: ["anon_inode:[eventpoll]"], 4: ["/dev/dri/card0"], 5: ["/mnt/photos/x", 40] } as const;
  const more: ProcFiles = { files: { "/proc/10/fdinfo/3": "never", "/proc/10/fdinfo/4": "never" } };
  expect(await find({ wchan: "request_wait_answer", fds }, more)).toMatchObject({ blockedOn: { connection: 60 } });
  // Regression: a graphics device in the arguments of the system call was read.
  const syscall = "16 0x4 0x3 0x0 0x0 0x0 0x0 0x7ffd 0x7f";
  expect(await find({ wchan: "request_wait_answer", fds, syscall }, more)).toMatchObject({
    blockedOn: { connection: 60 },
  });
});

describe("processes that must act", () => {
  test("a core dump names the handler that the kernel started", async () => {
    const handler = processFiles({ pid: 30, comm: "systemd-coredum", ppid: 2, state: "T", isKilled: false });
    const pattern = { "/proc/sys/kernel/core_pattern": "|/usr/lib/systemd/systemd-coredump %P %u\n" };
    const kthreadd = processFiles({ pid: 2, comm: "kthreadd", flags: 0x200000, isKilled: false, state: "S" });
    const dumping = { state: "S", wchan: "anon_pipe_write", status: "CoreDumping:\t1\n" };
    const found = await find(dumping, merged(handler, kthreadd, { files: pattern }));
    expect(found).toMatchObject({
      blockedOn: { kind: "core-dump", server: { pid: 30, comm: "systemd-coredum", state: "stopped" } },
      commands: [["kill", "-KILL", "30"]],
    });
  });

  test("two dumps at once, or one that goes to a file: no handler is named", async () => {
    const dumping = { state: "S", wchan: "anon_pipe_write", status: "CoreDumping:\t1\n" };
    const two = [30, 31].map((pid) => processFiles({ pid, comm: "h", ppid: 0, isKilled: false, state: "S" }));
    const pattern = { "/proc/sys/kernel/core_pattern": "|/h %P\n" };
    const found = await find(dumping, merged(...two, { files: pattern }));
    expect(found).toMatchObject({ blockedOn: { kind: "core-dump", server: null }, commands: [] });
    const file = { files: { "/proc/sys/kernel/core_pattern": "core\n" } };
    expect(await find(dumping, file)).toMatchObject({ blockedOn: { kind: "core-dump", server: null }, commands: [] });
  });

  test("a process with the name of the handler, but started by another process, is not named", async () => {
    const dumping = { state: "S", wchan: "anon_pipe_write", status: "CoreDumping:\t1\n" };
    const impostor = processFiles({ pid: 30, comm: "h", ppid: 10, isKilled: false, state: "S" });
    const found = await find(dumping, merged(impostor, { files: { "/proc/sys/kernel/core_pattern": "|/h\n" } }));
    expect(found).toMatchObject({ blockedOn: { server: null }, commands: [] });
  });
});
