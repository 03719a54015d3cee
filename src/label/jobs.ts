// Tasks and jobs of schedulers: Nomad, Slurm, AWS ECS.

import {
  type Component,
  createLabel,
  DIGITS,
  HEX_32,
  type Label,
  type Recognized,
  supervisedBy,
  type System,
  UUID,
  withoutSuffix,
} from "./types.ts";

// Nomad: ALLOC.TASK.scope, ALLOC.TASK, ALLOC-TASK; before Nomad 1.2 the id of an executor

export function recognizeNomad(name: string, parent: Component): Recognized | null {
  const dir = withoutSuffix(parent.name, ".slice");
  const top = dir === "share" || dir === "reserve" ? withoutSuffix(parent.parent?.name ?? "", ".slice") : dir;
  const id = name.slice(0, 36);
  if (top !== "nomad" || !UUID.test(id)) return null;
  const task = withoutSuffix(name.slice(37), ".scope");
  const short = id.slice(0, 8);
  if (name === id) {
    return {
      label: createLabel("nomad", short, {
        id,
        text: `nomad executor ${short}`,
        supervisor: supervisedBy("nomad", true),
      }),
    };
  }
  if (task === "" || (name[36] !== "." && name[36] !== "-")) return null;
  const text = `nomad ${task} in alloc ${short}`;
  const supervisor = supervisedBy("nomad", true, parent.system, "nomad", "alloc", "stop", id);
  return { label: createLabel("nomad", task, { id, text, aliases: [id, task], supervisor }) };
}

// Slurm: slurm[_NODE]/uid_N/job_N/step_X/task_N, [NODE_]slurmstepd.scope/job_N/step_X/user/task_N

export function recognizeSlurm(name: string, parent: Component): Recognized | null {
  if (name.startsWith("uid_") && isSlurm(parent)) {
    const uid = name.slice(4);
    return DIGITS.test(uid) ? { label: createLabel("group", uid, { text: `slurm user ${uid}` }) } : null;
  }
  if (name.startsWith("job_") && (isSlurm(parent) || (parent.name.startsWith("uid_") && isSlurm(parent.parent)))) {
    const job = name.slice(4);
    return DIGITS.test(job) ? { label: slurmLabel("job", job, parent.system) } : null;
  }
  if (!name.startsWith("step_") || parent.label?.kind !== "slurm" || !parent.name.startsWith("job_")) return null;
  const step = name.slice(5);
  return /^[a-z0-9]+$/.test(step) ? { label: slurmLabel("step", `${parent.label.name}.${step}`, parent.system) } : null;
}

function isSlurm(component: Component | null): boolean {
  const name = component?.name ?? "";
  return /^slurm(_|$)/.test(name) || name === "slurmstepd.scope" || name.endsWith("_slurmstepd.scope");
}

function slurmLabel(what: string, id: string, system: System): Label {
  const supervisor = supervisedBy("slurm", false, system, "scancel", id);
  return createLabel("slurm", id, { text: `slurm ${what} ${id}`, aliases: [id], supervisor });
}

// AWS ECS: ecs/[CLUSTER/]TASK/CONTAINER, ecs/[TASK/]TASK-NUMBER, ecstasks-TASK.slice

export function recognizeEcs(name: string, parent: Component): Recognized | null {
  if (parent.holdsUnits && name.startsWith("ecstasks-")) {
    const task = withoutSuffix(name.slice("ecstasks-".length), ".slice");
    return HEX_32.test(task) ? { label: ecsTask(task, "", parent.system), holdsUnits: true } : null;
  }
  const isTop = parent.name === "ecs";
  if (!isTop && parent.parent?.name !== "ecs") return null;
  const task = name.slice(0, 32);
  if (HEX_32.test(task) && name[32] === "-" && DIGITS.test(name.slice(33))) {
    const supervisor =
      parent.label?.kind === "ecs" ? parent.label.supervisor : ecsTask(task, "", parent.system).supervisor;
    return { label: createLabel("ecs", name, { id: name, text: `ecs container ${name}`, supervisor }) };
  }
  if (!(HEX_32.test(name) || UUID.test(name)) || parent.label?.kind === "ecs") return null;
  return { label: ecsTask(name, isTop ? "" : parent.name, parent.system) };
}

function ecsTask(id: string, cluster: string, system: System): Label {
  const where = cluster === "" ? [] : [`--cluster=${cluster}`];
  const short = id.slice(0, 12);
  const supervisor = supervisedBy("ecs agent", true, system, "aws", "ecs", "stop-task", ...where, "--task", id);
  return createLabel("ecs", short, { id, text: `ecs task ${short}`, supervisor });
}
