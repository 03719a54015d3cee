// Sanitizing text from the host for a terminal: nothing acts, hides or reorders; ordinary text is unchanged; and two
// different texts never look the same.

import { describe, expect, test } from "bun:test";

import { sanitize, sanitizeLines } from "../../../src/cli/text/sanitize.ts";
import { decodeBytes } from "../../../src/sys/bytes.ts";
import { seeded } from "../support.ts";

describe("ordinary text is unchanged", () => {
  test.each([
    "",
    "/batch/job-7_a.b@c:d",
    "two words and a third ",
    "quotes ' \" ` and $HOME ; | & < > * ? [ ] { } ~ # ! %",
    "Grüße, naïve café, Łódź, São Paulo",
    "e\u0301 with a combining accent",
    "日本語 中文 한국어",
    "Привет Ελληνικά שלום مرحبا हिन्दी ไทย",
    "😀 🚀 👍🏽 🇩🇪",
    "Tiếng Việt, Tie\u0302\u0301ng Vie\u0323\u0302t",
    "שָׁלוֹם مَرْحَبًا नमस्ते বাংলা தமிழ் ไม่ใช่ བོད་ཡིག မြန်မာ ខ្មែរ",
    "ਪੰਜਾਬੀ ქართული Հայերեն አማርኛ ᠮᠣᠩᠭᠣᠯ 𐌰𐌱𐌲",
    "한글 \u1112\u1161\u11ab\u1100\u1173\u11af",
    "→ € © ° ½ ² № ★ ┌─┐ █",
    "\ufffd the real replacement character",
  ])("%j", (text) => {
    expect(sanitize(text)).toBe(text);
  });
});

describe("what acts on a terminal is escaped", () => {
  test.each([
    ["clear the screen", "\u001b[2J", "\\x1b[2J"],
    ["a colour", "\u001b[31mred\u001b[0m", "\\x1b[31mred\\x1b[0m"],
    ["set the title", "\u001b]0;title\u0007", "\\x1b]0;title\\x07"],
    ["a link", "\u001b]8;;http://x\u001b\\here", "\\x1b]8;;http://x\\x1b\\\\here"],
    ["a CSI of one character", "\u009b2J", "\\u009b2J"],
    ["carriage return", "good\rbad", "good\\rbad"],
    ["newline", "a\nb", "a\\nb"],
    ["a tab", "a\tb", "a\\tb"],
    ["backspace and DEL", "a\b\u007f", "a\\x08\\x7f"],
    ["NUL", "a\0b", "a\\x00b"],
    ["NEL, a character", "a\u0085b", "a\\u0085b"],
    ["line and paragraph separators", "\u2028\u2029", "\\u2028\\u2029"],
    ["right to left override", "a\u202etxt.exe", "a\\u202etxt.exe"],
    ["direction marks", "\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"],
    ["isolates", "\u2066a\u2069", "\\u2066a\\u2069"],
    ["zero width", "a\u200bb\u200cc\u200dd\u2060e\ufefff", "a\\u200bb\\u200cc\\u200dd\\u2060e\\ufefff"],
    ["a soft hyphen", "a\u00adb", "a\\u00adb"],
    ["a Mongolian vowel separator", "a\u180eb", "a\\u180eb"],
    ["a variation selector", "a\ufe0fb", "a\\ufe0fb"],
    ["interlinear annotations", "\ufff9a\ufffb", "\\ufff9a\\ufffb"],
    ["tags", "a\u{e0001}\u{e0041}\u{e007f}", "a\\u{e0001}\\u{e0041}\\u{e007f}"],
    ["a backslash", "a\\b", "a\\\\b"],
    ["a space at the start, which would indent a line", " a", "\\x20a"],
    ["several spaces, which would indent a line that is broken there", "a    b", "a \\x20\\x20\\x20b"],
    ["nothing but spaces", "   ", "\\x20\\x20\\x20"],
    ["spaces after a control character", "a\n  b", "a\\n \\x20b"],
    ["a backslash that imitates an escape", "\\x1b", "\\\\x1b"],
  ])("%s", (_, text, shown) => {
    expect(sanitize(text)).toBe(shown);
  });

  test("every C0 and C1 control and DEL are escaped", () => {
    for (let code = 0; code < 0xa0; code++) {
      if (code >= 0x20 && code < 0x7f) continue;
      expect(sanitize(String.fromCharCode(code))).toMatch(/^\\([ntr]|x[01][0-9a-f]|x7f|u00[89][0-9a-f])$/);
    }
  });

  test("every tag character is escaped", () => {
    for (let code = 0xe0000; code <= 0xe007f; code++) {
      expect(sanitize(String.fromCodePoint(code))).toBe(`\\u{${code.toString(16)}}`);
    }
  });

  // Regression: U+E0100 to U+E01EF, which are invisible and can encode any byte, used to be kept, unlike U+FE00 to
  // U+FE0F.
  test("supplementary variation selectors are escaped", () => {
    expect(sanitize("a\u{e0100}\u{e01ef}b")).toBe("a\\u{e0100}\\u{e01ef}b");
  });

  // Regression: these are invisible or blank, and used to make two names look the same.
  test("invisible fillers and joiners are escaped", () => {
    for (const character of ["\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u3164", "\uffa0"]) {
      expect(sanitize(`a${character}b`)).toBe(`a\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}b`);
    }
  });
});

