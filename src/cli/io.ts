// The streams, by plain writes to descriptors 1 and 2. The stream objects of the runtime are never touched: they need
// a thread, and on a host with none left they abort the process. For the same reason colour is loaded only when it is
// wanted. (This and sys/linux.ts are the only files that import node:fs.)

import { readlinkSync, readSync, writeSync } from "node:fs";

import type { ColorWhen } from "./args.ts";

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const FULL_PIPE_PAUSE_MS = 5;

export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

export interface Io {
  writeOut(text: string): void;
  writeErr(text: string): void;
  /** All of standard input, as bytes. */
  readIn(): Buffer;
  /** How to paint what goes to a stream, decided for each. */
  paint(stream: "out" | "err", when: ColorWhen): Promise<Paint>;
}

/**
 * Write all of a text. A reader that is gone, a full disk or a closed descriptor ends the writing and nothing else:
 * the exit status is that of the kill, whether anybody reads of it or not.
 *
 * @returns whether more may be written
 */
function writeAll(fd: number, text: string): boolean {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as { code?: string }).code !== "EAGAIN") return false;
      // Somebody made the pipe non-blocking, and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_PAUSE_MS);
    }
  }
  return true;
}

function readAll(fd: number): Buffer {
  const chunks: Buffer[] = [];
  const buffer = Buffer.alloc(64 * 1024);
  for (;;) {
    const got = readSync(fd, buffer, 0, buffer.length, null);
    if (got === 0) return Buffer.concat(chunks);
    chunks.push(Buffer.from(buffer.subarray(0, got)));
  }
}

/** By the name of what the descriptor leads to: the runtime's own isatty comes with the stream objects. */
function isTerminal(fd: number): boolean {
  try {
    return /^\/dev\/(pts\/|tty|console)/.test(readlinkSync(`/proc/self/fd/${fd}`));
  } catch {
    return false;
  }
}

const isSet = (name: string): boolean => (process.env[name] ?? "") !== "";

function wantsColor(fd: number, when: ColorWhen): boolean {
  if (when !== "auto") return when === "always";
  if (isSet("NO_COLOR")) return false;
  if (isSet("FORCE_COLOR")) return process.env["FORCE_COLOR"] !== "0";
  return isTerminal(fd) && process.env["TERM"] !== "dumb";
}

const same = (text: string): string => text;
const PLAIN: Paint = { good: same, bad: same, dim: same, bold: same };

async function loadPaint(): Promise<Paint> {
  const { default: picocolors } = await import("picocolors");
  const { green, red, dim, bold } = picocolors.createColors(true);
  return { good: green, bad: red, dim, bold };
}

export function createIo(): Io {
  const open = new Set([STDOUT, STDERR]);
  const write = (fd: number, text: string): void => {
    if (open.has(fd) && !writeAll(fd, text)) open.delete(fd);
  };
  return {
    writeOut: (text) => write(STDOUT, text),
    writeErr: (text) => write(STDERR, text),
    readIn: () => readAll(STDIN),
    paint: async (stream, when) => (wantsColor(stream === "out" ? STDOUT : STDERR, when) ? await loadPaint() : PLAIN),
  };
}
