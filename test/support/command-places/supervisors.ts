// The places that print the command which stops a supervisor: by the label of the cgroup, and by the program that started
// its processes.

import { afterAll } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { renderCommand } from "../../../src/cli/text/render-advice.ts";
import { findStopCommand } from "../../../src/restart/supervisors.ts";
import { encodeText } from "../../../src/sys/bytes.ts";
import { ROOT } from "../../../src/sys/dir.ts";
import { hostSys } from "../../../src/sys/host.ts";
import type { Sys } from "../../../src/sys/sys.ts";
import { FakeKernel } from "../fake-kernel/fake-kernel.ts";
import { merged, processFiles, procFilesSys } from "../proc-files.ts";
import { endOfOptions, type Place, type Places, run, V2 } from "./place.ts";

const TASK = "0123456789abcdef0123456789abcdef";
const MANAGER = "user.slice/user-1000.slice/user@1000.service";

/** `show` of a cgroup with a label. */
function labelled(path: (name: string) => string, commands: Place["commands"], file: string): Place {
  return {
    from: [`label/${file}`, "label/types.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", path(name));
      return run(kernel, ["show", `${V2}/${path(name)}`]);
    },
    commands,
  };
}

/** The names that systemd gives to units. */
const isUnit = (name: string): boolean => /^[A-Za-z0-9:.\\@-][A-Za-z0-9:_.\\@-]*$/.test(name);

export const LABELS: Places = {
  "the supervisor, in show": labelled(
    (name) => `lxc/${name}`,
    (name) => [["lxc-stop", "-n", name]],
    "containers.ts",
  ),
  "the supervisor, after a kill": {
    from: ["label/jobs.ts"],
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.addProcess({ group: kernel.makeGroup("v2", `ecs/${name}/${TASK}`), which: "v2" });
      return run(kernel, ["kill", `${V2}/ecs/${name}/${TASK}`]);
    },
    commands: (name) => [["aws", "ecs", "stop-task", `--cluster=${name}`, "--task", TASK]],
  },
  "a container in a container": labelled(
    (name) => `lxc/${name}/lxc/inner`,
    (name) => [["lxc-attach", "-n", name, "--", "lxc-stop", "-n", "inner"]],
    "containers.ts",
  ),
  "a container of a user": labelled(
    (name) => `${MANAGER}/lxc.payload.${name}`,
    (name) => [["sudo", "-u", "#1000", "lxc-stop", "-n", name]],
    "containers.ts",
  ),
  "a virtual machine": labelled(
    (name) => `machine/${name}.libvirt-qemu`,
    (name) => [["virsh", "shutdown", "--domain", name]],
    "containers.ts",
  ),
  "a unit": {
    ...labelled(
      (name) => `system.slice/${name}.service`,
      (name) => [["systemctl", "stop", ...endOfOptions(`${name}.service`), `${name}.service`]],
      "units.ts",
    ),
    canBeNamed: isUnit,
  },
  "a unit of a user": {
    ...labelled(
      (name) => `${MANAGER}/${name}.mount`,
      (name) => [["systemctl", "--user", "-M", "1000@", "stop", ...endOfOptions(`${name}.mount`), `${name}.mount`]],
      "units.ts",
    ),
    canBeNamed: isUnit,
  },
};

/** A directory on the real file system, because it is checked who may change it. */
const SCRATCH = mkdtempSync(`${tmpdir()}/cgkill-test-`);
chmodSync(SCRATCH, 0o755);
afterAll(() => rmSync(SCRATCH, { recursive: true, force: true }));
const bytesOf = (path: string): Buffer => Buffer.from(encodeText(path));

/** The host with one more process: a supervisor, whose program is in `SCRATCH`. */
function supervisedSys(comm: string, args: readonly string[], cwd: string): Sys {
  const real = hostSys();
  writeFileSync(`${SCRATCH}/${args[0]}`, "", { mode: 0o755 });
  const uid = `Uid:\t${real.uid}\t${real.uid}\t${real.uid}\t${real.uid}\n`;
  const facts = processFiles({ pid: 30, comm, state: "S", isKilled: false, status: uid });
  const status = (facts.files["/proc/30/status"] as string).replace("Uid:\t0\t0\t0\t0\n", "");
  const links = { exe: `${SCRATCH}/${args[0]}`, cwd, "ns/mnt": "mnt:[1]", root: "/" };
  const more = {
    files: {
      "/proc/30/status": status,
      "/proc/30/cmdline": `${args.join("\0")}\0`,
      "/proc/self/mountinfo": "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
    },
    links: {
      ...Object.fromEntries(Object.entries(links).map(([name, target]) => [`/proc/30/${name}`, target])),
      "/proc/self/ns/mnt": "mnt:[1]",
      "/proc/self/root": "/",
    },
  };
  const table = procFilesSys(merged(facts, more));
  return {
    ...table,
    openDir: (dir, path) => real.openDir(dir, path),
    readFile: (dir, name) => (dir === ROOT ? real.readFile(dir, name) : table.readFile(dir, name)),
    readNames: (dir) => real.readNames(dir),
  };
}

function stopText(comm: string, args: readonly string[], cwd = SCRATCH, started = "web"): string {
  const stop = findStopCommand(supervisedSys(comm, args, cwd), comm, 30, started);
  if (stop === null) throw new Error(`${comm}: no command for ${JSON.stringify([args, cwd])}`);
  return renderCommand(stop);
}

function directoryOf(name: string): string {
  const path = `${SCRATCH}/${name}`;
  mkdirSync(bytesOf(path), { recursive: true, mode: 0o755 });
  return path;
}

/** A directory that a service can be in: the file system allows more, but then no command is made. */
const canBeDirectory = (name: string): boolean => !name.includes("\n");
/** The names of services that are put into a command. */
const isPlain = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._@+-]*$/.test(name);

const from = ["restart/supervisors.ts"];

export const PROGRAMS: Places = {
  runit: {
    from,
    text: (name) => stopText("runsv", ["runsv", "web"], directoryOf(name)),
    commands: (name) => [["sv", "down", `${SCRATCH}/${name}`]],
    canBeNamed: canBeDirectory,
  },
  s6: {
    from,
    text: (name) => stopText("s6-supervise", ["s6-supervise", "web"], directoryOf(name)),
    commands: (name) => [["s6-svc", "-d", `${SCRATCH}/${name}`]],
    canBeNamed: canBeDirectory,
  },
  openrc: {
    from,
    text: (name) => stopText("supervise-daemo", ["supervise-daemon", name]),
    commands: (name) => [["rc-service", name, "stop"]],
    canBeNamed: isPlain,
  },
  "supervisord, with a configuration anywhere": {
    from,
    text: (name) => {
      const config = `${directoryOf(`etc-${name}`)}/x.conf`;
      writeFileSync(bytesOf(config), "[program:web]\ncommand=/usr/bin/web\n", { mode: 0o644 });
      return stopText("supervisord", ["supervisord", "-c", config]);
    },
    commands: (name) => [["supervisorctl", "-c", `${SCRATCH}/etc-${name}/x.conf`, "stop", "web"]],
    canBeNamed: canBeDirectory,
  },
  "supervisord, a program of any name": {
    from,
    text: (name) => {
      const config = `${SCRATCH}/x.conf`;
      writeFileSync(config, `[program:${name}]\ncommand=/usr/bin/web\nnumprocs=2\n`, { mode: 0o644 });
      return stopText("supervisord", ["supervisord", "-c", config]);
    },
    commands: (name) => [["supervisorctl", "-c", `${SCRATCH}/x.conf`, "stop", `${name}:*`]],
    canBeNamed: isPlain,
  },
};
