// LXC with a container of the host's own programs.

import { mkdirSync, writeFileSync } from "node:fs";

import { SYSTEM } from "../../../test/support/containers.ts";
import { mountPoint, until } from "../../../test/support/real-cgroup.ts";
import { type Case, expectThat, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

export const lxc: Case = {
  client: "LXC",
  programs: ["lxc-start", "lxc-info"],
  packages: "lxc",
  async run(stage: Stage) {
    const { scratch, name } = stage;
    const rootfs = `${scratch}/${name}/rootfs`;
    mkdirSync(rootfs, { recursive: true });
    for (const dir of [...SYSTEM, "/proc", "/dev", "/sys"]) mkdirSync(`${rootfs}${dir}`, { recursive: true });
    writeFileSync(`${rootfs}/runaway`, `#!/bin/sh\n${RUNAWAY}\n`, { mode: 0o755 });
    const mounts = SYSTEM.map((dir) => `lxc.mount.entry = ${dir} ${dir.slice(1)} none rbind,ro 0 0`);
    const conf = [`lxc.uts.name = ${name}`, `lxc.rootfs.path = dir:${rootfs}`, "lxc.apparmor.profile = unconfined"];
    const more = ["lxc.init.cmd = /runaway", "lxc.net.0.type = empty", "lxc.autodev = 1", "lxc.mount.auto = proc:rw"];
    writeFileSync(`${scratch}/${name}/config`, [...conf, ...more, ...mounts, ""].join("\n"));
    const at = ["-P", scratch, "-n", name];
    stage.undo(() => void stage.run(["lxc-stop", "-k", ...at]));
    stage.must(["lxc-start", ...at, "-l", "DEBUG", "-o", `${scratch}/lxc.log`]);
    const dir = `lxc.payload.${name}`;
    await untilRunaway(`${mountPoint("v1")}/${dir}`);
    const label = stage.label(`/${dir}`).replace(name, "NAME");
    const { killed, restart, stop } = await stage.killByName(name, 51);
    const state = (): string => stage.run(["lxc-info", ...at, "-s", "-H"]).stdout.trim();
    await until("LXC to report STOPPED", () => state() === "STOPPED");
    expectThat(stop.join(" ") === `lxc-stop -n ${name}`, "the command to stop it", stop);
    return { label, killed, says: "`lxc-info`: STOPPED", restart };
  },
};
