// Menus, yes/no questions, and the question whose answer is typed. Letters choose nothing, except y and n in a yes/no
// question. Pasted text is ignored, the focus stops at both ends, and a stray Enter takes the first line.

import type { TerminalSize } from "../../sys/sys.ts";
import { startOf, truncate } from "../text/table.ts";
import { CUT, firstFitting, footer, isTooSmall, roomOf, type Style, windowOf, wrapLines } from "./frame.ts";
import { editedLine, movedFocus } from "./keys.ts";
import type { View } from "./question.ts";

export interface Choice<T> {
  readonly value: T;
  readonly label: string;
}

/** Lines reserved for choices below a long question. */
const MIN_SHOWN = 4;
/** Lines below the choices. */
const FOOTER = 2;

const keysOf = ({ symbols }: Style): readonly string[] => [
  `${symbols.arrows} move · Enter choose · Esc leave`,
  "Enter choose · Esc leave",
  "Esc leaves",
];

export function menuView<T>(
  message: string,
  choices: readonly Choice<T>[],
  style: Style,
  keys: readonly string[] = keysOf(style),
): View<T> {
  let focus = 0;
  return {
    frame: (size) => drawMenu(message, choices, focus, keys, size, style),
    summary: (answer, size) => summarize(message, choices.find(({ value }) => value === answer)?.label, size, style),
    press(key) {
      if (key.name === "escape") return "leave";
      const focused = choices[focus];
      if (key.name === "enter" && focused !== undefined) return { answer: focused.value };
      focus = movedFocus(focus, key, choices.length, choices.length);
      return undefined;
    },
  };
}

const NO: Choice<boolean> = { value: false, label: "No" };
const YES: Choice<boolean> = { value: true, label: "Yes" };
/** They fit wherever a kill can be confirmed. */
const YES_NO_KEYS = ["y yes · n or Enter no · Esc back"];
const TOO_SMALL = [
  "the terminal is too small to confirm (minimum 40x10) · Esc back",
  "too small to confirm · Esc back",
  "Esc: no",
];

/** A stray Enter answers no, and so does Esc. */
export function confirmView(message: string, style: Style): View<boolean> {
  const menu = menuView(message, [NO, YES], style, YES_NO_KEYS);
  return {
    ...menu,
    discardsTypeAhead: true,
    frame: (size) => (isTooSmall(size) ? drawMenu(message, [NO], 0, TOO_SMALL, size, style) : menu.frame(size)),
    press(key, size, isAlone) {
      const { name, text } = key;
      if (name === "escape") return { answer: false };
      if (isTooSmall(size)) return name === "enter" || text === "n" ? { answer: false } : undefined;
      // Several characters in one read are a paste that the terminal did not mark.
      if (name === "text" && isAlone && /^[yn]$/i.test(text)) return { answer: text.toLowerCase() === "y" };
      return menu.press(key, size, isAlone);
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
      if (note !== "") lines.push(`${symbols.bar}  ${paint.bad(startOf(note, room))}`);
      lines.push(...footer(isTooSmall(size) ? TOO_SMALL : TYPING_KEYS, size, style));
      return [...title(message, size.rows - lines.length, size, style), ...lines];
    },
    summary(answer, size) {
      return summarize(message, answer === undefined ? undefined : answer ? typed : NO.label, size, style);
    },
    press(key, size) {
      if (key.name === "escape") return { answer: false };
      note = key.name === "paste" ? "pasted text is ignored here: type it" : "";
      typed = editedLine(typed, key) ?? typed;
      if (key.name !== "enter") return undefined;
      if (typed === "") return { answer: false };
      if (isTooSmall(size)) return undefined;
      if (expected.includes(typed)) return { answer: true };
      note = `type ${expected[0]}, or press Enter alone to cancel`;
      return undefined;
    },
  };
}

function title(message: string, rows: number, size: TerminalSize, { symbols, paint }: Style): string[] {
  return wrapLines(message, roomOf(size), Math.max(1, rows)).map((line, nth) =>
    nth === 0 ? `${paint.good(symbols.active)}  ${paint.bold(line)}` : `${symbols.bar}  ${paint.bold(line)}`,
  );
}

function drawMenu(
  message: string,
  choices: readonly Choice<unknown>[],
  focus: number,
  keys: readonly string[],
  size: TerminalSize,
  style: Style,
): string[] {
  const { symbols, paint } = style;
  const minChoices = size.rows < 10 ? 1 : Math.min(choices.length, MIN_SHOWN);
  const above = title(message, size.rows - FOOTER - minChoices, size, style);
  const { from, to } = windowOf(focus, choices.length, Math.max(1, size.rows - FOOTER - above.length));
  const lines = choices.slice(from, to).map(({ label }, nth) => {
    const text = truncate(label, roomOf(size) - 2, CUT);
    const isFocused = from + nth === focus;
    return `${symbols.bar}  ${isFocused ? `${paint.good(symbols.pointer)} ${text}` : paint.dim(`  ${text}`)}`;
  });
  return [...above, ...lines, ...footer(keys, size, style)];
}

/**
 * The question, and how it was answered.
 *
 * @param answer  `undefined`: it was left
 */
export function summarize(
  message: string,
  answer: string | undefined,
  size: TerminalSize,
  { symbols, paint }: Style,
): string[] {
  const [first = "", ...more] = wrapLines(message, roomOf(size), 4);
  const symbol = answer === undefined ? paint.bad(symbols.left) : paint.good(symbols.done);
  return [
    `${symbol}  ${first}`,
    ...more.map((line) => `${symbols.bar}  ${line}`),
    `${symbols.bar}  ${paint.dim(startOf(answer ?? "left", roomOf(size)))}`,
  ];
}
