// The interactive mode: find, look, freeze if wanted, confirm, kill. It supplies targets and a yes; what is done then is
// what the command line does. Every way out thaws what was frozen here.

import { findHierarchies } from "../cgroup/hierarchy.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { blankOutcome, endingOf, type Started } from "../kill/outcome.ts";
import { planKill } from "../kill/plan.ts";
import type { Preview } from "../kill/preview-types.ts";
import { readPreview } from "../kill/preview.ts";
import { executeFreeze, takeBackFreeze } from "../kill/switch.ts";
import type { KillPlan } from "../kill/types.ts";
import { isGone } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import type { TargetCommand } from "./args.ts";
import { killConfirmed } from "./confirmed-kill.ts";
import type { Edge } from "./edge.ts";
import { UsageError } from "./errors.ts";
import { exitCodeOf, type Status } from "./exit.ts";
import { folded } from "./fold.ts";
import { pickTargets } from "./pick.ts";
import type { Prompts } from "./prompts.ts";
import { plural } from "./render.ts";
import { tellKill, tellSwitch } from "./report.ts";
import { killOptions } from "./run-options.ts";
import { sanitize } from "./sanitize.ts";
import { type Decided, decided, type Session, watching } from "./session.ts";
import { renderPreview } from "./show.ts";
import { expandTarget, type SingleTarget } from "./targets.ts";

/** @throws UsageError  there is nobody to ask */
export async function runInteractive(command: TargetCommand, edge: Edge): Promise<number> {
  const { sys, io, abort } = edge;
  requireTerminal(edge);
  // The package decides by this variable, and only when it is loaded, whether it may draw more than ASCII.
  if (!io.isUtf8()) process.env["TERM"] = "linux";
  const { createPrompts, RESTORE } = await import("./prompts.ts");
  const session = {
    command,
    edge,
    prompts: createPrompts(abort, io.size("out").columns, io.isUtf8(), () => io.flush(abort)),
  };
  const outcomes: Status[] = [];
  // From here on mostly a person is waited for.
  sys.setUrgent(false);
  try {
    for (;;) {
      const targets = await targetsOf(session);
      if (targets === undefined) break;
      if (!(await runAll(targets, outcomes, session)) || command.targets.length > 0) break;
      if (abort.aborted || !(await wantsMore(session))) break;
    }
  } finally {
    io.writeOut(RESTORE);
  }
  return exitCodeOf(outcomes.length === 0 ? ["interrupted"] : outcomes, String(abort.reason));
}

/** @returns `false` where one was cancelled: the others are then not asked about either */
async function runAll(targets: readonly SingleTarget[], outcomes: Status[], session: Session): Promise<boolean> {
  for (const [nth, single] of targets.entries()) {
    const { status, isCancelled } = await runOne(single, session);
    outcomes.push(status);
    if (!isCancelled) continue;
    if (nth + 1 < targets.length) outcomes.push("interrupted");
    return false;
  }
  return true;
}

function requireTerminal({ io }: Edge): void {
  const isDumb = process.env["TERM"] === "dumb" || (process.env["CI"] ?? "") !== "";
  if (!isDumb && io.isTerminal("in") && io.isTerminal("out") && io.isTerminal("err")) return;
  throw new UsageError(
    "the interactive mode needs a terminal, with nothing redirected",
    "without one: cgkill show CGROUP, cgkill CGROUP, cgkill list; see cgkill --help",
  );
}

async function targetsOf({ command, edge, prompts }: Session): Promise<readonly SingleTarget[] | undefined> {
  const { sys, io, abort } = edge;
  if (command.targets.length === 0) return await pickTargets(command, edge, prompts);
  const source = { sys, io, abort, hierarchies: () => findHierarchies(sys) };
  return (await Promise.all(command.targets.map((target) => expandTarget(target, command, source)))).flat();
}

async function wantsMore({ prompts }: Session): Promise<boolean> {
  const answer = await prompts.choose("What now?", [
    { value: "done", label: "Done" },
    { value: "again", label: "Back to the list" },
  ]);
  return answer === "again";
}

