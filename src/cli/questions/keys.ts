// Parses the input of a terminal into keys. Mouse reports, focus reports and unknown sequences give no key. A bracketed
// paste is a single key, so that no question mistakes pasted text for key presses. Also what keys do to a line of text and
// to the focus in a list.

const NAMES = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  "\u007f": "backspace",
  "\b": "backspace",
  "\u0003": "cancel",
  "\u0015": "clear",
  "\u000f": "sort",
  "\u0014": "tree",
  "\u001b": "escape",
} as const;

/** By what follows `ESC [` or `ESC O`. */
const SEQUENCES = {
  A: "up",
  B: "down",
  H: "home",
  F: "end",
  "1~": "home",
  "7~": "home",
  "4~": "end",
  "8~": "end",
  "5~": "page-up",
  "6~": "page-down",
} as const;

type Named = (typeof NAMES)[keyof typeof NAMES] | (typeof SEQUENCES)[keyof typeof SEQUENCES];
export type KeyName = Named | "text" | "paste";

export interface Key {
  readonly name: KeyName;
  /** What was typed or pasted; "" for every other key. */
  readonly text: string;
}

const PASTE_BEGIN = "\u001b[200~";
const PASTE_END = "\u001b[201~";
/** Longer pastes are cut: no search text is that long. */
const MAX_PASTE = 4096;

/**
 * A paste, a mouse report of the old form, a CSI sequence, an SS3 sequence, Escape before Escape, Alt with a character, a
 * character.
 */
const TOKEN =
  /\u001b\[200~([^]*?)\u001b\[201~|\u001b\[M[^]{3}|\u001b\[[0-9:;<=>?]*[ -/]*[@-~]|\u001bO[A-Za-z]|\u001b(?=\u001b)|\u001b[^[O\u001b]|[^]/gu;
/** An incomplete sequence at the end of the input. */
const UNFINISHED = /\u001b(?:\[(?:[0-9:;<=>?]*[ -/]*|M[^]{0,2})|O)?$/u;

export interface KeyReader {
  /** @param chunk  the input of one read */
  read(chunk: string): Key[];
  /** No more input has arrived for a while: a lone Escape is then a key, and a paste without its end is over. */
  flush(): Key[];
  /** Whether the input is incomplete, so that `flush` must be called soon. */
  isPending(): boolean;
}

export function createKeyReader(): KeyReader {
  let rest = "";
  return {
    read(chunk) {
      const text = rest + chunk;
      const paste = text.indexOf(PASTE_BEGIN, text.lastIndexOf(PASTE_END));
      const unfinished = paste < 0 ? text.search(UNFINISHED) : paste;
      const end = unfinished < 0 ? text.length : unfinished;
      rest = text.slice(end);
      const tokens = text.slice(0, end).matchAll(TOKEN);
      return [...tokens].map(([token, pasted]) => keyOf(token, pasted)).filter((key) => key !== undefined);
    },
    flush() {
      const unread = rest;
      rest = "";
      if (unread.startsWith(PASTE_BEGIN)) return this.read(unread + PASTE_END);
      return unread === "\u001b" ? [{ name: "escape", text: "" }] : [];
    },
    isPending: () => rest !== "",
  };
}

function keyOf(token: string, pasted: string | undefined): Key | undefined {
  // A paste is one line: control characters in it, which could move or end something, become blanks.
  if (pasted !== undefined) {
    const line = pasted.slice(0, MAX_PASTE).replace(/\p{Cc}+/gu, " ");
    return { name: "paste", text: line.trim() };
  }
  const isSequence = token.startsWith("\u001b") && token.length > 1;
  const names: Readonly<Record<string, Named>> = isSequence ? SEQUENCES : NAMES;
  const name = names[isSequence ? token.slice(2) : token];
  if (name !== undefined) return { name, text: "" };
  return isSequence || /\p{Cc}/u.test(token) ? undefined : { name: "text", text: token };
}

/** @returns the line after the key; `undefined` if the key does not edit */
export function editedLine(line: string, { name, text }: Key): string | undefined {
  if (name === "text") return line + text;
  if (name === "backspace") return [...line].slice(0, -1).join("");
  return name === "clear" ? "" : undefined;
}

/** @returns the index that a key moves the focus to, which stops at both ends of a list of `count` */
export function movedFocus(focus: number, { name }: Key, count: number, pageSize: number): number {
  const targets: Partial<Record<KeyName, number>> = {
    up: focus - 1,
    down: focus + 1,
    "page-up": focus - pageSize,
    "page-down": focus + pageSize,
    home: 0,
    end: count - 1,
  };
  return Math.max(0, Math.min(count - 1, targets[name] ?? focus));
}
