// The menu of one cgroup: preview, freeze if wanted, confirm. Before the confirmation only the freeze changes anything,
// and every way out undoes it.

import { cgkillCommand } from "../../advice.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { freezeTarget, undoFreezes } from "../../freeze/freeze-twins.ts";
import type { Release } from "../../freeze/guardian.ts";
import type { Preview } from "../../inspect/preview-types.ts";
import { readPreview } from "../../inspect/preview.ts";
import type { KillPlan } from "../../kill/types.ts";
import { ignoreStopRequests } from "../../sys/signals.ts";
import { paceOf } from "../cli-context.ts";
import { renderPreview } from "../commands/show.ts";
import { reportOutcome } from "../output/report.ts";
import { writeWrapped } from "../output/wrap.ts";
import { renderCommand } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { confirm, describeKill } from "./confirm.ts";
import { killConfirmed } from "./confirmed-kill.ts";
import { type MenuResult, type Session, withUrgentProgress } from "./session.ts";

type MenuAction = "leave" | "freeze" | "all" | "kill";

/** Ask about one cgroup. Whatever the answer, it is left thawed unless it was found frozen. */
export async function runTargetMenu(plan: KillPlan, session: Session): Promise<MenuResult> {
  const { sys } = session.cli;
  let isFrozenByUs = false;
  let wasKilled = false;
  using held = new DisposableStack();
  const guards: Release[] = [];
  // Found thawed: another program may have frozen it while the question was on the screen.
  const ours = new Set<Cgroup>();
  const beforeFreeze = async (cgroup: Cgroup): Promise<void> => {
    guards.push(await startGuard(cgroup, session));
    ours.add(cgroup);
  };
  try {
    let preview = await present(plan, session);
    if (plan.refusal !== null) return { status: "refused" };
    if (!preview.populated && !plan.remove) return { status: "empty" };
    for (;;) {
      const action = await chooseAction(preview, isFrozenByUs, session);
      if (action === undefined) return { status: "interrupted", isCancelled: true };
      if (action === "leave") return { status: "interrupted" };
      if (action === "all") {
        preview = await present(plan, session, Number.POSITIVE_INFINITY);
      } else if (action === "freeze") {
        const outcome = await withUrgentProgress("freeze", plan, session, async (ctx) => {
          const frozen = await freezeTarget(sys, plan, ctx, beforeFreeze);
          // Recorded first: reporting it can fail, and even then the freeze must be undone.
          isFrozenByUs = frozen.outcome === "frozen" && ours.size > 0;
          if (isFrozenByUs) held.use(ignoreStopRequests());
          return frozen;
        });
        await reportOutcome(outcome, session.command, session.cli);
        preview = await present(plan, session);
      } else {
        const { answer, seen } = await confirm(plan, preview, session);
        if (answer === undefined) return { status: "interrupted", isCancelled: true };
        if (answer === "empty") return { status: "empty" };
        wasKilled = answer;
        if (wasKilled) return await killConfirmed(seen.populated ? plan : withRemoval(plan), session);
        preview = seen;
      }
    }
  } finally {
    const failure = isFrozenByUs ? undoFreezes(sys, ours) : null;
    // If the thaw failed, the guardians try again when this process ends.
    if (failure !== null) writeErr(`cgkill: could not thaw: ${sanitize(failure.message)}\n`, session);
    else {
      for (const release of guards) release();
      if (isFrozenByUs && !wasKilled) session.cli.io.writeOut(`thawed  ${sanitize(plan.cgroup.path)}\n`);
    }
  }
}

/** Start a guardian. If that fails, the freeze goes on and a message says what that means. */
async function startGuard(cgroup: Cgroup, session: Session): Promise<Release> {
  try {
    return await session.guard(cgroup);
  } catch (error) {
    const thaw = renderCommand(cgkillCommand(["thaw"], cgroup.name));
    const hint = `  hint: if cgkill is killed while it holds the freeze, thaw it yourself:\n${thaw}\n`;
    writeErr(`cgkill: no guardian could be started: ${sanitize((error as Error).message)}\n${hint}`, session);
    return () => {};
  }
}

const writeErr = (text: string, { cli: { io } }: Session): void => writeWrapped(text, "err", io);

/** Lines reserved for the question below the preview, and the minimum shown of the preview: name and verdict. */
const ROOM_FOR_QUESTION = 9;
const MIN_SHOWN = 2;

async function present(plan: KillPlan, { command, cli }: Session, rows?: number): Promise<Preview> {
  const { sys, io } = cli;
  const preview = await readPreview(sys, plan, command.timeoutMs, paceOf(cli));
  const { columns, rows: height } = io.size("out");
  const paint = await io.paint("out", command.output.color);
  const shown = Math.max(MIN_SHOWN, rows ?? height - ROOM_FOR_QUESTION);
  const style = { paint, columns, now: new Date(sys.wallClock()), rows: shown };
  io.writeOut(`\n${renderPreview(preview, style)}\n`);
  return preview;
}

function chooseAction(preview: Preview, isFrozenByUs: boolean, { prompts }: Session): Promise<MenuAction | undefined> {
  const { state, cgroup } = preview;
  return prompts.choose<MenuAction>(`What about ${sanitize(cgroup)}?`, [
    { value: "leave", label: isFrozenByUs ? "Thaw it and leave" : "Leave it alone" },
    ...(state === "thawed" ? [FREEZE] : []),
    { value: "all", label: "Show every process" },
    { value: "kill", label: describeKill(preview) },
  ]);
}

const FREEZE = { value: "freeze", label: "Freeze it first, so that what you see is what dies" } as const;

const withRemoval = (plan: KillPlan): KillPlan => ({
  ...plan,
  remove: true,
  options: { ...plan.options, remove: true },
});
