// The standard streams, by plain writes to descriptors 1 and 2. The stream objects of the runtime are never used: they
// need a thread, and abort the process on a host that has none left. For the same reason colours are loaded only when
// they are needed.

import type { Host, TerminalSize } from "../../sys/sys.ts";
import type { ColorWhen } from "../args/command.ts";
import { isAscii, toAscii } from "../text/sanitize.ts";
import { createQueue, pollWritable, type Queue } from "./nonblocking-writer.ts";
import { type OnWait, readInput } from "./read-stdin.ts";

const FDS = { in: 0, out: 1, err: 2 } as const;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const LOCALE = ["LC_ALL", "LC_CTYPE", "LANG"];

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

export type StreamName = keyof typeof FDS;

export interface Io {
  /** Neither call waits for a reader: what is not accepted at once is written by `flush`, or before the next text. */
  writeOut(text: string): void;
  writeErr(text: string): void;
  /**
   * Wait until everything is written. Standard output is waited for without limit, because it was asked for; standard
   * error, and both after a signal, only while something reads them.
   */
  flush(abort: AbortSignal): Promise<void>;
  /**
   * Wait at most a second until standard output has accepted everything written so far. A reader that has once used up
   * this second is not waited for again until it reads. From the first call on, the queue is bounded, and texts beyond
   * it are dropped and counted.
   */
  settle(abort: AbortSignal): Promise<void>;
  /** What was dropped, as messages. */
  dropped(): readonly string[];
  /**
   * Read standard input in pieces that share one buffer: each is valid until the next is requested.
   *
   * @param abort   stops reading: input from a terminal may never end
   * @param onWait  called once, when a pipe, FIFO or socket has nothing to read yet
   * @throws SysError  standard input is closed, or a directory
   */
  readIn(abort: AbortSignal, onWait: OnWait): AsyncIterable<Uint8Array>;
  /** The colours for a stream, decided for each stream separately. */
  paint(stream: StreamName, when: ColorWhen): Promise<Paint>;
  isTerminal(stream: StreamName): boolean;
  /** The terminal size; 80 x 24 if it is not a terminal or does not report its size. */
  size(stream: StreamName): TerminalSize;
  /** The locale can show more than ASCII. */
  isUtf8(): boolean;
  /** A line on the stream can be erased and written again. */
  isRedrawable(stream: StreamName): boolean;
  /** The error that ended standard output, if any. */
  outErrno(): string | undefined;
  /** After `flush`: some of standard output was given up. */
  hasUnwrittenOutput(): boolean;
}

/** A reader that accepts nothing for this long is considered stopped. */
const STALLED_MS = 300;
/** How long a slow reader is waited for after a signal, and by `settle`. */
const SLOW_READER_MS = 1000;
/** The pause after poll(2) reported a descriptor as writable and the write was too large for it. */
const FULL_PAUSE_MS = 5;
/** How long a signal may go unnoticed while nothing can be written. */
const SLICE_MS = 50;

/** Wait up to SLICE_MS until something can be written, and let signals in. @returns whether anything was written */
async function pushWhenWritable(sys: Host, fd: number, queue: Queue): Promise<boolean> {
  const isReady = pollWritable(sys, [fd], SLICE_MS);
  const hasWritten = isReady && queue.push();
  if (isReady && !hasWritten) pollWritable(sys, [], FULL_PAUSE_MS);
  await sys.turn();
  return hasWritten;
}

/** @param isPatient  wait for a stalled reader without limit, unless a signal arrives */
async function drain(sys: Host, fd: number, queue: Queue, abort: AbortSignal, isPatient: boolean): Promise<void> {
  let writtenAt = sys.now();
  let abortedAt: number | undefined;
  while (!queue.isEmpty()) {
    const hasWritten = await pushWhenWritable(sys, fd, queue);
    const now = sys.now();
    if (hasWritten) writtenAt = now;
    if (abort.aborted) abortedAt ??= now;
    if ((abort.aborted || !isPatient) && now - writtenAt > STALLED_MS) return;
    if (abortedAt !== undefined && now - abortedAt > SLOW_READER_MS) return;
  }
}

