// The one line that says what is waited for, on a terminal, from half a second on; gone when the work ends.

import type { Progress } from "../../kill/types.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import type { Io } from "../streams/streams.ts";
import { sanitize } from "../text/sanitize.ts";
import { truncate } from "../text/table.ts";
import { plural } from "../text/units.ts";

const QUIET_MS: Millis = 500;
/** How often it is drawn: each time the kernel is asked how many are left. */
const PACE_MS = 200;
const ERASE_LINE = "\r\u001b[2K";

const DOING: Readonly<Record<NonNullable<Progress["phase"]>, string>> = {
  freezeMs: "freezing",
  scanMs: "looking for processes in",
  signalMs: "killing",
  thawMs: "thawing",
  waitMs: "waiting for the dead in",
  removeMs: "removing",
};

export interface LiveLine {
  readonly onProgress: (progress: Progress) => Promise<void>;
  /** Take the line away, for something else to be written. */
  readonly clear: () => void;
}

/** Other work than a kill leaves the members there. */
const DOING_TO_ALL: typeof DOING = { ...DOING, signalMs: "signalling", waitMs: "waiting for" };

/** @param name  the cgroup that is worked on, as people know it */
export function liveLine(
  sys: Sys,
  io: Io,
  name: string,
  isWanted: boolean,
  quietMs: Millis = QUIET_MS,
  isKill: boolean = true,
): LiveLine {
  const start: Millis = sys.now();
  let drawnAt: Millis = start + quietMs - PACE_MS;
  let isShown = false;
  // Asked of the kernel once there is something to show.
  let isTerminal: boolean | undefined;
  return {
    async onProgress({ phase, countLeft }) {
      const now = sys.now();
      if (!isWanted || now - drawnAt < PACE_MS) return;
      drawnAt = now;
      isTerminal ??= io.isRedrawable("err");
      if (!isTerminal) return;
      isShown = true;
      const doing = phase === null ? "working on" : (isKill ? DOING : DOING_TO_ALL)[phase];
      const count = `${plural(await countLeft(), "process")}${isKill ? " left" : ""}`;
      const text = `${doing} ${sanitize(name)}: ${count}, ${((now - start) / 1000).toFixed(1)} s`;
      io.writeErr(ERASE_LINE + truncate(text, io.size("err").columns - 1));
    },
    clear() {
      if (isShown) io.writeErr(ERASE_LINE);
      isShown = false;
    },
  };
}
