// Supervisors that the name of a cgroup does not reveal: cgkill finds them as the parent. Each restarts what was
// killed, until the printed command is run.

import { mkdirSync, writeFileSync } from "node:fs";

import { until } from "../../../test/support/real-cgroup.ts";
import { type Case, expectDown, expectThat, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";

interface Status {
  readonly status: readonly string[];
  readonly down: RegExp;
}

interface Supervisor {
  readonly client: string;
  readonly programs: readonly string[];
  readonly packages: string;
  /** Start the supervisor with the script as its service. @returns how to ask for its state, and the answer if down */
  readonly start: (stage: Stage, script: string) => Status | Promise<Status>;
}

/** A supervisor whose services are directories. @param programs  the first one supervises a directory */
function byDirectory(client: string, programs: readonly [string, ...string[]], status: readonly string[]): Supervisor {
  return {
    client,
    programs,
    packages: client,
    start(stage, script) {
      const service = `${stage.scratch}/web`;
      mkdirSync(service);
      writeFileSync(`${service}/run`, `#!/bin/sh\nexec ${script}\n`, { mode: 0o755 });
      stage.start([programs[0], service]);
      return { status: [...status, service], down: /^down|want down/ };
    },
  };
}

const SUPERVISORS: readonly Supervisor[] = [
  {
    client: "supervisord",
    programs: ["supervisord", "supervisorctl"],
    packages: "supervisor",
    start(stage, script) {
      const { scratch } = stage;
      const config = `${scratch}/supervisord.conf`;
      const lines = [
        `[supervisord]\nnodaemon=true\nlogfile=${scratch}/main.log\npidfile=${scratch}/pid\nchildlogdir=${scratch}`,
        `[unix_http_server]\nfile=${scratch}/sock`,
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        `[supervisorctl]\nserverurl=unix://${scratch}/sock`,
        "[include]\nfiles=conf.d/*.conf\n",
      ];
      writeFileSync(config, lines.join("\n"));
      mkdirSync(`${scratch}/conf.d`);
      writeFileSync(
        `${scratch}/conf.d/web.conf`,
        `[program:web]\ncommand=${script}\nstopsignal=KILL\nkillasgroup=true\n`,
      );
      writeFileSync(`${scratch}/conf.d/other.conf`, "[program:other]\ncommand=sleep 1000\n");
      stage.start(["supervisord", "-c", config]);
      return { status: ["supervisorctl", "-c", config, "status", "web"], down: /STOPPED/ };
    },
  },
  byDirectory("runit", ["runsv", "sv"], ["sv", "status"]),
  byDirectory("s6", ["s6-supervise", "s6-svc", "s6-svstat"], ["s6-svstat"]),
  {
    client: "OpenRC, `supervise-daemon`",
    programs: ["supervise-daemon", "rc-service", "openrc-run"],
    packages: "openrc",
    async start(stage, script) {
      const { scratch } = stage;
      mkdirSync(`${scratch}/init.d`);
      const service = ["#!/sbin/openrc-run", "supervisor=supervise-daemon", `command=${script}`, "retry=KILL/5", ""];
      writeFileSync(`${scratch}/init.d/web`, service.join("\n"), { mode: 0o755 });
      // Directories that OpenRC's own init would have made.
      const states = ["daemons", "exclusive", "failed", "options", "started", "starting", "stopping", "tmp"];
      const own = ["/run", ...states.map((state) => `/run/openrc/${state}`)];
      await stage.enterMounts(
        `mount -t tmpfs none /run\nmkdir -p ${own.join(" ")}\n: >/run/openrc/softlevel\n` +
          `mount --bind ${scratch}/init.d /etc/init.d`,
      );
      stage.undo(() => void stage.run(["rc-service", "web", "stop"]));
      stage.must(["rc-service", "web", "start"]);
      return { status: ["rc-service", "web", "status"], down: /stopped/ };
    },
  },
];

const supervise = ({ client, programs, packages, start }: Supervisor): Case => ({
  client,
  programs,
  packages,
  async run(stage: Stage) {
    const dir = stage.makeGroup();
    const script = `${stage.scratch}/web-server`;
    writeFileSync(script, `#!/bin/sh\necho 0 >${dir}/cgroup.procs\n${RUNAWAY}\n`, { mode: 0o755 });
    const { status, down } = await start(stage, script);
    await untilRunaway(dir);
    const label = stage.label(`/${stage.name}`);
    const { killed, restart, stop } = await stage.killByName(stage.name, 51);
    // It is started again, as the hint says.
    await untilRunaway(dir);
    stage.must(stop);
    await stage.killByName(stage.name, 0);
    const isDown = (): boolean => down.test(stage.run(status).stdout);
    await until(`${client} to be down`, isDown).catch(() => expectThat(false, status.join(" "), stage.run(status)));
    await expectDown(dir, stop);
    const command = stop.join(" ").replaceAll(stage.scratch, "…");
    return {
      label,
      killed,
      says: "started again; after the stop command: down",
      restart: `${restart}; \`${command}\``,
    };
  },
});

export const supervisors: readonly Case[] = SUPERVISORS.map(supervise);
