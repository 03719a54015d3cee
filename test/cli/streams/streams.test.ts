// What is decided about a stream before anything is written: colour, size, locale. Nothing here writes.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { ColorWhen } from "../../../src/cli/args/command.ts";
import { createIo, type Io, type StreamName } from "../../../src/cli/streams/streams.ts";
import { SysError } from "../../../src/sys/errno.ts";
import type { Host, TerminalSize } from "../../../src/sys/sys.ts";

const NAMES = ["NO_COLOR", "FORCE_COLOR", "TERM", "LC_ALL", "LC_CTYPE", "LANG"];
const before = new Map(NAMES.map((name) => [name, process.env[name]]));

function setEnv(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

beforeEach(() => setEnv(Object.fromEntries(NAMES.map((name) => [name, undefined]))));
afterEach(() => setEnv(Object.fromEntries(before)));

const SIZE: TerminalSize = { columns: 120, rows: 40 };

/** Streams of which only the named ones are terminals. */
function ioWith(terminals: Partial<Record<StreamName, TerminalSize>>): Io {
  const sizes = [terminals.in, terminals.out, terminals.err];
  return createIo({ terminalSize: (fd: number) => sizes[fd] } as unknown as Host);
}

const isPainted = async (io: Io, stream: StreamName, when: ColorWhen = "auto"): Promise<boolean> =>
  (await io.paint(stream, when)).bad("x") !== "x";

describe("colour", () => {
  test.each<[string, Record<string, string>, boolean, boolean]>([
    ["nothing set", {}, true, false],
    ["NO_COLOR", { NO_COLOR: "1" }, false, false],
    ["NO_COLOR, empty, is not set", { NO_COLOR: "" }, true, false],
    ["FORCE_COLOR", { FORCE_COLOR: "1" }, true, true],
    ["FORCE_COLOR=0", { FORCE_COLOR: "0" }, false, false],
    ["both: no colour", { NO_COLOR: "1", FORCE_COLOR: "1" }, false, false],
    ["a dumb terminal", { TERM: "dumb" }, false, false],
    ["a good terminal", { TERM: "xterm-256color" }, true, false],
  ])("%s: with and without a terminal", async (_, env, onTerminal, elsewhere) => {
    setEnv(env);
    expect(await isPainted(ioWith({ out: SIZE }), "out")).toBe(onTerminal);
    setEnv({ FORCE_COLOR: undefined, ...env });
    expect(await isPainted(ioWith({}), "out")).toBe(elsewhere);
  });

  test("--color always and never override the environment", async () => {
    setEnv({ NO_COLOR: "1", TERM: "dumb" });
    expect(await isPainted(ioWith({}), "out", "always")).toBe(true);
    setEnv({ NO_COLOR: undefined, FORCE_COLOR: "1" });
    expect(await isPainted(ioWith({ out: SIZE }), "out", "never")).toBe(false);
  });

  test("a stream that is not a terminal does not disable the colours of another", async () => {
    const io = ioWith({ err: SIZE });
    expect(await isPainted(io, "out")).toBe(false);
    expect(await isPainted(io, "err")).toBe(true);
  });

  // Regression: FORCE_COLOR, set while the package was loaded, used to enable colours for the next stream:
  // `cgkill x 2> log` on a terminal wrote escapes to the log.
  test("a terminal does not enable the colours of another stream", async () => {
    const io = ioWith({ out: SIZE });
    expect(await isPainted(io, "out")).toBe(true);
    expect(await isPainted(io, "err")).toBe(false);
  });

  test("good, bad, dim and bold differ, and reset themselves", async () => {
    const { good, bad, dim, bold } = await ioWith({}).paint("out", "always");
    const painted = [good, bad, dim, bold].map((paint) => paint("x"));
    expect(new Set(painted).size).toBe(4);
    for (const text of painted) expect(text).toMatch(/^\u001b\[\d+mx\u001b\[\d+m$/);
  });
});

test.each<[TerminalSize | undefined, TerminalSize]>([
  [undefined, { columns: 80, rows: 24 }],
  [
    { columns: 0, rows: 0 },
    { columns: 80, rows: 24 },
  ],
  [
    { columns: 132, rows: 0 },
    { columns: 132, rows: 24 },
  ],
  [
    { columns: 132, rows: 50 },
    { columns: 132, rows: 50 },
  ],
])("a stream whose terminal size is %j has the size %j", (size, expected) => {
  const io = ioWith(size === undefined ? {} : { err: size });
  expect(io.size("err")).toEqual(expected);
  expect(io.isTerminal("err")).toBe(size !== undefined);
  expect(io.isTerminal("out")).toBe(false);
  expect(io.isTerminal("in")).toBe(false);
});

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ LANG: "en_US.UTF-8" }, true],
  [{ LANG: "C.utf8" }, true],
  [{ LANG: "C" }, false],
  [{ LANG: "de_DE.ISO-8859-1" }, false],
  [{ LC_CTYPE: "C.UTF-8", LANG: "C" }, true],
  // The first variable that is set and not empty decides.
  [{ LC_ALL: "C", LC_CTYPE: "C.UTF-8", LANG: "C.UTF-8" }, false],
  [{ LC_ALL: "", LANG: "C.UTF-8" }, true],
])("the locale %j is UTF-8: %j", (env, isUtf8) => {
  setEnv(env);
  expect(ioWith({}).isUtf8()).toBe(isUtf8);
});

// Regression: beside a slow terminal, a report began in the middle of a line of a message.
test.each<[string, boolean, string]>([
  ["one terminal shows the texts of both streams in their order", true, "err 1\nout 1\nerr 2\nout 2\n"],
  ["a message waits for no report if only it goes to a terminal", false, "err 1\nerr 2\n"],
])("%s", async (_, isBoth, expected) => {
  let screen = "";
  let room = 3;
  const io = createIo({
    terminalSize: (fd: number) => (isBoth || fd === 2 ? SIZE : undefined),
    kindOf: () => "other",
    statusOf: () => ({ dev: 1n, ino: 1n }),
    openForWriting: (fd: number) => fd + 10,
    close: () => {},
    now: () => 0,
    poll: (fds: readonly { fd: number }[]) => fds.map(({ fd }) => fd),
    turn: async () => void (room = 4),
    writeSome: (fd: number, bytes: Uint8Array) => {
      if (fd === 11 && !isBoth) return bytes.length;
      if (room === 0) throw new SysError("write", "the terminal", "EAGAIN");
      const accepted = Math.min(room, bytes.length);
      room -= accepted;
      screen += new TextDecoder().decode(bytes.subarray(0, accepted));
      return accepted;
    },
  } as unknown as Host);
  io.writeErr("err 1\n");
  io.writeOut("out 1\n");
  io.writeErr("err 2\n");
  io.writeOut("out 2\n");
  await io.flush(new AbortController().signal);
  expect(screen).toBe(expected);
  expect(io.hasUnwrittenOutput()).toBe(false);
});