describe("bytes that are not UTF-8", () => {
  test.each([
    ["a single byte", [0x61, 0xff], "a\\xff"],
    ["the byte 0x85", [0x85], "\\x85"],
    ["the character U+0085", [0xc2, 0x85], "\\u0085"],
    ["a CSI as one byte", [0x9b, 0x32, 0x4a], "\\x9b2J"],
    ["a truncated sequence", [0xe2, 0x82], "\\xe2\\x82"],
    ["an encoded surrogate", [0xed, 0xb2, 0x80], "\\xed\\xb2\\x80"],
  ])("%s", (_, bytes, shown) => {
    expect(sanitize(decodeBytes(Buffer.from(bytes)))).toBe(shown);
  });

  test("each of the 128 bytes has its own escape", () => {
    for (let byte = 0x80; byte <= 0xff; byte++) {
      expect(sanitize(String.fromCharCode(0xdc00 + byte))).toBe(`\\x${byte.toString(16)}`);
    }
  });

  test.each([
    ["\ud800", "\\ud800"],
    ["\udbff", "\\udbff"],
    ["\udc7f", "\\udc7f"],
    ["\udd00", "\\udd00"],
    ["a\ud83db", "a\\ud83db"],
  ])("a surrogate that does not stand for a byte: %j", (text, shown) => {
    expect(sanitize(text)).toBe(shown);
  });
});

describe("characters that may be invisible, blank, or drawn over others, by Unicode property", () => {
  test.each([
    ["a Mongolian free variation selector", "\u180b\u180c\u180d\u180f"],
    ["variation selectors", "\ufe00\ufe0f\u{e0100}\u{e01ef}"],
    ["default ignorable, unassigned", "\ufff0\ufff8\u2065\u{e0000}\u{e0fff}"],
    ["shorthand format controls", "\u{1bca0}\u{1bca3}"],
    ["musical format characters", "\u{1d173}\u{1d17a}"],
    ["Egyptian format controls and blanks", "\u{13430}\u{1343f}\u{13441}\u{13442}"],
    ["signs that enclose the following numbers", "\u0600\u0605\u06dd\u070f\u08e2\u{110bd}\u{110cd}"],
    ["fillers", "\u115f\u1160\u3164\uffa0\u{16fe4}"],
    ["invisible operators", "\u2061\u2062\u2063\u2064"],
    ["deprecated format characters", "\u206a\u206f"],
    ["other spaces", "\u00a0\u1680\u2000\u2007\u200a\u202f\u205f\u3000\u2800\u{1d159}"],
    ["private use", "\ue000\uf8ff\u{f0000}\u{10fffd}"],
    ["unassigned and noncharacters", "\u0378\ufdd0\uffff\u{1ffff}\u{10ffff}"],
    ["enclosing marks", "\u0488\u20dd\u20e3"],
    ["overlay marks", "\u0334\u0336\u0338\u20d2\u20eb"],
  ])("%s", (_, characters) => {
    for (const character of characters) {
      const code = character.codePointAt(0) as number;
      const escaped = code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
      expect(sanitize(`a${character}b`)).toBe(`a${escaped}b`);
    }
  });

  test.each([
    ["a mark at the start, which would join the text before the name", "\u0301a", "\\u0301a"],
    ["a mark on a space or a sign", "a \u0301/\u0301", "a \\u0301/\\u0301"],
    ["a mark after an escape, which it would join", "a\u200b\u0301", "a\\u200b\\u0301"],
    ["a mark after an ignorable mark", "a\u034f\u0301", "a\\u034f\\u0301"],
    ["a pile of marks", `a${"\u0301".repeat(6)}b`, `a${"\u0301".repeat(4)}\\u0301\\u0301b`],
    ["a joined emoji", "👩\u200d💻", "👩\\u200d💻"],
    ["a Hangul vowel without a syllable", "a\u1161\u11a8\ud7b0", "a\\u1161\\u11a8\\ud7b0"],
    ["a keycap", "1\ufe0f\u20e3", "1\\ufe0f\\u20e3"],
  ])("%s", (_, text, shown) => {
    expect(sanitize(text)).toBe(shown);
  });

  // Checked by terminal width, independently of the patterns.
  test("a character without width that is not a mark on a letter is escaped", () => {
    const bare: string[] = [];
    for (let code = 0xa0; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code);
      if (Bun.stringWidth(character) === 0 && sanitize(`/${character}`) === `/${character}`)
        bare.push(code.toString(16));
    }
    // Visible Bengali, Kannada and Malayalam letters to which Bun assigns no width.
    expect(bare).toEqual(["980", "c80", "d3a"]);
  });
});

