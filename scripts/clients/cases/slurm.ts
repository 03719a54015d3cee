// Slurm on one node: a runaway job with a daemon that left its session, a frozen child that Slurm leaks, and a step
// that cannot be killed, for which the node is drained.

import { mountPoint, until } from "../../../test/support/real-cgroup.ts";
import { type Case, count, expectThat, type Row, RUNAWAY, type Stage, untilRunaway } from "../stage.ts";
import { type Node, startNode } from "./slurm-node.ts";

const UNKILLABLE_S = 5;

/** @returns the cgroup of the batch step of a job */
const batchOf = (host: string, job: string): string =>
  `${mountPoint("v1")}/slurm_${host}/uid_${process.getuid?.()}/job_${job}/step_batch`;

interface Slurm {
  readonly stage: Stage;
  readonly node: Node;
  readonly host: string;
}

const slurm = (client: string, unkillableS: number, play: (on: Slurm) => Promise<Row>): Case => ({
  client,
  programs: ["slurmctld", "slurmd", "munged", "sbatch", "squeue"],
  packages: "slurmctld slurmd slurm-client munge",
  async run(stage) {
    const node = await startNode(stage, unkillableS);
    return await play({ stage, node, host: stage.must(["hostname", "-s"]).trim() });
  },
});

/** @returns how long it took, in seconds */
async function untilNode({ node }: Slurm, state: RegExp, ms: number): Promise<string> {
  const began = performance.now();
  await until(`the node to be ${state.source}`, () => state.test(node.nodeState()), ms).catch(() =>
    expectThat(false, `the node is not ${state.source}`, `${node.nodeState()}\n${node.log()}`),
  );
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}

const runaway = slurm("Slurm, a runaway job", 60, async (on) => {
  const { stage, node, host } = on;
  const daemon = `setsid setsid sh -c "trap '' TERM; while :; do sleep 1; done" &`;
  const job = await node.submit(`${daemon}\nsrun --overlap -n1 sleep 1000 &\n${RUNAWAY}`);
  const batch = batchOf(host, job);
  await untilRunaway(batch);
  const step = batch.replace("step_batch", "step_0");
  await until("the other step", () => count(step) === 1);
  const label = stage.label(batch.slice(mountPoint("v1")?.length)).replace(job, "JOB");
  const began = performance.now();
  const { killed, restart, stop } = await stage.killByName(job, 53);
  expectThat(stop[0] === "scancel" && stop[1]?.startsWith(job) === true, "the command to stop it", stop);
  await until("Slurm to report FAILED", () => node.jobState(job) === "FAILED", 20_000);
  const failedAfter = ((performance.now() - began) / 1000).toFixed(1);
  await untilNode(on, /^idle none$/, 30_000);
  const says = `\`JobState=FAILED\` ${failedAfter} s after the kill of its two steps and a daemon; the node idle`;
  return { label, killed: killed.replace(`\`${job}\``, "`JOB`"), says, restart };
});

const leaked = slurm("Slurm, a frozen child in a nested v1 cgroup", 60, async (on) => {
  const { stage, node, host } = on;
  const nested = `${mountPoint("v1")}$(sed -n 's/.*:freezer://p' /proc/self/cgroup)/nested`;
  const freeze = `mkdir "$n"; sleep 1000 & echo $! >"$n/cgroup.procs"; echo FROZEN >"$n/freezer.state"`;
  const job = await node.submit(`n=${nested}\n${freeze}\nsleep 1000`);
  const dir = `${batchOf(host, job)}/nested`;
  await until("the frozen child", () => count(dir) === 1, 20_000);
  const child = (await Bun.file(`${dir}/cgroup.procs`).text()).trim();
  stage.undo(() => void stage.cgkill("-q", "kill", "--ignore-missing", dir));
  node.slurm("scancel", job);
  await until("the epilog", () => node.log().includes('"outcome":"killed"'), 60_000);
  const [outcome] = node
    .log()
    .split("\n")
    .filter((line) => line.includes('"outcome":"killed"'));
  expectThat(outcome?.includes(`"pid":${child},`) === true, "the epilog did not kill the child", outcome);
  expectThat(count(dir) === 0, "the child is alive", dir);
  const idle = await untilNode(on, /^idle none$/, 30_000);
  return {
    label: "`slurm step JOB.batch`",
    killed: "1, by the epilog, `slurm/JOB`",
    says: `cancelled; the child outlives it until the epilog; the node idle after ${idle}`,
    restart: "–",
  };
});

const unkillable = slurm("Slurm, a step that cannot be killed", UNKILLABLE_S, async (on) => {
  const { stage, node, host } = on;
  const job = await node.submit("exec sleep 1000");
  const batch = batchOf(host, job);
  await until("the job", () => count(batch) === 1, 20_000);
  // Hold it in its exit by a tracer.
  const [pid] = (await Bun.file(`${batch}/cgroup.procs`).text()).split("\n");
  const tracer = stage.start(["python3", `${import.meta.dir}/hold.py`, String(pid)]);
  await until("the tracer", () => tracer.log().includes("held"), 10_000);
  node.slurm("scancel", job);
  await untilNode(on, /^drain\S* Kill task failed/, 60_000);
  await until("the log", () => node.log().includes('"reason":"traced"'), 30_000);
  expectThat(node.log().includes(`held by its tracer, pid ${tracer.pid}`), "the log omits the tracer", node.log());
  await untilNode(on, /^drain\S* cgkill: job \d+: \d+ t sleep ptrace_stop traced$/, 60_000);
  expectThat(count(batch) === 1, "the step is gone", batch);
  process.kill(tracer.pid, "SIGKILL");
  const idle = await untilNode(on, /^idle none$/, 60_000);
  return {
    label: "`slurm step JOB.batch`",
    killed: "1, once its tracer is gone",
    says: `drained for "Kill task failed", then for "cgkill: job JOB: PID t sleep ptrace_stop traced"; idle ${idle} after the tracer's end`,
    restart: "–",
  };
});

export const slurms: readonly Case[] = [runaway, leaked, unkillable];
