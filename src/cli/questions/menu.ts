// Menus, yes/no questions, and the question whose answer is typed. Letters choose nothing, except y and n in a yes/no
// question. Pasted text is ignored, the focus stops at both ends, and a stray Enter takes the first line.

import { firstFitting, isTooSmall, roomOf, type Style, windowOf, wrapLines } from "./frame.ts";
import type { Key } from "./keys.ts";
import type { FrameSize, Reply, View } from "./question.ts";

export interface Choice<T> {
  readonly value: T;
  readonly label: string;
}

/** Lines reserved for choices below a long question. */
const MIN_SHOWN = 4;
/** Lines below the choices: the keys, and the end of the frame. */
const BELOW = 2;

const keysOf = ({ symbols }: Style): readonly string[] => [
  `${symbols.arrows} move · Enter choose · Esc leave`,
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
  "the terminal is too small to confirm (minimum 40x10) · Esc back",
  "too small to confirm · Esc back",
  "Esc: no",
];

/** A stray Enter answers no. */
export function confirmView(message: string, style: Style): View<boolean> {
  let focus = 0;
  return {
    discardsTypeAhead: true,
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
      // Several characters in one read are a paste that the terminal did not mark.
      if (name === "text" && isAlone && /^[yn]$/i.test(text)) return { answer: text.toLowerCase() === "y" };
      focus = movedFocus(name, focus, YES_NO.length);
      return undefined;
    },
  };
}

const TYPING_KEYS = ["Enter confirms · empty: no · Esc back", "Enter · Esc back", "Esc: no"];

/** @param expected  the word that the question asks for, then others that are accepted too */
export function typingView(message: string, expected: readonly string[], style: Style): View<boolean> {
  const { symbols, paint } = style;
  let typed = "";
  let note = "";
  return {
    discardsTypeAhead: true,
    frame(size) {
      const room = roomOf(size);
      const lines = [`${symbols.bar}  ${firstFitting([`${typed}█`, "█"], room)}`];
      if (note !== "") lines.push(`${symbols.bar}  ${paint.bad(firstFitting([note], room))}`);
      const keys = isTooSmall(size) ? TOO_SMALL : TYPING_KEYS;
      const below = [...lines, `${symbols.bar}  ${paint.dim(firstFitting(keys, room))}`, symbols.end];
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
      note = isTooSmall(size) ? "" : `type ${expected[0]}, or press Enter alone to cancel`;
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

function title(message: string, rows: number, size: FrameSize, { symbols, paint }: Style): string[] {
  return wrapLines(message, roomOf(size), Math.max(1, rows)).map((line, nth) =>
    nth === 0 ? `${paint.good(symbols.active)}  ${paint.bold(line)}` : `${symbols.bar}  ${paint.bold(line)}`,
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
  const { symbols, paint } = style;
  const room = roomOf(size);
  const minChoices = size.rows < 10 ? 1 : Math.min(choices.length, MIN_SHOWN);
  const above = title(message, size.rows - BELOW - minChoices, size, style);
  const { from, to } = windowOf(focus, choices.length, Math.max(1, size.rows - BELOW - above.length));
  const lines = choices.slice(from, to).map(({ label }, nth) => {
    const text = firstFitting([label], room - 2);
    const isFocused = from + nth === focus;
    return `${symbols.bar}  ${isFocused ? `${paint.good(symbols.pointer)} ${text}` : paint.dim(`  ${text}`)}`;
  });
  return [...above, ...lines, `${symbols.bar}  ${paint.dim(firstFitting(keys, room))}`, symbols.end];
}

/** The question, and how it was answered. */
function summarize(message: string, answer: string | undefined, size: FrameSize, { symbols, paint }: Style): string[] {
  const [first = "", ...more] = wrapLines(message, roomOf(size), 4);
  const symbol = answer === undefined ? paint.bad(symbols.left) : paint.good(symbols.done);
  return [
    `${symbol}  ${first}`,
    ...more.map((line) => `${symbols.bar}  ${line}`),
    `${symbols.bar}  ${paint.dim(firstFitting([answer ?? "left"], roomOf(size)))}`,
  ];
}
