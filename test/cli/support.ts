// Shared by the tests of the command line: readable colours, usage errors, recorded streams, a seeded generator.

import { UsageError } from "../../src/cli/args/usage-error.ts";
import type { Io, Paint } from "../../src/cli/streams/streams.ts";
import { renderAdvice } from "../../src/cli/text/render-advice.ts";

const same = (text: string): string => text;
export const PLAIN: Paint = { good: same, bad: same, dim: same, bold: same };

/** Colours as tags, readable in an expectation. */
export const MARKED: Paint = {
  good: (text) => `<good>${text}</good>`,
  bad: (text) => `<bad>${text}</bad>`,
  dim: (text) => `<dim>${text}</dim>`,
  bold: (text) => `<bold>${text}</bold>`,
};

/**
 * Run `work` and return the texts of the usage error that it throws, with the hint and its commands as printed.
 *
 * @throws Error  it threw no usage error
 */
export function usageErrorOf(work: () => unknown): { message: string; hint: string | null } {
  let value: unknown;
  try {
    value = work();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { message: error.message, hint: renderAdvice(error).replace("  hint: ", "").trimEnd() || null };
  }
  throw new Error(`no usage error, but ${JSON.stringify(value)}`);
}

/** A random generator with the same numbers in each run, from 0 to `below` - 1. */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return (state >> 8) % below;
  };
}

export interface Written {
  readonly io: Io;
  readonly out: () => string;
  readonly err: () => string;
}

/** Streams that record what is written. None is a terminal. */
export function writtenIo(paint: Paint = PLAIN): Written {
  const texts = { out: "", err: "" };
  const unused = (): never => {
    throw new Error("not for this test");
  };
  const io: Io = {
    writeOut: (text) => void (texts.out += text),
    writeErr: (text) => void (texts.err += text),
    flush: async () => {},
    settle: async () => {},
    readIn: unused,
    paint: async () => paint,
    isTerminal: () => false,
    size: () => ({ columns: 80, rows: 24 }),
    isUtf8: () => true,
    isRedrawable: () => false,
    outErrno: () => undefined,
    dropped: () => [],
    hasUnwrittenOutput: () => false,
  };
  return { io, out: () => texts.out, err: () => texts.err };
}
