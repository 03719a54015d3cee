// Questions with a few answers, and the one whose answer is typed. Letters choose nothing, but for the y and n of a yes/no
// question; pasted text is ignored; the focus stops at both ends; what is on the first line is what a stray Enter takes.

import { fitting, folded, isTooSmall, roomOf, type Style, windowOf } from "./frame.ts";
import type { Key } from "./keys.ts";
import type { FrameSize, Reply, View } from "./question.ts";

export interface Choice<T> {
  readonly value: T;
  readonly label: string;
}

/** Lines of answers that a long question leaves. */
const MIN_SHOWN = 4;
/** The keys and the end. */
const BELOW = 2;

const keysOf = ({ signs }: Style): readonly string[] => [
  `${signs.arrows} move · Enter choose · Esc leave`,
  "Enter choose · Esc leave",
  "Esc leaves",
];

export function menuView<T>(message: string, choices: readonly Choice<T>[], style: Style): View<T> {
  let focus = 0;
  return {
    frame: (size) => drawMenu(message, choices, focus, keysOf(style), size, style),
    summary: (answer, size) => summarize(message, choices.find(({ value }) => value === answer)?.label, size, style),
    press({ name }) {
      if (name === "escape") return "leave";
      if (name === "enter") return replyOf(choices[focus]);
      focus = movedFocus(name, focus, choices.length);
      return undefined;
    },
  };
}

const YES_NO: readonly Choice<boolean>[] = [
  { value: false, label: "No" },
  { value: true, label: "Yes" },
];
const YES_NO_KEYS = ["y yes · n or Enter no · Esc back", "y yes · Enter no", "Esc leaves"];
const TOO_SMALL = [
  "the terminal is too small to confirm (40x10) · Esc back",
  "too small to confirm · Esc back",
  "Esc: no",
];

/** No is what a stray Enter means. */
export function confirmView(message: string, style: Style): View<boolean> {
  let focus = 0;
  return {
    isCareful: true,
    frame(size) {
      if (isTooSmall(size)) return drawMenu(message, YES_NO.slice(0, 1), 0, TOO_SMALL, size, style);
      return drawMenu(message, YES_NO, focus, YES_NO_KEYS, size, style);
    },
    summary: (answer, size) =>
      summarize(message, answer === undefined ? undefined : answer ? "Yes" : "No", size, style),
    press(key, size, isAlone) {
      const { name, text } = key;
      if (name === "escape") return "leave";
      if (isTooSmall(size)) return name === "enter" || text === "n" ? { answer: false } : undefined;
      if (name === "enter") return replyOf(YES_NO[focus]);
      // Several characters at once are a paste that the terminal does not mark.
      if (name === "text" && isAlone && /^[yn]$/i.test(text)) return { answer: text.toLowerCase() === "y" };
      focus = movedFocus(name, focus, YES_NO.length);
      return undefined;
    },
  };
}

const TYPING_KEYS = ["Enter confirms · empty: no · Esc back", "Enter · Esc back", "Esc: no"];

/** @param expected  what is asked for first, and whatever else means the same */
export function typingView(message: string, expected: readonly string[], style: Style): View<boolean> {
  const { signs, paint } = style;
  let typed = "";
  let note = "";
  return {
    isCareful: true,
    frame(size) {
      const room = roomOf(size);
      const lines = [`${signs.bar}  ${fitting([`${typed}█`, "█"], room)}`];
      if (note !== "") lines.push(`${signs.bar}  ${paint.bad(fitting([note], room))}`);
      const keys = isTooSmall(size) ? TOO_SMALL : TYPING_KEYS;
      const below = [...lines, `${signs.bar}  ${paint.dim(fitting(keys, room))}`, signs.end];
      return [...title(message, size.rows - below.length, size, style), ...below];
    },
    summary(answer, size) {
      return summarize(message, answer === undefined ? undefined : answer ? typed : "No", size, style);
    },
    press(key, size) {
      const { name, text } = key;
      if (name === "escape") return "leave";
      note = name === "paste" ? "pasted text is ignored here: type it" : "";
      if (name === "text") typed += text;
      if (name === "backspace") typed = [...typed].slice(0, -1).join("");
      if (name === "clear") typed = "";
      if (name !== "enter") return undefined;
      if (typed === "") return { answer: false };
      if (expected.includes(typed) && !isTooSmall(size)) return { answer: true };
      note = isTooSmall(size) ? "" : `type ${expected[0]}, or nothing to leave`;
      return undefined;
    },
  };
}

const replyOf = <T>(choice: Choice<T> | undefined): Reply<T> =>
  choice === undefined ? undefined : { answer: choice.value };

function movedFocus(name: Key["name"], focus: number, count: number): number {
  const last = count - 1;
  if (name === "up") return Math.max(0, focus - 1);
  if (name === "down") return Math.min(last, focus + 1);
  if (name === "home" || name === "page-up") return 0;
  return name === "end" || name === "page-down" ? last : focus;
}

function title(message: string, rows: number, size: FrameSize, { signs, paint }: Style): string[] {
  return folded(message, roomOf(size), Math.max(1, rows)).map((line, nth) =>
    nth === 0 ? `${paint.good(signs.active)}  ${paint.bold(line)}` : `${signs.bar}  ${paint.bold(line)}`,
  );
}

function drawMenu(
  message: string,
  choices: readonly Choice<unknown>[],
  focus: number,
  keys: readonly string[],
  size: FrameSize,
  style: Style,
): string[] {
  const { signs, paint } = style;
  const room = roomOf(size);
  const least = size.rows < 10 ? 1 : Math.min(choices.length, MIN_SHOWN);
  const above = title(message, size.rows - BELOW - least, size, style);
  const { from, to } = windowOf(focus, choices.length, Math.max(1, size.rows - BELOW - above.length));
  const lines = choices.slice(from, to).map(({ label }, nth) => {
    const text = fitting([label], room - 2);
    const isFocused = from + nth === focus;
    return `${signs.bar}  ${isFocused ? `${paint.good(signs.pointer)} ${text}` : paint.dim(`  ${text}`)}`;
  });
  return [...above, ...lines, `${signs.bar}  ${paint.dim(fitting(keys, room))}`, signs.end];
}

/** The question, and how it was answered. */
function summarize(message: string, answer: string | undefined, size: FrameSize, { signs, paint }: Style): string[] {
  const [first = "", ...more] = folded(message, roomOf(size), 4);
  const sign = answer === undefined ? paint.bad(signs.left) : paint.good(signs.done);
  return [
    `${sign}  ${first}`,
    ...more.map((line) => `${signs.bar}  ${line}`),
    `${signs.bar}  ${paint.dim(fitting([answer ?? "left"], roomOf(size)))}`,
  ];
}
