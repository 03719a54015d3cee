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

import type { TerminalSize } from "../../sys/sys.ts";
import type { ColorWhen } from "../args/command.ts";
import type { Io } from "../streams/streams.ts";
import { toAscii } from "../text/sanitize.ts";
import type { Style, Symbols } from "./frame.ts";
import { type Choice, confirmView, menuView, typingView } from "./menu.ts";
import { type PickList, pickView } from "./picker-view.ts";
import { ask, type View } from "./question.ts";

export { RESTORE } from "./question.ts";

export interface Prompts {
  /** Pick any number of cgroups; typing searches. `undefined`: cancelled, as with every question here. */
  pickMany(list: PickList): Promise<readonly string[] | undefined>;
  /** Choose one of a few; a stray Enter takes the first. */
  choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T | undefined>;
  /** A stray Enter answers no, and so does Esc. */
  confirm(message: string): Promise<boolean | undefined>;
  /** Confirmed by typing one of the expected words; the question asks for the first. Esc answers no. */
  confirmByTyping(message: string, expected: readonly string[]): Promise<boolean | undefined>;
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

/** @param signal  cancels every question */
export async function createPrompts(io: Io, signal: AbortSignal, color: ColorWhen): Promise<Prompts> {
  const output = outputOf(io.size("out"), io.isUtf8());
  const style: Style = { paint: await io.paint("out", color), symbols: symbolsOf(io.isUtf8()) };
  const gone = whenTerminalGone(signal);
  const answerTo = async <T>(view: View<T>): Promise<T | undefined> => {
    // Earlier output must appear above the question.
    await io.flush(signal);
    if (signal.aborted) return undefined;
    const asked = ask(view, process.stdin, output, signal);
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

const symbolsOf = (isUtf8: boolean): Symbols => ({
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
function outputOf(fallback: TerminalSize, isUtf8: boolean): NodeJS.WriteStream {
  const { stdout } = process;
  const hasSize = (): boolean => (stdout.columns ?? 0) > 0;
  const inAscii = (text: string): string => toAscii(text.replace(/[·—█…]/g, (symbol) => ASCII[symbol] ?? symbol));
  return Object.create(stdout, {
    columns: { get: () => (hasSize() ? stdout.columns : fallback.columns) },
    rows: { get: () => (hasSize() && stdout.rows) || fallback.rows },
    write: { value: (text: string): boolean => stdout.write(isUtf8 ? text : inAscii(text)) },
  });
}
