// What is asked of one cgroup: look, freeze if wanted, confirm. Of these only the freeze changes anything, and every
// way out takes it back.

import { freezeTarget, undoFreezes } from "../../freeze/freeze-twins.ts";
import type { Preview } from "../../inspect/preview-types.ts";
import { readPreview } from "../../inspect/preview.ts";
import type { KillPlan } from "../../kill/types.ts";
import { isGone } from "../../sys/errno.ts";
import { paceOf } from "../cli-context.ts";
import { renderPreview } from "../commands/show.ts";
import { reportFreeze } from "../output/report.ts";
import { wrapped } from "../output/wrap.ts";
import { sanitize } from "../text/sanitize.ts";
import { plural } from "../text/units.ts";
import { countVictims } from "../views/plan-text.ts";
import { killConfirmed } from "./confirmed-kill.ts";
import type { Prompts } from "./prompts.ts";
import { type MenuResult, menuResult, type Session, withUrgentProgress } from "./session.ts";

type Action = "leave" | "freeze" | "all" | "kill";

/** What is asked of one cgroup. It is left thawed, unless it was found frozen, whatever is answered. */
export async function runTargetMenu(plan: KillPlan, session: Session): Promise<MenuResult> {
  const { sys } = session.cli;
  let isFrozenByUs = false;
  try {
    let preview = await present(plan, session);
    if (plan.refusal !== null) return menuResult("refused");
    if (!preview.populated && !plan.remove) return menuResult("empty");
    for (;;) {
      const action = await ask(preview, isFrozenByUs, session);
      if (action === undefined) return { status: "interrupted", isCancelled: true };
      if (action === "leave") return menuResult("interrupted");
      if (action === "all") {
        preview = await present(plan, session, Number.POSITIVE_INFINITY);
      } else if (action === "freeze") {
        const outcome = await withUrgentProgress(plan, session, async (ctx) => {
          const frozen = await freezeTarget(sys, plan, ctx);
          // Known before anything else is done: telling of it can fail, and it must be taken back all the same.
          isFrozenByUs = frozen.outcome === "frozen";
          return frozen;
        });
        await reportFreeze(outcome, session.command, session.cli.io);
        preview = await present(plan, session);
      } else {
        const confirmed = await confirm(plan, preview, session);
        if (confirmed === "kill") return await killConfirmed(plan, session);
        if (confirmed === "remove") return await killConfirmed(withRemoval(plan), session);
        if (confirmed === "empty") return menuResult("empty");
      }
    }
  } finally {
    const failure = isFrozenByUs ? undoFreezes(sys, plan) : null;
    if (failure !== null) session.cli.io.writeErr(`cgkill: could not thaw: ${sanitize(failure.message)}\n`);
  }
}

/** Lines that the questions need below it. */
const ROOM_FOR_QUESTION = 9;

async function present(plan: KillPlan, { command, cli }: Session, rows?: number): Promise<Preview> {
  const { sys, io } = cli;
  const preview = await readPreview(sys, plan, command.timeoutMs, paceOf(cli));
  const size = io.size("out");
  const paint = await io.paint("out", command.output.color);
  const shown = Math.max(ROOM_FOR_QUESTION, rows ?? size.rows - ROOM_FOR_QUESTION);
  io.writeOut(
    `\n${renderPreview(preview, { paint, columns: size.columns, now: new Date(sys.wallClock()), rows: shown })}\n`,
  );
  return preview;
}

async function ask(preview: Preview, isFrozenByUs: boolean, { prompts }: Session): Promise<Action | undefined> {
  const { state, cgroup } = preview;
  const choices = [
    { value: "leave" as const, label: isFrozenByUs ? "Thaw it and leave" : "Leave it alone" },
    ...(state === "thawed"
      ? [{ value: "freeze" as const, label: "Freeze it first, so that what you see is what dies" }]
      : []),
    { value: "all" as const, label: "Show every process" },
    { value: "kill" as const, label: describeKill(preview) },
  ];
  return await prompts.choose<Action>(`What about ${sanitize(cgroup)}?`, choices);
}

function describeKill(preview: Preview): string {
  return preview.populated ? `Kill ${plural(countVictims(preview), "process")}` : "Remove it: it is empty";
}

/** From so many on a yes is too quickly said. */
const MANY = 100;

/** `empty`: it is to be kept, so nothing is left to be done. `undefined`: not confirmed. */
type Confirmed = "kill" | "remove" | "empty" | undefined;

/** What is asked is what is done. */
async function confirm(plan: KillPlan, seen: Preview, session: Session): Promise<Confirmed> {
  const { cli, prompts } = session;
  const question = (preview: Preview): string =>
    preview.populated
      ? `${describeKill(preview)} in ${sanitize(preview.cgroup)}?`
      : `Remove ${sanitize(preview.cgroup)}?`;
  const asked = (preview: Preview): Confirmed => (preview.populated ? "kill" : "remove");
  if (isDone(plan, seen)) return "empty";
  if (!(await isSure(question(seen), plan, seen, prompts))) return undefined;
  // Where it is gone, whether another has its name is asked by the kill, which then refuses.
  const now = await previewIfThere(plan, session);
  const change = now === undefined ? undefined : describeChange(seen, now);
  if (now === undefined || change === undefined) return asked(seen);
  const told = `\n  the members have changed since you looked: ${change}\n  (freeze it first, and they cannot)\n\n`;
  cli.io.writeOut(wrapped(told, "out", cli.io));
  if (isDone(plan, now)) return "empty";
  return (await prompts.confirm(question(now))) === true ? asked(now) : undefined;
}

/** It is empty, and the caller wants it kept. */
const isDone = ({ options }: KillPlan, { populated }: Preview): boolean => !populated && options.remove === false;

const withRemoval = (plan: KillPlan): KillPlan => ({
  ...plan,
  remove: true,
  options: { ...plan.options, remove: true },
});

async function previewIfThere(plan: KillPlan, { command, cli }: Session): Promise<Preview | undefined> {
  try {
    return await readPreview(cli.sys, plan, command.timeoutMs, paceOf(cli));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function isSure(question: string, plan: KillPlan, preview: Preview, prompts: Prompts): Promise<boolean> {
  const isGrave = preview.procsSubtree > MANY || preview.mayRestart || plan.options.allowAncestors;
  if (!isGrave) return (await prompts.confirm(question)) === true;
  const last = sanitize(preview.cgroup.slice(preview.cgroup.lastIndexOf("/") + 1));
  return (await prompts.confirmByTyping(`${question}\nType ${last} to go on`, last)) === true;
}

/** Who has come and who has gone; `undefined` where nobody has. */
function describeChange(before: Preview, after: Preview): string | undefined {
  const pids = ({ processes }: Preview): Set<number> => new Set(processes.map(({ pid }) => pid));
  const come = pids(after).difference(pids(before)).size;
  const gone = pids(before).difference(pids(after)).size;
  return come + gone === 0 ? undefined : `${come} new, ${gone} gone`;
}
