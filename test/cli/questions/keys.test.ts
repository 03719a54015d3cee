// The input of a terminal, parsed into keys.

import { expect, test } from "bun:test";

import { createKeyReader, type Key } from "../../../src/cli/questions/keys.ts";

const read = (...chunks: string[]): string[] => {
  const reader = createKeyReader();
  return chunks.flatMap((chunk) => reader.read(chunk)).map(told);
};
const told = ({ name, text }: Key): string => (text === "" ? name : `${name} ${text}`);

test.each([
  ["\r", ["enter"]],
  ["\u001b[A\u001b[B\u001bOA", ["up", "down", "up"]],
  ["\u001b[5~\u001b[6~\u001b[H\u001b[4~", ["page-up", "page-down", "home", "end"]],
  ["aé", ["text a", "text é"]],
  ["\u0003\u000f\u0014\u0015\t\u007f", ["cancel", "sort", "tree", "clear", "tab", "backspace"]],
  ["\u001b\u001b[A", ["escape", "up"]],
])("%j", (chunk, keys) => {
  expect(read(chunk)).toEqual(keys);
});

test.each([
  ["a mouse report of the new form", "\u001b[<0;12;7M\u001b[<0;12;7m"],
  ["a mouse report of the old form", "\u001b[M !!"],
  ["a focus report", "\u001b[I\u001b[O"],
  ["a function key", "\u001b[15~"],
  ["an answer to a question that was not asked", "\u001b[?1;2c"],
  ["Alt with a letter", "\u001by"],
  ["a NUL", "\u0000"],
])("%s is no key", (_, chunk) => {
  expect(read(`${chunk}x`)).toEqual(["text x"]);
});

test("a paste is one key, and control characters in it become blanks", () => {
  expect(read("a\u001b[200~kjy\ry\u001b[A\u001b[201~b")).toEqual(["text a", "paste kjy y [A", "text b"]);
});

test.each([1, 2, 3, 5])("the same in pieces of %i characters", (length) => {
  const all = "x\u001b[200~yes\r\u001b[201~\u001b[<0;1;1M\u001b[Bz";
  const pieces = Array.from({ length: Math.ceil(all.length / length) }, (_, at) =>
    all.slice(at * length, (at + 1) * length),
  );
  expect(read(...pieces)).toEqual(["text x", "paste yes", "down", "text z"]);
});

test("Escape alone is a key once time has passed; until then it may begin a longer sequence", () => {
  const reader = createKeyReader();
  expect(reader.read("\u001b")).toEqual([]);
  expect(reader.isPending()).toBe(true);
  expect(reader.flush().map(told)).toEqual(["escape"]);
  expect(reader.read("\u001b").concat(reader.read("[B")).map(told)).toEqual(["down"]);
  expect(reader.isPending()).toBe(false);
});

test("a paste without its end is over once time has passed", () => {
  const reader = createKeyReader();
  expect(reader.read("\u001b[200~abc")).toEqual([]);
  expect(reader.flush().map(told)).toEqual(["paste abc"]);
  expect(reader.read("\u0003").map(told)).toEqual(["cancel"]);
});
