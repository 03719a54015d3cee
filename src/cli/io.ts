// The streams, by plain writes to descriptors 1 and 2. The stream objects of the runtime are never touched: they need
// a thread, and on a host with none left they abort the process. For the same reason colour is loaded only when it is
// wanted. (This and sys/linux.ts are the only files that import node:fs.)

import { readSync, writeSync } from "node:fs";

import { encodeText } from "../sys/bytes.ts";
import { SysError } from "../sys/errno.ts";
import { POLLIN, type Sys, type TerminalSize } from "../sys/sys.ts";
import type { ColorWhen } from "./args.ts";
import { isAscii, toAscii } from "./sanitize.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const FULL_PIPE_PAUSE_MS = 5;
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
  writeOut(text: string): void;
  writeErr(text: string): void;
  /**
   * All of standard input, as bytes.
   *
   * @param abort  stops the reading: a person at a terminal may never send its end
   * @throws SysError  it is closed, or a directory
   */
  readIn(abort: AbortSignal): Promise<Buffer>;
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
}

/**
 * Write all of a text. A reader that is gone, a full disk or a closed descriptor ends the writing and nothing else:
 * the exit status is that of the kill, whether anybody reads of it or not.
 *
 * @returns the errno that ended it
 */
function writeAll(fd: number, text: string): string | undefined {
  // Mostly all goes out at once, as the text it is: making bytes of it, for the first time, takes longer than the write.
  let rest = encodeText(text);
  while (rest.length > 0) {
    try {
      const wrote = typeof rest === "string" ? writeSync(fd, rest) : writeSync(fd, rest);
      if (typeof rest === "string") {
        if (wrote === Buffer.byteLength(rest)) return undefined;
        rest = Buffer.from(rest);
      }
      rest = rest.subarray(wrote);
    } catch (error) {
      const { code = "EIO" } = error as { code?: string };
      if (code !== "EAGAIN") return code;
      // Somebody made the pipe non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
    }
  }
  return undefined;
}

/** How long a signal waits until it is noticed while nothing comes in. */
const INPUT_SLICE_MS = 50;

async function readAll(sys: Sys, abort: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const buffer = Buffer.alloc(64 * 1024);
  while (!abort.aborted) {
    await sys.turn();
    if (sys.poll([{ fd: STDIN, events: POLLIN }], INPUT_SLICE_MS).length === 0) continue;
    const got = readSome(buffer);
    if (got === 0) break;
    if (got !== undefined) chunks.push(Buffer.from(buffer.subarray(0, got)));
  }
  return Buffer.concat(chunks);
}

/** `undefined` where nothing is there yet. */
function readSome(buffer: Buffer): number | undefined {
  try {
    return readSync(STDIN, buffer, 0, buffer.length, null);
  } catch (error) {
    const { code = "EIO" } = error as { code?: string };
    if (code === "EAGAIN") return undefined;
    throw new SysError("read", "standard input", code);
  }
}

const isUtf8 = (): boolean => UTF8.test(LOCALE.map((name) => process.env[name] ?? "").find(Boolean) ?? "");

const isSet = (name: string): boolean => (process.env[name] ?? "") !== "";

function wantsColor(sys: Sys, fd: number, when: ColorWhen): boolean {
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

export function createIo(sys: Sys): Io {
  const ended = new Map<number, string>();
  const write = (fd: number, text: string): void => {
    if (ended.has(fd)) return;
    const isShown = isUtf8() || isAscii(text) || sys.terminalSize(fd) === undefined;
    const errno = writeAll(fd, isShown ? text : toAscii(text));
    if (errno !== undefined) ended.set(fd, errno);
  };
  return {
    writeOut: (text) => write(STDOUT, text),
    writeErr: (text) => write(STDERR, text),
    readIn: (abort) => readAll(sys, abort),
    paint: async (stream, when) => (wantsColor(sys, fdOf(stream), when) ? await loadPaint() : PLAIN),
    isTerminal: (stream) => sys.terminalSize(fdOf(stream)) !== undefined,
    size(stream) {
      const { columns = 0, rows = 0 } = sys.terminalSize(fdOf(stream)) ?? {};
      return { columns: columns || DEFAULT_COLUMNS, rows: rows || DEFAULT_ROWS };
    },
    isUtf8,
    isRedrawable: (stream) => process.env["TERM"] !== "dumb" && sys.terminalSize(fdOf(stream)) !== undefined,
    outErrno: () => ended.get(STDOUT),
  };
}
