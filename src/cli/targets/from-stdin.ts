// The targets that standard input names, each as soon as its line is there. A line is only a name: no option, and
// nothing relative to our working directory.

import { InterruptedError, RefusedError } from "../../kill/errors.ts";
import type { Millis } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import { namedTarget, type SingleTarget, type Source } from "./expand.ts";
import { type Line, readLines } from "./lines.ts";

const failing = (name: string, error: unknown): SingleTarget => ({ name, open: () => Promise.reject(error) });

/** How long a signal may wait between two names; people are promised 50 ms for all of it. */
const TURN_MS: Millis = 10;

/**
 * Never throws: an input that cannot be read, or a signal, is its last target.
 *
 * @param onDrained  called when all that has come in is acted on, before more is waited for
 */
export async function* stdinTargets(
  command: TargetCommand,
  { sys, io, abort }: Source,
  onDrained: () => void = () => {},
): AsyncGenerator<SingleTarget> {
  let turnedAt = Number.NEGATIVE_INFINITY;
  try {
    for await (const line of readLines(drained(io.readIn(abort), onDrained), {
      isNullSeparated: command.nullSeparated,
    })) {
      // Many may come in one piece: a signal is seen in time.
      if (sys.now() - turnedAt >= TURN_MS) {
        await sys.turn();
        turnedAt = sys.now();
      }
      if (abort.aborted) break;
      yield toTarget(line, command);
    }
  } catch (error) {
    yield failing("-", error);
  }
  if (abort.aborted) yield failing("-", new InterruptedError());
}

async function* drained(chunks: AsyncIterable<Uint8Array>, onDrained: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onDrained();
  }
}

function toTarget({ name, problem }: Line, { hierarchy }: TargetCommand): SingleTarget {
  if (problem === undefined) return namedTarget(name, hierarchy);
  return failing(
    name,
    new RefusedError({
      code: "bad-line",
      message: `standard input: ${name === "" ? "a line" : `the line ${name}`} names no cgroup: ${problem}`,
      hint: "write one path per line, such as /batch/job7, each with its newline, or with -0 each with a NUL",
      commands: [],
    }),
  );
}
