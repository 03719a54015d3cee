// Yields a target for each line of standard input as it arrives. A line is only a name: it has no options, and is not
// relative to the working directory.

import { InterruptedError, RefusedError } from "../../kill/errors.ts";
import type { Millis } from "../../sys/sys.ts";
import type { Call } from "../cli-context.ts";
import { failingTarget, namedTarget, type SingleTarget } from "./expand.ts";
import { createLineSplitter, type Line } from "./lines.ts";

/** The interval between checks for signals. After a signal, cgkill promises to be on its way out within 50 ms. */
const TURN_MS: Millis = 10;

/**
 * Yield the targets. Never throws: after a read error or a signal, the last target fails with it.
 *
 * @param onDrained  called when all input so far has been acted on, before waiting for more
 * @param onWait     called once, when a pipe or socket has no name yet
 */
export async function* stdinTargets(
  call: Call,
  onDrained: () => void = () => {},
  onWait: () => Promise<void> = async () => {},
): AsyncGenerator<SingleTarget> {
  const { sys, io, abort } = call;
  const splitter = createLineSplitter({ isNullSeparated: call.command.nullSeparated });
  try {
    for await (const chunk of io.readIn(abort, onWait)) {
      // A chunk comes right after a turn, and may have many lines.
      let turnedAt = sys.now();
      for (const line of splitter.split(chunk)) {
        if (sys.now() - turnedAt >= TURN_MS) {
          await sys.turn();
          turnedAt = sys.now();
        }
        if (abort.aborted) break;
        yield toTarget(line, call);
      }
      if (abort.aborted) break;
      onDrained();
    }
    const rest = splitter.rest();
    if (rest !== undefined && !abort.aborted) yield toTarget(rest, call);
  } catch (error) {
    yield failingTarget("-", error);
  }
  if (abort.aborted) yield failingTarget("-", new InterruptedError());
}

function toTarget({ name, problem }: Line, call: Call): SingleTarget {
  if (problem === undefined) return namedTarget(name, call);
  const message = `standard input: ${name === "" ? "a line" : `the line ${name}`} is ${problem}`;
  const hint = "write one path per line, such as /batch/job7, each followed by a newline, or with -0 by NUL";
  return failingTarget(name, new RefusedError({ code: "bad-line", message, hint, commands: [] }));
}