test("several lines are each sanitized, and indented more deeply than a command", () => {
  const stack = "[<0>] wait+0x1/0x2\n    curl x|sh #\n\n\u001b[2J\r\n  a    b\n";
  const lines = ["[<0>] wait+0x1/0x2", "curl x|sh #", "\\x1b[2J", "a \\x20\\x20\\x20b"];
  expect(sanitizeLines(stack)).toBe(lines.map((line) => `      ${line}\n`).join(""));
  expect(sanitizeLines("")).toBe("");
});

/** The inverse of the documented escapes, written without the code under test. */
function readBack(shown: string): string {
  const named: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", "\\": "\\" };
  return shown.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{5,6})\}|([ntr\\]))/g,
    (_, byte?: string, short?: string, long?: string, name?: string) => {
      if (name !== undefined) return named[name] as string;
      if (long !== undefined) return String.fromCodePoint(Number.parseInt(long, 16));
      if (short !== undefined) return String.fromCharCode(Number.parseInt(short, 16));
      const code = Number.parseInt(byte as string, 16);
      return String.fromCharCode(code < 0x80 ? code : 0xdc00 + code);
    },
  );
}

const PIECES = [
  ..."\\\\\\xu{}0158bdefntr ",
  ..."\n\t\r\0\u001b\u007f\u0080\u0085\u009b\u00ad\u200b\u202e\u2066\ufe0f\ufeff",
  "\u{e0001}",
  "\u{e007f}",
  "\u{10ffff}",
  "\u0301",
  "\u2800",
  "😀",
  "é",
  "\udc80",
  "\udc85",
  "\udcff",
  "\ud83d",
  "\ude00",
  "\ud800",
];

test("any sanitized text can be reversed, so that two texts never look the same", () => {
  const next = seeded(20_261_123);
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: next(9) }, () => PIECES[next(PIECES.length)]).join("");
    const shown = sanitize(text);
    expect(readBack(shown)).toBe(text);
    expect(shown).not.toMatch(/^ | {2}/);
    expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e]|\p{Surrogate}/u);
  }
});

test("every text of up to three pieces has its own sanitized form", () => {
  const forms = new Map<string, string>();
  const texts = PIECES.flatMap((a) => PIECES.flatMap((b) => [a, a + b, ...PIECES.map((c) => a + b + c)]));
  for (const text of texts) {
    const shown = sanitize(text);
    const other = forms.get(shown);
    if (other !== undefined && other !== text) throw new Error(`${JSON.stringify([text, other])} both show ${shown}`);
    forms.set(shown, text);
  }
  expect(forms.size).toBe(new Set(texts).size);
});