const isUtf8 = (): boolean => /utf-?8/i.test(LOCALE.map((name) => process.env[name] ?? "").find(Boolean) ?? "");

const isSet = (name: string): boolean => (process.env[name] ?? "") !== "";

function wantsColor(isTerminal: boolean, when: ColorWhen): boolean {
  if (when !== "auto") return when === "always";
  if (isSet("NO_COLOR")) return false;
  if (isSet("FORCE_COLOR")) return process.env["FORCE_COLOR"] !== "0";
  return isTerminal && process.env["TERM"] !== "dumb";
}

const same = (text: string): string => text;
const PLAIN: Paint = { good: same, bad: same, dim: same, bold: same };

async function loadPaint(): Promise<Paint> {
  // Set, it keeps the package from examining process.stdout. It is restored, because the decision for the next stream
  // depends on what the user has set.
  const original = process.env["FORCE_COLOR"];
  process.env["FORCE_COLOR"] = "1";
  const { default: picocolors } = await import("picocolors");
  if (original === undefined) delete process.env["FORCE_COLOR"];
  else process.env["FORCE_COLOR"] = original;
  const { green, red, dim, bold } = picocolors.createColors(true);
  return { good: green, bad: red, dim, bold };
}

/** The bound of the queue for a slow reader. */
const MAX_QUEUED_BYTES = 1024 * 1024;

export function createIo(sys: Host): Io {
  const out = createQueue(sys, FDS.out);
  const err = createQueue(sys, FDS.err);
  const isTerminal = (stream: StreamName): boolean => sys.terminalSize(FDS[stream]) !== undefined;
  const forLocale = (stream: StreamName, text: string): string =>
    !isTerminal(stream) || isAscii(text) || isUtf8() ? text : toAscii(text);
  // A terminal that does not accept all at once gets the texts of both streams in their order, from one queue: otherwise one
  // could begin in the middle of a line of the other.
  let isShared = false;
  const inOrder = (own: Queue, other: Queue): Queue => {
    if (other.isEmpty()) return own;
    other.push();
    isShared ||= !other.isEmpty() && isTerminal("out") && isTerminal("err");
    return isShared && !other.isEmpty() ? other : own;
  };
  let maxOutBytes = Number.POSITIVE_INFINITY;
  let isStuck = false;
  const settle = async (abort: AbortSignal): Promise<void> => {
    maxOutBytes = MAX_QUEUED_BYTES;
    if (!out.isEmpty() && out.push()) isStuck = false;
    const until = sys.now() + SLOW_READER_MS;
    while (!out.isEmpty() && !isStuck && !abort.aborted) {
      await pushWhenWritable(sys, FDS.out, out);
      isStuck = sys.now() > until;
    }
  };
  return {
    settle,
    writeOut: (text) => inOrder(out, err).write(forLocale("out", text), maxOutBytes),
    writeErr: (text) => inOrder(err, out).write(forLocale("err", text), MAX_QUEUED_BYTES),
    async flush(abort) {
      await drain(sys, FDS.out, out, abort, true);
      await drain(sys, FDS.err, err, abort, isShared);
    },
    dropped() {
      const messages: string[] = [];
      const note = (count: number, what: string, stream: string): void => {
        if (count > 0) messages.push(`${count} ${what} dropped: ${stream} was not read in time`);
      };
      note(out.dropped(), "answers", "standard output");
      note(err.dropped(), "messages", "standard error");
      return messages;
    },
    readIn: (abort, onWait) => readInput(sys, abort, onWait),
    paint: async (stream, when) => (wantsColor(isTerminal(stream), when) ? await loadPaint() : PLAIN),
    isTerminal,
    size(stream) {
      const { columns = 0, rows = 0 } = sys.terminalSize(FDS[stream]) ?? {};
      return { columns: columns || DEFAULT_COLUMNS, rows: rows || DEFAULT_ROWS };
    },
    isUtf8,
    isRedrawable: (stream) => process.env["TERM"] !== "dumb" && isTerminal(stream),
    outErrno: () => out.errno(),
    hasUnwrittenOutput: () => !out.isEmpty() || (isShared && !err.isEmpty()),
  };
}
