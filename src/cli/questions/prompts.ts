// The questions of the interactive mode. The only folder that knows the packages they are asked with: these and the
// stream objects they need are loaded when the first question is due. No question is asked while a kill runs.

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
import { fitting, roomOf, type Style } from "./frame.ts";
import { type Choice, confirmView, menuView, typingView } from "./menu.ts";
import { drawPicker, rowsAtOnce } from "./picker-view.ts";
import type { Picker, Row } from "./picker.ts";
import { ask, type FrameSize, type Terminal, type View } from "./question.ts";

export { RESTORE } from "./question.ts";

/** The list as it is asked with. */
export interface PickList {
  readonly picker: Picker;
  readonly details: (row: Row) => readonly string[];
  /** Called once it is shown: to keep it up to date. Returns what ends that. */
  readonly watch: (redraw: () => void) => () => void;
}

export interface Prompts {
  /** Any number of many, searched by typing. `undefined`: cancelled, as with every question here. */
  pickMany(list: PickList): Promise<readonly string[] | undefined>;
  /** One of a few; the first is the one that a stray Enter takes. */
  choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T | undefined>;
  /** No is what a stray Enter means. */
  confirm(message: string): Promise<boolean | undefined>;
  /** One of these is to be typed: the first is what is asked for. */
  confirmByTyping(message: string, expected: readonly string[]): Promise<boolean | undefined>;
}

export interface PromptsOptions {
  /** Cancels whatever is asked. */
  readonly signal: AbortSignal;
  /** For a terminal that does not say, as a serial line. */
  readonly size: FrameSize;
  readonly isUtf8: boolean;
  readonly paint: Paint;
  /** What was written before has to stand above the question. */
  readonly flush: () => Promise<void>;
}

/** From the end of the questions to that of the last one. */
const LEAVE_MS = 100;

/**
 * Resolves when the terminal is gone or the call is aborted. A question would then never be answered: it begins with a
 * write to the terminal, which cannot succeed.
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
  const style: Style = { paint, signs: signsOf(isUtf8) };
  const gone = whenTerminalGone(signal);
  const answerTo = async <T>(view: View<T>): Promise<T | undefined> => {
    await flush();
    if (signal.aborted) return undefined;
    const asked = ask(view, terminal, signal);
    const first = await Promise.race([asked.then((answer) => ({ answer })), gone]);
    if (first !== "gone") return first.answer;
    // A terminal that is still there is left as it was found.
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
  const { signs, paint } = style;
  return {
    isFullScreen: true,
    frame: (size) => drawPicker(picker.state(), details, size, style),
    press: (key, size) => picker.press(key, rowsAtOnce(size)),
    watch,
    summary(answer, size) {
      const names = answer === undefined ? "left" : answer.map(sanitize).join(", ");
      const sign = answer === undefined ? paint.bad(signs.left) : paint.good(signs.done);
      return [`${sign}  Which cgroups?`, `${signs.bar}  ${paint.dim(fitting([names], roomOf(size)))}`];
    },
  };
}

const signsOf = (isUtf8: boolean): Style["signs"] => ({
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

const ASCII: Readonly<Record<string, string>> = {
  "·": "-",
  "—": "-",
  "█": "_",
  "…": "~",
};

/**
 * The terminal as questions are to see it: a serial line says that it has no columns, and then nothing would be drawn;
 * and not all that is drawn has a form in ASCII.
 */
function terminalOf(otherwise: FrameSize, isUtf8: boolean): Terminal {
  const { stdin, stdout } = process;
  const size = (): FrameSize =>
    (stdout.columns ?? 0) > 0 ? { columns: stdout.columns, rows: stdout.rows || otherwise.rows } : otherwise;
  const drawn = (text: string): string => toAscii(text.replace(/[·—█…]/g, (sign) => ASCII[sign] ?? sign));
  const output = Object.create(stdout, {
    columns: { get: () => size().columns },
    rows: { get: () => size().rows },
    write: { value: (text: string): boolean => stdout.write(isUtf8 ? text : drawn(text)) },
  }) as NodeJS.WriteStream;
  return { input: stdin, output, size };
}
