// The last question before a kill. The kill does exactly what the question says; if the members have changed since the
// preview, it is asked again with the difference.

import { lastName } from "../../cgroup/open/path-names.ts";
import type { Preview, PreviewProcess } from "../../inspect/preview-types.ts";
import { readPreview } from "../../inspect/preview.ts";
import type { KillPlan } from "../../kill/types.ts";
import { labelOf } from "../../label/label.ts";
import { isGone } from "../../sys/errno.ts";
import { paceOf } from "../cli-context.ts";
import { writeWrapped } from "../output/wrap.ts";
import { sanitize } from "../text/sanitize.ts";
import { plural } from "../text/units.ts";
import { countVictims } from "../views/plan-text.ts";
import { holdsOthers } from "./cgroup-rows.ts";
import type { Session } from "./session.ts";

export interface Confirmed {
  /**
   * Whether to kill it, or remove it if it is empty. `empty`: it is empty and to be kept, so there is nothing to do.
   * `undefined`: the question was cancelled.
   */
  readonly answer: boolean | "empty" | undefined;
  /** The last preview of the cgroup. */
  readonly seen: Preview;
}

export function describeKill(preview: Preview): string {
  return preview.populated ? `Kill ${plural(countVictims(preview), "process")}` : "Remove it: it is empty";
}

export async function confirm(plan: KillPlan, seen: Preview, session: Session): Promise<Confirmed> {
  const { command, cli } = session;
  if (isDone(plan, seen)) return { answer: "empty", seen };
  const answer = await askIfSure(plan, seen, session);
  if (answer !== true) return { answer, seen };
  const now = await readPreview(cli.sys, plan, command.timeoutMs, paceOf(cli)).catch((error: unknown) => {
    // If it is gone, the kill checks whether another cgroup has its name, and refuses.
    if (!isGone(error)) throw error;
  });
  const change = now && describeChange(seen, now);
  if (!now || change === undefined) return { answer, seen };
  const warning = `\n  the members have changed since the preview: ${change}\n  (to keep them from changing, freeze it first)\n\n`;
  writeWrapped(warning, "out", cli.io);
  return { answer: isDone(plan, now) ? "empty" : await askIfSure(plan, now, session), seen: now };
}

const questionOf = (preview: Preview): string =>
  preview.populated
    ? `${describeKill(preview)} in ${sanitize(preview.cgroup)}?`
    : `Remove ${sanitize(preview.cgroup)}?`;

/** Whether it is empty and to be kept. */
const isDone = ({ options }: KillPlan, { populated }: Preview): boolean => !populated && options.remove === false;

/** With more processes than this, a confirmation must be typed. */
const MANY = 100;

async function askIfSure(plan: KillPlan, preview: Preview, { prompts }: Session): Promise<boolean | undefined> {
  const { procs, procsSubtree, mayRestart, cgroup } = preview;
  const question = questionOf(preview);
  const isTop = holdsOthers(cgroup, procsSubtree > procs);
  const mustType = procsSubtree > MANY || mayRestart || isTop || plan.options.allowAncestors;
  if (!mustType) return await prompts.confirm(question);
  const expected = wordsFor(preview);
  return await prompts.confirmByTyping(`${question}\nType ${expected[0]} to go on`, expected);
}

/** Longer names are never asked for: they are hard to type. */
const MAX_TYPED = 32;
const TYPEABLE = /^[!-[\]-~]+$/;

/**
 * The words that confirm a kill. The first is asked for: the name that its own tools print (a unit, 12 digits of an id), the
 * name of the cgroup if that is short, or the number of processes. The name is also accepted raw and as displayed.
 */
export function wordsFor(preview: Preview): readonly string[] {
  const { cgroup } = preview;
  const last = lastName(cgroup);
  const label = labelOf(cgroup)?.name;
  const names = [label, last].filter((name) => name !== undefined);
  const short = names.find((name) => name.length <= MAX_TYPED && TYPEABLE.test(name));
  return [...new Set([short ?? String(countVictims(preview)), ...names, sanitize(last), cgroup, cgroup.slice(1)])];
}

/** At most this many new or gone processes are listed. */
const MAX_NAMED = 5;

function processesOnlyIn({ processes }: Preview, other: Preview): readonly PreviewProcess[] {
  const others = new Set(other.processes.map(({ pid }) => pid));
  return processes.filter(({ pid }) => !others.has(pid));
}

/** The processes that are new and those that are gone; `undefined` if there are none. */
function describeChange(before: Preview, after: Preview): string | undefined {
  const come = processesOnlyIn(after, before);
  const gone = processesOnlyIn(before, after);
  if (come.length + gone.length === 0) return undefined;
  const named = (what: string, processes: readonly PreviewProcess[]): string => {
    if (processes.length === 0) return "";
    const names = processes.slice(0, MAX_NAMED).map(({ pid, comm }) => `${pid} ${sanitize(comm)}`);
    return `\n  ${what}: ${names.join(", ")}${processes.length > MAX_NAMED ? ", ..." : ""}`;
  };
  return `${come.length} new, ${gone.length} gone${named("new", come)}${named("gone", gone)}`;
}
