// cgrulesengd, which moves every process of a command into a cgroup, even one that is started after the kill.

import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";

import { mountPoint, until } from "../../../test/support/real-cgroup.ts";
import { type Case, count, expectThat, type Stage } from "../stage.ts";

const LOOPS = 50;

export const cgrules: Case = {
  client: "cgrulesengd",
  programs: ["cgrulesengd"],
  packages: "cgroup-tools",
  async run(stage: Stage) {
    const { scratch, name } = stage;
    const dir = `${mountPoint("v1")}/${name}`;
    mkdirSync(dir);
    // A unique name, because the rule applies to the whole host.
    const command = `cgk${process.pid}`;
    copyFileSync(Bun.which("sleep") ?? "/bin/sleep", `${scratch}/${command}`);
    stage.run(["chmod", "755", `${scratch}/${command}`]);
    for (const part of ["upper/cgconfig.d", "work"]) mkdirSync(`${scratch}/${part}`, { recursive: true });
    writeFileSync(`${scratch}/upper/cgrules.conf`, `*:${command}\tfreezer\t${name}\n`);
    writeFileSync(`${scratch}/upper/cgconfig.conf`, "");
    const parts = `lowerdir=/etc,upperdir=${scratch}/upper,workdir=${scratch}/work`;
    await stage.enterMounts(`mount -t overlay -o ${parts} none /etc`);
    const daemon = stage.start(["cgrulesengd", "--nodaemon", "-vv", "-f", `${scratch}/rules.log`]);
    const log = (): string => stage.run(["cat", `${scratch}/rules.log`]).stdout;
    await until("cgrulesengd", () => log().includes("Started"), 20_000).catch(() =>
      expectThat(false, "cgrulesengd does not start", log()),
    );
    const start = (): void => {
      // Not on our pipes: `run` would wait until they are closed.
      const one = `${scratch}/${command} 1000 >/dev/null 2>&1 & echo $!`;
      const pids = stage.must(["sh", "-c", `i=0; while [ $i -lt ${LOOPS} ]; do ${one}; i=$((i+1)); done`]);
      for (const pid of pids.trim().split("\n")) stage.adopt(Number(pid));
    };
    start();
    const untilMoved = (): Promise<void> =>
      until("its rule", () => count(dir) === LOOPS).catch(() => expectThat(false, "unmoved", log() + daemon.log()));
    await untilMoved();
    const label = stage.label(`/${name}`);
    const { killed, restart } = await stage.killByName(name, LOOPS);
    // On v1 the kill removes the cgroup, and the rule fails until it is re-created.
    mkdirSync(dir, { recursive: true });
    start();
    await untilMoved();
    await stage.killByName(name, LOOPS);
    return { label, killed, says: "moves later processes in again", restart };
  },
};
