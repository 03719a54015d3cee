// containerd, and what `ctr` starts in its default namespace.

import { mkdirSync, writeFileSync } from "node:fs";

import { destroyEverywhere, SYSTEM } from "../../../test/support/containers.ts";
import { mountPoint, until } from "../../../test/support/real-cgroup.ts";
import { type Case, expectThat, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

export const containerd: Case = {
  client: "containerd, `ctr`",
  programs: ["containerd", "ctr", "runc"],
  packages: "containerd runc",
  async run(stage: Stage) {
    const { scratch, name } = stage;
    mkdirSync(`${scratch}/rootfs`);
    const conf = `version = 2\nroot = "${scratch}/root"\nstate = "${scratch}/state"\n[grpc]\naddress = "${scratch}/sock"\n`;
    writeFileSync(`${scratch}/config.toml`, `${conf}[ttrpc]\naddress = "${scratch}/ttrpc"\n`);
    stage.undo(() => destroyEverywhere(`default/${name}`));
    const daemon = stage.start(["containerd", "--config", `${scratch}/config.toml`]);
    const ctr = ["ctr", "--address", `${scratch}/sock`];
    await until("containerd", () => stage.run([...ctr, "version"]).code === 0, 30_000).catch(() => {
      throw new Error(daemon.log().slice(-2000));
    });
    stage.undo(() => {
      stage.run([...ctr, "task", "kill", "-s", "KILL", name]);
      stage.run([...ctr, "task", "delete", "--force", name]);
      stage.run([...ctr, "container", "delete", name]);
    });
    const mounts = SYSTEM.map((dir) => `--mount=type=bind,src=${dir},dst=${dir},options=rbind:ro`);
    const runc = ["--runc-binary", Bun.which("runc") ?? "runc"];
    stage.must([
      ...ctr,
      "run",
      "-d",
      ...runc,
      ...mounts,
      "--rootfs",
      `${scratch}/rootfs`,
      name,
      "/bin/sh",
      "-c",
      RUNAWAY,
    ]);
    await untilRunaway(`${mountPoint("v1")}/default/${name}`);
    const label = stage.label(`/default/${name}`).replace(name, "NAME");
    const { killed, restart, stop } = await stage.killByName(name, 51);
    const list = (): string => new RegExp(`^${name} .*`, "m").exec(stage.must([...ctr, "task", "list"]))?.[0] ?? "";
    await until("containerd to report STOPPED", () => list().includes("STOPPED"));
    expectThat(stop.join(" ") === `ctr -n default task kill ${name}`, "the command to stop it", stop);
    return { label, killed, says: "`task list`: STOPPED", restart };
  },
};
