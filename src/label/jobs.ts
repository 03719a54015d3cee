// Tasks and jobs of schedulers: Nomad, Slurm, AWS ECS.

import {
  by,
  DIGITS,
  type Found,
  HEX_32,
  type Label,
  labelled,
  type Place,
  type System,
  UUID,
  withoutSuffix,
} from "./place.ts";

// Nomad: ALLOC.TASK.scope, ALLOC.TASK, ALLOC-TASK; before 1.2 the id of an executor

export function asNomad(name: string, at: Place): Found | null {
  const dir = withoutSuffix(at.name, ".slice");
  const top = dir === "share" || dir === "reserve" ? withoutSuffix(at.above?.name ?? "", ".slice") : dir;
  const id = name.slice(0, 36);
  if (top !== "nomad" || !UUID.test(id)) return null;
  const task = withoutSuffix(name.slice(37), ".scope");
  const short = id.slice(0, 8);
  if (name === id) {
    return { label: labelled("nomad", short, { id, text: `nomad executor ${short}`, supervisor: by("nomad", true) }) };
  }
  if (task === "" || (name[36] !== "." && name[36] !== "-")) return null;
  const text = `nomad ${task} in alloc ${short}`;
  const supervisor = by("nomad", true, at.system, "nomad", "alloc", "stop", id);
  return { label: labelled("nomad", task, { id, text, aliases: [id, task], supervisor }) };
}

// Slurm: slurm[_NODE]/uid_N/job_N/step_X/task_N, [NODE_]slurmstepd.scope/job_N/step_X/user/task_N

export function asSlurm(name: string, at: Place): Found | null {
  if (name.startsWith("uid_") && isSlurm(at)) {
    const uid = name.slice(4);
    return DIGITS.test(uid) ? { label: labelled("group", uid, { text: `slurm user ${uid}` }) } : null;
  }
  if (name.startsWith("job_") && (isSlurm(at) || (at.name.startsWith("uid_") && isSlurm(at.above)))) {
    const job = name.slice(4);
    return DIGITS.test(job) ? { label: slurmLabel("job", job, at.system) } : null;
  }
  if (!name.startsWith("step_") || at.label?.kind !== "slurm" || !at.name.startsWith("job_")) return null;
  const step = name.slice(5);
  return /^[a-z0-9]+$/.test(step) ? { label: slurmLabel("step", `${at.label.name}.${step}`, at.system) } : null;
}

function isSlurm(place: Place | null): boolean {
  const name = place?.name ?? "";
  return /^slurm(_|$)/.test(name) || name === "slurmstepd.scope" || name.endsWith("_slurmstepd.scope");
}

function slurmLabel(what: string, id: string, system: System): Label {
  const supervisor = by("slurm", false, system, "scancel", id);
  return labelled("slurm", id, { text: `slurm ${what} ${id}`, aliases: [id], supervisor });
}

// AWS ECS: ecs/[CLUSTER/]TASK/CONTAINER, ecs/[TASK/]TASK-NUMBER, ecstasks-TASK.slice

export function asEcs(name: string, at: Place): Found | null {
  if (at.holdsUnits && name.startsWith("ecstasks-")) {
    const task = withoutSuffix(name.slice("ecstasks-".length), ".slice");
    return HEX_32.test(task) ? { label: ecsTask(task, "", at.system), holdsUnits: true } : null;
  }
  const isTop = at.name === "ecs";
  if (!isTop && at.above?.name !== "ecs") return null;
  const task = name.slice(0, 32);
  if (HEX_32.test(task) && name[32] === "-" && DIGITS.test(name.slice(33))) {
    const supervisor = at.label?.kind === "ecs" ? at.label.supervisor : ecsTask(task, "", at.system).supervisor;
    return { label: labelled("ecs", name, { id: name, text: `ecs container ${name}`, supervisor }) };
  }
  if (!(HEX_32.test(name) || UUID.test(name)) || at.label?.kind === "ecs") return null;
  return { label: ecsTask(name, isTop ? "" : at.name, at.system) };
}

function ecsTask(id: string, cluster: string, system: System): Label {
  const where = cluster === "" ? [] : [`--cluster=${cluster}`];
  const short = id.slice(0, 12);
  const supervisor = by("ecs agent", true, system, "aws", "ecs", "stop-task", ...where, "--task", id);
  return labelled("ecs", short, { id, text: `ecs task ${short}`, supervisor });
}
