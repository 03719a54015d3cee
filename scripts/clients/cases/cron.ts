// cron and monit with configurations of their own. Both start their job again at the next interval; no single command
// is known to prevent that.

import { mkdirSync, writeFileSync } from "node:fs";

import { type Case, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

/** cron reads its table once per minute. */
const WITHIN_MS = 130_000;

export const cron: Case = {
  client: "cron",
  programs: ["cron"],
  packages: "cron",
  async run(stage: Stage) {
    const { scratch, name } = stage;
    const dir = stage.makeGroup();
    writeFileSync(`${scratch}/job`, `#!/bin/sh\necho 0 >${dir}/cgroup.procs\n${RUNAWAY}\n`, { mode: 0o755 });
    writeFileSync(`${scratch}/crontab`, `* * * * * root ${scratch}/job\n`, { mode: 0o644 });
    mkdirSync(`${scratch}/none`);
    const binds = [`--bind ${scratch}/crontab /etc/crontab`, `--bind ${scratch}/none /etc/cron.d`];
    const hidden = ["-t tmpfs none /run", `--bind ${scratch}/none /var/spool/cron`];
    await stage.enterMounts([...binds, ...hidden].map((each) => `mount ${each}`).join("\n"));
    stage.start(["cron", "-f"]);
    await untilRunaway(dir, WITHIN_MS);
    const label = stage.label(`/${name}`);
    const { killed, restart } = await stage.killByName(name, 51);
    await untilRunaway(dir, WITHIN_MS);
    return { label, killed, says: "started again a minute later", restart };
  },
};

/** monit checks every two seconds here. */
const MONIT_WITHIN_MS = 90_000;

export const monit: Case = {
  client: "monit",
  programs: ["monit"],
  packages: "monit",
  async run(stage: Stage) {
    const { scratch, name } = stage;
    const dir = stage.makeGroup();
    const script = `#!/bin/sh\necho $$ >${scratch}/web.pid\necho 0 >${dir}/cgroup.procs\n${RUNAWAY}\n`;
    writeFileSync(`${scratch}/web`, script, { mode: 0o755 });
    const files = ["log", "pidfile", "idfile", "statefile"].map((file) => `set ${file} ${scratch}/monit.${file}`);
    const check = `check process web with pidfile ${scratch}/web.pid\n  start program = "${scratch}/web"`;
    writeFileSync(`${scratch}/monitrc`, ["set daemon 2", ...files, check, ""].join("\n"), { mode: 0o600 });
    stage.start(["monit", "-I", "-c", `${scratch}/monitrc`]);
    await untilRunaway(dir, MONIT_WITHIN_MS);
    const label = stage.label(`/${name}`);
    const { killed, restart } = await stage.killByName(name, 51);
    await untilRunaway(dir, MONIT_WITHIN_MS);
    return { label, killed, says: "started again", restart };
  },
};
