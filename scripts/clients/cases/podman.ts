// Podman with its storage, locks and settings in the scratch directory.

import { mkdirSync, writeFileSync } from "node:fs";

import { SYSTEM } from "../../../test/support/containers.ts";
import { mountPoint } from "../../../test/support/real-cgroup.ts";
import { type Case, expectThat, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

const CONF = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
log_driver = "none"
netns = "none"
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
`;

export const podman: Case = {
  client: "Podman",
  programs: ["podman", "conmon", "runc"],
  packages: "podman conmon runc",
  async run(stage: Stage) {
    const { scratch } = stage;
    mkdirSync(`${scratch}/rootfs`);
    writeFileSync(`${scratch}/containers.conf`, CONF);
    const places = ["root", "runroot", "tmpdir"].map((word) => `--${word}=${scratch}/${word}`);
    const argv = ["env", `CONTAINERS_CONF=${scratch}/containers.conf`, "podman", "--storage-driver=vfs", ...places];
    stage.undo(() => void stage.run([...argv, "rm", "--force", "--all", "--time=0"]));
    const volumes = SYSTEM.map((dir) => `--volume=${dir}:${dir}:ro`);
    const run = [
      "run",
      "-d",
      "--name=web",
      `--cgroup-parent=/${stage.name}`,
      ...volumes,
      "--rootfs",
      `${scratch}/rootfs`,
    ];
    const start = `exec "$@" >${scratch}/id 2>${scratch}/log`;
    stage.must(["sh", "-c", start, "sh", ...argv, ...run, "sh", "-c", RUNAWAY]);
    const id = (await Bun.file(`${scratch}/id`).text()).trim();
    await untilRunaway(`${mountPoint("v1")}/${stage.name}/libpod-${id}`);
    const label = stage.label(`/${stage.name}/libpod-${id}`).replace(id.slice(0, 12), "ID");
    const byName = stage.cgkill("kill", "--name", "a-web-that-is-a-name");
    expectThat(byName.stderr.includes("give its id"), "a container's name is explained", byName.stderr);
    const { killed, restart, stop } = await stage.killByName(id.slice(0, 12), 51);
    const status = stage.must([...argv, "wait", "web"]).trim();
    expectThat(status === "137", "podman wait", status);
    expectThat(stage.must([...argv, "ps", "-q"]) === "", "podman ps", "it still runs");
    expectThat(stop[0] === "podman", "the command to stop it", stop);
    return {
      label,
      killed: killed.replace(id.slice(0, 12), "ID"),
      says: "`wait`: 137, and `ps` does not list it",
      restart: `${restart}; \`podman stop ID\``,
    };
  },
};
