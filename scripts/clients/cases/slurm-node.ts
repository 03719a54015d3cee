// A Slurm cluster of one node: munge, slurmctld and slurmd, with the two programs of scripts/clients/slurm, all in the
// scratch directory and on ports of its own.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

import type { Ran } from "../../../test/support/containers.ts";
import { until } from "../../../test/support/real-cgroup.ts";
import { BINARY } from "../../../test/support/run-cgkill.ts";
import type { Stage } from "../stage.ts";

const PROGRAMS = `${import.meta.dir}/../slurm`;

export interface Node {
  readonly slurm: (...argv: readonly string[]) => Ran;
  /** Submit a batch job. @returns its id */
  readonly submit: (script: string) => Promise<string>;
  /** The state of a job, as `scontrol show job` prints it. */
  readonly jobState: (job: string) => string;
  /** The state of the node and its reason. */
  readonly nodeState: () => string;
  /** What the two programs have logged. */
  readonly log: () => string;
}

/** @param unkillableS  UnkillableStepTimeout in seconds */
export async function startNode(stage: Stage, unkillableS: number): Promise<Node> {
  const { scratch } = stage;
  const host = stage.must(["hostname", "-s"]).trim();
  for (const dir of ["state", "spool", "log"]) mkdirSync(`${scratch}/${dir}`);
  const at = (name: string): string => `${scratch}/${name}`;
  const env = {
    CGKILL: BINARY,
    CGKILL_SLURM_STATE: at("unkillable"),
    CGKILL_SLURM_LOG: at("log/cgkill"),
    CGKILL_SLURM_TIMEOUT: "4s",
    SLURM_CONF: at("slurm.conf"),
  };
  // Slurm starts its programs with an environment of its own.
  const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
  for (const name of ["unkillable-step", "epilog"]) {
    writeFileSync(at(name), `#!/bin/sh\n${exports.join("")}exec ${PROGRAMS}/${name}.sh\n`, { mode: 0o755 });
  }
  const conf = [
    "ClusterName=cgkilltest",
    // Not 1: other cgroups of this host may have that name too, and --name refuses an ambiguous one.
    `FirstJobId=${10_000 + process.pid}`,
    `SlurmctldHost=${host}(127.0.0.1)`,
    "SlurmUser=root",
    "SlurmdUser=root",
    `AuthInfo=socket=${at("munge.sock")}`,
    "SlurmctldPort=16817",
    "SlurmdPort=16818",
    `StateSaveLocation=${at("state")}`,
    `SlurmdSpoolDir=${at("spool")}`,
    `SlurmctldPidFile=${at("slurmctld.pid")}`,
    `SlurmdPidFile=${at("slurmd.pid")}`,
    `SlurmdLogFile=${at("log/slurmd")}`,
    "ProctrackType=proctrack/cgroup",
    "TaskPlugin=task/cgroup",
    "JobAcctGatherType=jobacct_gather/none",
    "ReturnToService=1",
    "MpiDefault=none",
    "KillWait=2",
    `UnkillableStepTimeout=${unkillableS}`,
    `UnkillableStepProgram=${at("unkillable-step")}`,
    `Epilog=${at("epilog")}`,
    `NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=500 State=UNKNOWN`,
    "PartitionName=p Nodes=ALL Default=YES State=UP",
    "",
  ];
  writeFileSync(at("slurm.conf"), conf.join("\n"));
  writeFileSync(at("cgroup.conf"), "CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nConstrainCores=no\n");
  stage.must(["sh", "-c", `umask 077; head -c 1024 /dev/urandom >${at("munge.key")}`]);
  const munge = [
    "key-file=munge.key",
    "socket=munge.sock",
    "pid-file=munge.pid",
    "seed-file=munge.seed",
    "log-file=log/m",
  ];
  const options = munge.map((option) => `--${option.replace("=", `=${scratch}/`)}`);
  stage.start(["munged", "--foreground", "--force", "--num-threads=1", ...options]);
  stage.start(["slurmctld", "-D", "-c"], env);
  stage.start(["slurmd", "-D"], env);
  const slurm = (...argv: readonly string[]): Ran => stage.run(argv, env);
  const nodeState = (): string => slurm("sinfo", "-h", "-N", "-o", "%T %E").stdout.trim();
  await until("the node to be idle", () => nodeState() === "idle none", 60_000);
  stage.undo(async () => {
    slurm("scancel", "--signal=KILL", "--user=root");
    slurm("scancel", "--user=root");
    await until("the end of the jobs", () => slurm("squeue", "-h").stdout === "", 20_000).catch(() => {});
    // Slurm leaves the directory of a job behind if it gave up on one of its steps.
    stage.run(["sh", "-c", "find /sys/fs/cgroup/*/slurm_* /sys/fs/cgroup/*/slurm -depth -type d -exec rmdir {} \\;"]);
  });
  return {
    slurm,
    nodeState,
    async submit(script) {
      const name = at(`job-${performance.now()}.sh`);
      writeFileSync(name, `#!/bin/bash\n${script}\n`, { mode: 0o755 });
      const { stdout, stderr } = slurm("sbatch", "-n1", "--no-requeue", "-D", "/", "-o", "/dev/null", name);
      const [, job] = /Submitted batch job (\d+)/.exec(stdout) ?? [];
      if (job === undefined) throw new Error(`sbatch: ${stderr}`);
      return job;
    },
    jobState: (job) => /JobState=(\S+)/.exec(slurm("scontrol", "show", "job", job).stdout)?.[1] ?? "gone",
    log: () => (existsSync(at("log/cgkill")) ? readFileSync(at("log/cgkill"), "utf8") : ""),
  };
}
