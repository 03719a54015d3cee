import { expect, test } from "bun:test";

import { decodeBytes, encodeText } from "../../src/sys/bytes.ts";

const bytesOf = (text: string): Buffer => Buffer.from(encodeText(text));

test.each([
  ["plain", [0x61]],
  ["a lone 0xff", [0x61, 0xff, 0x62]],
  ["a cut-off sequence", [0xe2, 0x82]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["an encoded surrogate", [0xed, 0xb2, 0x80]],
  ["a real U+FFFD", [0xef, 0xbf, 0xbd]],
  ["a real U+FFFD beside a bad byte", [0xef, 0xbf, 0xbd, 0x80]],
  ["a byte order mark", [0xef, 0xbb, 0xbf, 0x61]],
  ["four bytes", [0xf0, 0x9f, 0x98, 0x80]],
])("%s comes back as it was", (_, bytes) => {
  expect([...bytesOf(decodeBytes(Buffer.from(bytes)))]).toEqual(bytes);
});

test("an invalid byte becomes a lone low surrogate", () => {
  expect(decodeBytes(Buffer.from([0x61, 0xff]))).toBe("a\udcff");
  expect(JSON.stringify(decodeBytes(Buffer.from([0xff])))).toBe('"\\udcff"');
});

test("random bytes are the same after decoding and encoding", () => {
  let seed = 12345;
  const next = (): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed >> 16;
  };
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(Array.from({ length: next() % 24 }, () => next() & 0xff));
    expect(bytesOf(decodeBytes(bytes)).equals(bytes)).toBe(true);
  }
});
