// Tasks and jobs of schedulers: Nomad, Slurm, AWS ECS.

import {
  type Component,
  createLabel,
  isHex32,
  isNumber,
  isUuid,
  type Label,
  supervisedBy,
  type System,
  withoutSuffix,
} from "./types.ts";

// Nomad: ALLOC.TASK.scope, ALLOC.TASK, ALLOC-TASK; before Nomad 1.2 the id of an executor

export function recognizeNomad(name: string, parent: Component): Label | null {
  const dir = withoutSuffix(parent.name, ".slice");
  const top = dir === "share" || dir === "reserve" ? withoutSuffix(parent.parent?.name ?? "", ".slice") : dir;
  const id = name.slice(0, 36);
  if (top !== "nomad" || !isUuid(id)) return null;
  const task = withoutSuffix(name.slice(37), ".scope");
  const short = id.slice(0, 8);
  if (name === id) {
    const supervisor = supervisedBy("nomad", true);
    return createLabel("nomad", short, { id, text: `nomad executor ${short}`, supervisor });
  }
  if (task === "" || (name[36] !== "." && name[36] !== "-")) return null;
  const text = `nomad ${task} in alloc ${short}`;
  const supervisor = supervisedBy("nomad", true, parent.system, "nomad", "alloc", "stop", id);
  return createLabel("nomad", task, { id, text, aliases: [id, task], supervisor });
}

// Slurm on v1: slurm[_NODE]/uid_N/job_N/step_X[/task_N], with slurmstepd beside the steps; on v2:
// [NODE_]slurmstepd.scope/job_N/step_X/user/task_N, with slurmstepd in step_X/slurm. A job is found by its number, or a
// step by its own, in the cgroups that hold its processes and not slurmstepd: without that the job would go on running
// for Slurm until a timeout.

export function recognizeSlurm(name: string, parent: Component): Label | null {
  if (parent.label?.kind === "slurm") {
    return parent.name.startsWith("job_") ? recognizeStep(name, parent) : recognizeStepPart(name, parent);
  }
  if (name.startsWith("slurm_") && parent.name === "" && parent.holdsUnits) {
    return createLabel("group", name, { text: "slurm jobs" });
  }
  // Where slurmstepd waits that keeps the scope.
  if (name === "system" && isScope(parent)) return createLabel("group", name, { text: "slurm daemon" });
  if (name.startsWith("uid_") && isSlurm(parent)) {
    const uid = name.slice(4);
    return isNumber(uid) ? createLabel("group", uid, { text: `slurm user ${uid}` }) : null;
  }
  if (name.startsWith("job_") && (isSlurm(parent) || (parent.name.startsWith("uid_") && isSlurm(parent.parent)))) {
    const job = name.slice(4);
    return isNumber(job) ? { ...slurmLabel(`job ${job}`, job, job, parent.system), isNameless: true } : null;
  }
  return null;
}

/**
 * The steps that no user started have the highest numbers. Directories are called by the name or by the number, and
 * SLURM_STEP_ID has the number.
 */
const SPECIAL_STEPS: ReadonlyArray<readonly [number: string, name: string]> = [
  ["4294967291", "batch"],
  ["4294967292", "extern"],
  ["4294967290", "interactive"],
];

const specialStep = (given: string): readonly string[] => SPECIAL_STEPS.find((names) => names.includes(given)) ?? [];

function recognizeStep(directory: string, parent: Component): Label | null {
  const given = directory.slice("step_".length);
  if (!directory.startsWith("step_") || !/^[a-z0-9]+$/.test(given)) return null;
  const job = parent.label?.name ?? "";
  const step = specialStep(given)[1] ?? given;
  // scancel takes the number of a step, but none of the others by its name.
  const toCancel = isNumber(step) ? `${job}.${step}` : job;
  const label = slurmLabel(`step ${job}.${step}`, `${job}.${step}`, toCancel, parent.system);
  return { ...label, ...(isScope(parent.parent) ? { isNameless: true } : namesOf(label)) };
}

function recognizeStepPart(name: string, parent: Component): Label | null {
  const { label } = parent;
  if (label === null || !/^(user|slurm|task_[a-z0-9]+)$/.test(name)) return null;
  const step = parent.name.startsWith("step_") ? parent : parent.parent;
  const isUser = name === "user" && step === parent && label.isNameless;
  const names = isUser ? namesOf(label) : { aliases: [], bundle: null };
  return { ...label, text: `slurm step ${label.name} (${name})`, isNameless: false, ...names };
}

/** The prefix of names for scripts. With its slash they are unambiguous, whereas a machine too may be called 101. */
export const SLURM_PREFIX = "slurm/";

function namesOf({ name }: Label): Pick<Label, "aliases" | "bundle"> {
  const [job = ""] = name.split(".", 1);
  const [number] = specialStep(name.slice(job.length + 1));
  const names = [name, ...(number === undefined ? [] : [`${job}.${number}`]), job];
  return { aliases: [...names, ...names.map((each) => SLURM_PREFIX + each), `job_${job}`], bundle: `slurm job ${job}` };
}

const isScope = (component: Component | null): boolean => /(^|_)slurmstepd\.scope$/.test(component?.name ?? "");

const isSlurm = (component: Component | null): boolean =>
  /^slurm(_|$)/.test(component?.name ?? "") || isScope(component);

function slurmLabel(what: string, id: string, toCancel: string, system: System): Label {
  const supervisor = supervisedBy("slurm", false, system, "scancel", toCancel);
  return createLabel("slurm", id, { text: `slurm ${what}`, supervisor });
}

// AWS ECS: ecs/[CLUSTER/]TASK/CONTAINER, ecs/[TASK/]TASK-NUMBER, ecstasks-TASK.slice

export function recognizeEcs(name: string, parent: Component): Label | null {
  if (parent.holdsUnits && name.startsWith("ecstasks-")) {
    const task = withoutSuffix(name.slice("ecstasks-".length), ".slice");
    return isHex32(task) ? { ...ecsTask(task, "", parent.system), holdsUnits: true } : null;
  }
  const isTop = parent.name === "ecs";
  if (!isTop && parent.parent?.name !== "ecs") return null;
  const task = name.slice(0, 32);
  if (isHex32(task) && name[32] === "-" && isNumber(name.slice(33))) {
    const { supervisor } = parent.label?.kind === "ecs" ? parent.label : ecsTask(task, "", parent.system);
    return createLabel("ecs", name, { id: name, text: `ecs container ${name}`, supervisor });
  }
  if (!(isHex32(name) || isUuid(name)) || parent.label?.kind === "ecs") return null;
  return ecsTask(name, isTop ? "" : parent.name, parent.system);
}

function ecsTask(id: string, cluster: string, system: System): Label {
  const where = cluster === "" ? [] : [`--cluster=${cluster}`];
  const short = id.slice(0, 12);
  const supervisor = supervisedBy("ecs agent", true, system, "aws", "ecs", "stop-task", ...where, "--task", id);
  return createLabel("ecs", short, { id, text: `ecs task ${short}`, supervisor });
}
