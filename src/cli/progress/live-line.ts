// The live line on a terminal: what a longer operation is doing. Erased when it ends.

import type { Progress } from "../../kill/types.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import type { Io } from "../streams/streams.ts";
import { sanitize } from "../text/sanitize.ts";
import { truncate } from "../text/table.ts";
import { plural, renderBytes } from "../text/units.ts";

/** Shorter operations show nothing. */
const QUIET_MS: Millis = 500;
/** Each redraw reads from the kernel how many processes are left. */
const REDRAW_MS = 200;
/** Between two redraws; less is no release that would be worth waiting for. */
const MIN_RELEASE_BYTES = 16 * 2 ** 20;
const ERASE_LINE = "\r\u001b[2K";

const KILL_WORDS: Readonly<Record<NonNullable<Progress["phase"]>, string>> = {
  freezeMs: "freezing",
  scanMs: "listing processes in",
  signalMs: "killing",
  thawMs: "thawing",
  waitMs: "waiting for processes to exit in",
  removeMs: "removing",
};

export interface LiveLine {
  readonly onProgress: (progress: Progress) => Promise<void>;
  /** Erase the line, so that something else can be written. */
  readonly clear: () => void;
}

/** Other operations do one thing in all phases. */
const OTHER_WORDS: Readonly<Record<Exclude<TargetCommand["kind"], "kill">, string>> = {
  show: "reading",
  freeze: "freezing",
  thaw: "thawing",
  signal: "signalling",
};

/**
 * @param name  the cgroup, as it was named
 * @param isWanted  `false` with --quiet
 * @param quietMs  how long nothing is shown
 */
export function liveLine(
  sys: Sys,
  io: Io,
  name: string,
  isWanted: boolean,
  kind: TargetCommand["kind"],
  quietMs: Millis = QUIET_MS,
): LiveLine {
  const start: Millis = sys.now();
  let drawnAt: Millis = start + quietMs - REDRAW_MS;
  let isShown = false;
  let memoryBefore: { readonly bytes: number; readonly at: Millis } | undefined;
  /** While memory is returned: how much is left, and for how long at this speed. */
  const renderRelease = (bytes: number | null, now: Millis): string => {
    const before = memoryBefore;
    memoryBefore = bytes === null ? undefined : { bytes, at: now };
    if (bytes === null || before === undefined || before.bytes - bytes < MIN_RELEASE_BYTES) return "";
    const bytesPerMs = (before.bytes - bytes) / (now - before.at);
    return `, ${renderBytes(bytes)} of memory to return in ${(bytes / bytesPerMs / 1000).toFixed(1)} s`;
  };
  return {
    async onProgress({ phase, countLeft, memoryLeft }) {
      const now = sys.now();
      if (!isWanted || now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      if (!io.isRedrawable("err")) return;
      isShown = true;
      const doing = kind !== "kill" ? OTHER_WORDS[kind] : phase === null ? "working on" : KILL_WORDS[phase];
      // Only a kill reduces their number.
      const count = `${plural(await countLeft(), "process")}${kind === "kill" ? " left" : ""}`;
      const memory = phase === "waitMs" && kind === "kill" ? renderRelease(await memoryLeft(), now) : "";
      const text = `${doing} ${sanitize(name)}: ${count}${memory}, ${((now - start) / 1000).toFixed(1)} s`;
      io.writeErr(ERASE_LINE + truncate(text, io.size("err").columns - 1));
    },
    clear() {
      if (isShown) io.writeErr(ERASE_LINE);
      isShown = false;
    },
  };
}
