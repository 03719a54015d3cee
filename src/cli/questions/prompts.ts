// The questions of the interactive mode. Only this folder imports the prompt packages: they, and the stream objects
// that they need, are loaded for the first question. No question is asked while a kill runs.

import {
  S_BAR,
  S_BAR_END,
  S_CHECKBOX_INACTIVE,
  S_CHECKBOX_SELECTED,
  S_STEP_ACTIVE,
  S_STEP_CANCEL,
  S_STEP_SUBMIT,
} from "@clack/prompts";

import type { Paint } from "../streams/streams.ts";
import { sanitize, toAscii } from "../text/sanitize.ts";
import { firstFitting, roomOf, type Style } from "./frame.ts";
import { type Choice, confirmView, menuView, typingView } from "./menu.ts";
import { drawPicker, pageRows } from "./picker-view.ts";
import type { Picker, Row } from "./picker.ts";
import { ask, type FrameSize, type Terminal, type View } from "./question.ts";

export { RESTORE } from "./question.ts";

/** The list of cgroups to pick from. */
export interface PickList {
  readonly picker: Picker;
  readonly details: (row: Row) => readonly string[];
  /** Called once it is shown, to keep it up to date. Returns a function that stops the updates. */
  readonly watch: (redraw: () => void) => () => void;
}

export interface Prompts {
  /** Pick any number of cgroups; typing searches. `undefined`: cancelled, as with every question here. */
  pickMany(list: PickList): Promise<readonly string[] | undefined>;
  /** Choose one of a few; a stray Enter takes the first. */
  choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T | undefined>;
  /** A stray Enter answers no. */
  confirm(message: string): Promise<boolean | undefined>;
  /** Confirmed by typing one of the expected words; the question asks for the first. */
  confirmByTyping(message: string, expected: readonly string[]): Promise<boolean | undefined>;
}

export interface PromptsOptions {
  /** Cancels every question. */
  readonly signal: AbortSignal;
  /** Used if the terminal does not report its size: a serial line does not. */
  readonly size: FrameSize;
  readonly isUtf8: boolean;
  readonly paint: Paint;
  /** Waits until earlier output is written, so that it is above the question. */
  readonly flush: () => Promise<void>;
}

/** How long a question may take to restore the terminal after an abort. */
const LEAVE_MS = 100;

/**
 * Resolves when the terminal is gone or the call is aborted. A question would then never be answered, because it begins
 * with a write to the terminal, which cannot succeed.
 */
function whenTerminalGone(signal: AbortSignal): Promise<"gone"> {
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    const leave = (): void => resolve("gone");
    signal.addEventListener("abort", leave);
    for (const event of ["end", "close", "error"]) stdin.on(event, leave);
    stdout.on("error", leave);
    if (signal.aborted) leave();
  });
}

export function createPrompts({ signal, size, isUtf8, paint, flush }: PromptsOptions): Prompts {
  const terminal = terminalOf(size, isUtf8);
  const style: Style = { paint, symbols: symbolsOf(isUtf8) };
  const gone = whenTerminalGone(signal);
  const answerTo = async <T>(view: View<T>): Promise<T | undefined> => {
    await flush();
    if (signal.aborted) return undefined;
    const asked = ask(view, terminal, signal);
    const first = await Promise.race([asked.then((answer) => ({ answer })), gone]);
    if (first !== "gone") return first.answer;
    // If the terminal is still there, the question restores it.
    await Promise.race([asked, Bun.sleep(LEAVE_MS)]);
    return undefined;
  };
  return {
    pickMany: (list) => answerTo(pickView(list, style)),
    choose: (message, choices) => answerTo(menuView(message, choices, style)),
    confirm: (message) => answerTo(confirmView(message, style)),
    confirmByTyping: (message, expected) => answerTo(typingView(message, expected, style)),
  };
}

function pickView({ picker, details, watch }: PickList, style: Style): View<readonly string[]> {
  const { symbols, paint } = style;
  return {
    isFullScreen: true,
    frame: (size) => drawPicker(picker.state(), details, size, style),
    press: (key, size) => picker.press(key, pageRows(size)),
    watch,
    summary(answer, size) {
      const names = answer === undefined ? "left" : answer.map(sanitize).join(", ");
      const symbol = answer === undefined ? paint.bad(symbols.left) : paint.good(symbols.done);
      return [`${symbol}  Which cgroups?`, `${symbols.bar}  ${paint.dim(firstFitting([names], roomOf(size)))}`];
    },
  };
}

const symbolsOf = (isUtf8: boolean): Style["symbols"] => ({
  bar: S_BAR,
  end: S_BAR_END,
  active: S_STEP_ACTIVE,
  done: S_STEP_SUBMIT,
  left: S_STEP_CANCEL,
  box: S_CHECKBOX_INACTIVE,
  marked: S_CHECKBOX_SELECTED,
  pointer: isUtf8 ? "❯" : ">",
  arrows: isUtf8 ? "↑/↓" : "up/down",
});

const ASCII: Readonly<Record<string, string>> = { "·": "-", "—": "-", "█": "_", "…": "~" };

/**
 * The terminal as the questions see it. A serial line reports 0 columns, for which nothing would be drawn, so it gets
 * the size `fallback`. Without UTF-8, characters beyond ASCII are replaced.
 */
function terminalOf(fallback: FrameSize, isUtf8: boolean): Terminal {
  const { stdin, stdout } = process;
  const size = (): FrameSize =>
    (stdout.columns ?? 0) > 0 ? { columns: stdout.columns, rows: stdout.rows || fallback.rows } : fallback;
  const inAscii = (text: string): string => toAscii(text.replace(/[·—█…]/g, (symbol) => ASCII[symbol] ?? symbol));
  const output = Object.create(stdout, {
    columns: { get: () => size().columns },
    rows: { get: () => size().rows },
    write: { value: (text: string): boolean => stdout.write(isUtf8 ? text : inAscii(text)) },
  }) as NodeJS.WriteStream;
  return { input: stdin, output, size };
}
