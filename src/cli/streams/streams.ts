// The streams, by plain writes to descriptors 1 and 2. The stream objects of the runtime are never touched: they need
// a thread, and on a host with none left they abort the process. For the same reason colour is loaded only when it is
// wanted.

import type { Host, TerminalSize } from "../../sys/sys.ts";
import type { ColorWhen } from "../args/command.ts";
import { isAscii, toAscii } from "../text/sanitize.ts";
import { createQueue, hasRoom, type Queue } from "./nonblocking-writer.ts";
import { readInput } from "./read-stdin.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const LOCALE = ["LC_ALL", "LC_CTYPE", "LANG"];
const UTF8 = /utf-?8/i;

const FDS: Readonly<Record<StreamName, number>> = { in: STDIN, out: STDOUT, err: STDERR };
const fdOf = (stream: StreamName): number => FDS[stream];

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

export type StreamName = "in" | "out" | "err";

export interface Io {
  /** Neither waits for a reader: what is not taken at once is written by `flush`, or before the next text. */
  writeOut(text: string): void;
  writeErr(text: string): void;
  /**
   * Wait until all is written. For standard output as long as it takes, since it is what was asked for; no longer for a
   * standard error that nobody reads, nor for either once a signal asks us to stop.
   */
  flush(abort: AbortSignal): Promise<void>;
  /**
   * Wait until standard output has taken what was written, for a second at most; no longer for a reader that has not read
   * since. From the first call on only so much is kept for such a reader, and what comes then is dropped and counted.
   */
  settle(abort: AbortSignal): Promise<void>;
  /**
   * What comes in on standard input, in pieces that share one buffer: each is good until the next is asked for.
   *
   * @param abort  stops the reading: a person at a terminal may never send its end
   * @throws SysError  it is closed, or a directory
   */
  readIn(abort: AbortSignal): AsyncIterable<Uint8Array>;
  /** How to paint what goes to a stream, decided for each. */
  paint(stream: StreamName, when: ColorWhen): Promise<Paint>;
  isTerminal(stream: StreamName): boolean;
  /** Its size; 80 x 24 where it is no terminal, or one that does not say. */
  size(stream: StreamName): TerminalSize;
  /** Does the locale say that more than ASCII can be shown? */
  isUtf8(): boolean;
  /** Can what stands on it be written over? */
  isRedrawable(stream: StreamName): boolean;
  /** The errno that ended the writing to standard output, if one did. */
  outErrno(): string | undefined;
  /** Is there something for standard output that was not written, after `flush`: it was given up? */
  hasUnwrittenOutput(): boolean;
}

/** A reader that takes nothing for so long reads no more. */
const PATIENCE_MS = 300;
/** What is said to one who reads, but slowly, after a signal asked us to stop. */
const LAST_WORDS_MS = 1000;
/** poll(2) may say that there is room where there is too little. */
const FULL_PAUSE_MS = 5;

/** @param isOutput  it is waited for as long as it takes */
async function drain(sys: Host, fd: number, queue: Queue, abort: AbortSignal, isOutput: boolean): Promise<void> {
  let movedAt = sys.now();
  let abortedAt: number | undefined;
  while (queue.hasRest()) {
    const isReady = hasRoom(sys, [fd], SLICE_MS);
    const now = sys.now();
    if (isReady && queue.push()) movedAt = now;
    else if (isReady) hasRoom(sys, [], FULL_PAUSE_MS);
    await sys.turn();
    if (abort.aborted) abortedAt ??= now;
    if ((abort.aborted || !isOutput) && now - movedAt > PATIENCE_MS) return;
    if (abortedAt !== undefined && now - abortedAt > LAST_WORDS_MS) return;
  }
}

/** How long a signal waits until it is noticed while nothing goes out. */
const SLICE_MS = 50;

const isUtf8 = (): boolean => UTF8.test(LOCALE.map((name) => process.env[name] ?? "").find(Boolean) ?? "");

const isSet = (name: string): boolean => (process.env[name] ?? "") !== "";

function wantsColor(sys: Host, fd: number, when: ColorWhen): boolean {
  if (when !== "auto") return when === "always";
  if (isSet("NO_COLOR")) return false;
  if (isSet("FORCE_COLOR")) return process.env["FORCE_COLOR"] !== "0";
  return sys.terminalSize(fd) !== undefined && process.env["TERM"] !== "dumb";
}

const same = (text: string): string => text;
const PLAIN: Paint = { good: same, bad: same, dim: same, bold: same };

async function loadPaint(): Promise<Paint> {
  // With this set the package does not look at process.stdout to make up its mind, which is made up already. Only for
  // as long as it is loaded: it is the user's wish that the next stream is asked about.
  const wish = process.env["FORCE_COLOR"];
  process.env["FORCE_COLOR"] = "1";
  const { default: picocolors } = await import("picocolors");
  if (wish === undefined) delete process.env["FORCE_COLOR"];
  else process.env["FORCE_COLOR"] = wish;
  const { green, red, dim, bold } = picocolors.createColors(true);
  return { good: green, bad: red, dim, bold };
}

/** So much is kept of what a slow reader has not read; what comes then is counted. */
const MAX_KEPT_BYTES = 1024 * 1024;

export function createIo(sys: Host): Io {
  const out = createQueue(sys, STDOUT);
  const err = createQueue(sys, STDERR);
  const shown = (fd: number, text: string): string =>
    isUtf8() || isAscii(text) || sys.terminalSize(fd) === undefined ? text : toAscii(text);
  let mostOut = Number.POSITIVE_INFINITY;
  let isStuck = false;
  const settle = async (abort: AbortSignal): Promise<void> => {
    mostOut = MAX_KEPT_BYTES;
    if (out.hasRest() && out.push()) isStuck = false;
    const until = sys.now() + LAST_WORDS_MS;
    while (out.hasRest() && !isStuck && !abort.aborted) {
      if (!hasRoom(sys, [STDOUT], SLICE_MS) || !out.push()) hasRoom(sys, [], FULL_PAUSE_MS);
      await sys.turn();
      isStuck = sys.now() > until;
    }
  };
  return {
    settle,
    writeOut: (text) => out.write(shown(STDOUT, text), mostOut),
    writeErr: (text) => err.write(shown(STDERR, text), MAX_KEPT_BYTES),
    async flush(abort) {
      await drain(sys, STDOUT, out, abort, true);
      await drain(sys, STDERR, err, abort, false);
      const [answers, messages] = [out.takeDropped(), err.takeDropped()];
      if (answers > 0) err.write(`cgkill: ${answers} answers dropped, which standard output did not take in time\n`);
      if (messages > 0) err.write(`cgkill: ${messages} messages more, which nobody read in time\n`);
    },
    readIn: (abort) => readInput(sys, abort),
    paint: async (stream, when) => (wantsColor(sys, fdOf(stream), when) ? await loadPaint() : PLAIN),
    isTerminal: (stream) => sys.terminalSize(fdOf(stream)) !== undefined,
    size(stream) {
      const { columns = 0, rows = 0 } = sys.terminalSize(fdOf(stream)) ?? {};
      return { columns: columns || DEFAULT_COLUMNS, rows: rows || DEFAULT_ROWS };
    },
    isUtf8,
    isRedrawable: (stream) => process.env["TERM"] !== "dumb" && sys.terminalSize(fdOf(stream)) !== undefined,
    outErrno: () => out.errno(),
    hasUnwrittenOutput: out.hasRest,
  };
}