async function runOne({ name, open }: SingleTarget, session: Session): Promise<Decided> {
  const { command, edge } = session;
  const { sys, io } = edge;
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const opened: Cgroup[] = [];
  let plan: KillPlan | null = null;
  try {
    const hierarchies = findHierarchies(sys);
    const cgroup = await open(sys, hierarchies);
    opened.push(cgroup);
    plan = planKill(sys, cgroup, killOptions(sys, hierarchies, command, opened));
    return await lookAndDecide(plan, session);
  } catch (error) {
    const ending = endingOf(error);
    await tellKill(blankOutcome(name, plan, started, sys.now(), ending), command, io);
    return decided(ending.outcome);
  } finally {
    for (const { fd } of opened) sys.close(fd);
  }
}

type Action = "leave" | "freeze" | "all" | "kill";

/** What is asked of one cgroup. It is left thawed, unless it was found frozen, whatever is answered. */
export async function lookAndDecide(plan: KillPlan, session: Session): Promise<Decided> {
  const { sys } = session.edge;
  let isFrozenByUs = false;
  try {
    let preview = await present(plan, session);
    if (plan.refusal !== null) return decided("refused");
    if (!preview.populated && !plan.remove) return decided("empty");
    for (;;) {
      const action = await ask(preview, isFrozenByUs, session);
      if (action === undefined) return { status: "interrupted", isCancelled: true };
      if (action === "leave") return decided("interrupted");
      if (action === "all") {
        preview = await present(plan, session, Number.POSITIVE_INFINITY);
      } else if (action === "freeze") {
        const outcome = await watching(plan, session, async (ctx) => {
          const frozen = await executeFreeze(sys, plan, ctx);
          // Known before anything else is done: telling of it can fail, and it must be taken back all the same.
          isFrozenByUs = frozen.outcome === "frozen";
          return frozen;
        });
        await tellSwitch(outcome, session.command, session.edge.io);
        preview = await present(plan, session);
      } else if (await isConfirmed(plan, preview, session)) {
        return await killConfirmed(plan, session);
      }
    }
  } finally {
    if (isFrozenByUs) takeBackFreeze(sys, plan.cgroup);
  }
}

/** Lines that the questions need below it. */
const ROOM_FOR_QUESTION = 9;

async function present(plan: KillPlan, { command, edge }: Session, rows?: number): Promise<Preview> {
  const { sys, io } = edge;
  const preview = readPreview(sys, plan);
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

function describeKill({ procsSubtree, invisible, populated }: Preview): string {
  return populated ? `Kill ${plural(procsSubtree + invisible, "process")}` : "Remove it: it is empty";
}

/** From so many on a yes is too quickly said. */
const MANY = 100;

async function isConfirmed(plan: KillPlan, seen: Preview, session: Session): Promise<boolean> {
  const { edge, prompts } = session;
  const question = (preview: Preview): string =>
    preview.populated
      ? `${describeKill(preview)} in ${sanitize(preview.cgroup)}?`
      : `Remove ${sanitize(preview.cgroup)}?`;
  if (!(await isSure(question(seen), plan, seen, prompts))) return false;
  const now = readAgain(edge.sys, plan);
  const change = now === undefined ? undefined : describeChange(seen, now);
  if (now === undefined || change === undefined) return true;
  const told = `\n  the members have changed since you looked: ${change}\n  (freeze it first, and they cannot)\n\n`;
  edge.io.writeOut(folded(told, "out", edge.io));
  return (await prompts.confirm(question(now))) === true;
}

async function isSure(question: string, plan: KillPlan, preview: Preview, prompts: Prompts): Promise<boolean> {
  const isGrave = preview.procsSubtree > MANY || preview.mayRestart || plan.options.allowAncestors;
  if (!isGrave) return (await prompts.confirm(question)) === true;
  const last = sanitize(preview.cgroup.slice(preview.cgroup.lastIndexOf("/") + 1));
  return (await prompts.confirmByTyping(`${question}\nType ${last} to go on`, last)) === true;
}

/** `undefined` where it is gone: whether another has its name is asked by the kill, which then refuses. */
function readAgain(sys: Sys, plan: KillPlan): Preview | undefined {
  try {
    return readPreview(sys, plan);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Who has come and who has gone; `undefined` where nobody has. */
function describeChange(before: Preview, after: Preview): string | undefined {
  const pids = ({ processes }: Preview): Set<number> => new Set(processes.map(({ pid }) => pid));
  const come = pids(after).difference(pids(before)).size;
  const gone = pids(before).difference(pids(after)).size;
  return come + gone === 0 ? undefined : `${come} new, ${gone} gone`;
}
