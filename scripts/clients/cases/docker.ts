// Docker with its data in the scratch directory, no network, and an empty image: the programs are those of the host.

import { mkdirSync } from "node:fs";

import { SYSTEM } from "../../../test/support/containers.ts";
import { mountPoint, until } from "../../../test/support/real-cgroup.ts";
import { type Case, count, expectDown, expectThat, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

export const docker: Case = {
  client: "Docker",
  programs: ["dockerd", "docker", "containerd", "runc"],
  packages: "docker.io",
  async run(stage: Stage) {
    const { scratch } = stage;
    mkdirSync(`${scratch}/image`);
    stage.must(["tar", "-cf", `${scratch}/image.tar`, "-C", `${scratch}/image`, "."]);
    const socket = `unix://${scratch}/docker.sock`;
    const places = ["--data-root", `${scratch}/data`, "--exec-root", `${scratch}/exec`, "-p", `${scratch}/docker.pid`];
    const network = ["--bridge=none", "--iptables=false", "--ip6tables=false"];
    const daemon = stage.start(["dockerd", "-H", socket, ...places, ...network, "--storage-driver=vfs"]);
    const run = (...args: readonly string[]) => ["docker", "-H", socket, ...args];
    await until("dockerd", () => stage.run(run("version")).code === 0, 60_000).catch(() =>
      expectThat(false, "dockerd does not start", daemon.log().slice(-1500)),
    );
    stage.must(run("import", `${scratch}/image.tar`, "tiny"));
    stage.undo(() => void stage.run(run("rm", "-f", "web")));
    const volumes = SYSTEM.map((dir) => `--volume=${dir}:${dir}:ro`);
    const options = ["--name=web", "--restart=always", "--network=none", ...volumes];
    const id = stage.must(run("run", "-d", ...options, "tiny", "/bin/sh", "-c", RUNAWAY)).trim();
    const dir = `${mountPoint("v1")}/docker/${id}`;
    await untilRunaway(dir);
    const label = stage.label(`/docker/${id}`).replace(id.slice(0, 12), "ID");
    const { killed, restart, stop } = await stage.killByName(id.slice(0, 12), 51);
    await until("Docker to start it again", () => count(dir) > 50, 30_000);
    stage.must([...run(), ...stop.slice(1), "--time=1"].filter((word) => word !== ""));
    const state = stage.must(run("inspect", "--format={{.State.Status}} {{.State.ExitCode}}", "web")).trim();
    expectThat(state === "exited 137", "docker inspect", state);
    await expectDown(dir, stop);
    return {
      label,
      killed: killed.replace(id.slice(0, 12), "ID"),
      says: "started again; after the stop command: exited, 137",
      restart: `${restart}; \`docker stop ID\``,
    };
  },
};
