// Splitting standard input into names: the chunks do not matter, and memory is bounded.

import { describe, expect, test } from "bun:test";

import { createLineSplitter, type Line } from "../../../src/cli/targets/lines.ts";
import { encodeText } from "../../../src/sys/bytes.ts";
import { fuzz, randomName } from "../../support/fuzz.ts";

/** All chunks share one buffer, like those of the real input. */
async function* inPieces(bytes: Uint8Array, sizes: (at: number) => number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(64 * 1024);
  for (let at = 0, nth = 0; at < bytes.length; nth++) {
    const piece = bytes.subarray(at, at + Math.max(1, sizes(nth)));
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    buffer.fill(0x21, 0, piece.length);
    at += piece.length;
  }
}

async function split(chunks: AsyncIterable<Uint8Array>, isNullSeparated = false): Promise<Line[]> {
  const splitter = createLineSplitter({ isNullSeparated });
  const lines: Line[] = [];
  for await (const chunk of chunks) lines.push(...splitter.split(chunk));
  const rest = splitter.rest();
  return rest === undefined ? lines : [...lines, rest];
}

async function linesOf(text: string, { size = 7, isNullSeparated = false } = {}): Promise<Line[]> {
  return await split(
    inPieces(encodeText(text), () => size),
    isNullSeparated,
  );
}

describe("valid and invalid lines", () => {
  test.each<[string, ReadonlyArray<string | [string, string]>]>([
    ["", []],
    ["a\n", ["a"]],
    ["/a/b\nc d\n", ["/a/b", "c d"]],
    ["--json\n-\n", ["--json", "-"]],
    ["bytes-\udcff\n🔥\n", ["bytes-\udcff", "🔥"]],
    ["a\0b\n", ["a\0b"]],
    ["\n", [["", "empty"]]],
    ["a\n\nb\n", ["a", ["", "empty"], "b"]],
    ["a\nb", ["a", ["b", "incomplete: the input ends within it"]]],
    ["./a\n.\n..\n../b\n", ["./a", ".", "..", "../b"].map((name) => [name, "relative to the working directory"])],
    [".a\n...\na/./b\n", [".a", "...", "a/./b"]],
    [`${"x".repeat(4095)}\n`, ["x".repeat(4095)]],
    [`${"x".repeat(4096)}\na\n`, [[`${"x".repeat(60)}...`, "longer than 4095 bytes"], "a"]],
    [`${"ü".repeat(2048)}\n`, [[`${"ü".repeat(30)}...`, "longer than 4095 bytes"]]],
    ["x".repeat(100_000), [[`${"x".repeat(60)}...`, "longer than 4095 bytes"]]],
  ])("%j", async (text, expected) => {
    const lines = expected.map((line) =>
      typeof line === "string" ? { name: line } : { name: line[0], problem: line[1] },
    );
    for (const size of [1, 7, 4096, 64 * 1024]) expect(await linesOf(text, { size })).toEqual(lines as Line[]);
  });

  test("with -0 a newline is part of a name", async () => {
    expect(await linesOf("a\nb\0\0c\0d", { isNullSeparated: true })).toEqual([
      { name: "a\nb" },
      { name: "", problem: "empty" },
      { name: "c" },
      { name: "d", problem: "incomplete: the input ends within it" },
    ]);
  });
});

test("random names in random chunks are returned unchanged", async () => {
  await fuzz(200, async (random) => {
    const names = random.list(12, () => randomName(random));
    const text = names.map((name) => `/${name}\n`).join("");
    const pieces = inPieces(encodeText(text), () => random.int(300));
    const lines = await split(pieces);
    expect(lines).toEqual(names.map((name) => ({ name: `/${name}` })));
  });
});

test("an endless line: only its beginning is kept", async () => {
  const chunk = new Uint8Array(64 * 1024);
  async function* zeros(): AsyncGenerator<Uint8Array> {
    for (let left = 16_384; left > 0; left--) yield chunk;
  }
  const before = process.memoryUsage().rss;
  const lines = await split(zeros());
  expect(lines).toEqual([{ name: `${"\0".repeat(60)}...`, problem: "longer than 4095 bytes" }]);
  // The line is one gigabyte long.
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
});
