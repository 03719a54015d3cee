// Asks one question on the terminal: draws its frame, reads keys, returns the answer. The Prompt class of @clack/core
// owns raw mode and the cursor, and draws only lines that differ. A `View` decides what a frame contains and what a key
// does.

import { PassThrough } from "node:stream";

import { Prompt } from "@clack/core";

import type { TerminalSize } from "../../sys/sys.ts";
import { createKeyReader, type Key } from "./keys.ts";

/** The result of a key: an answer, or leaving without one; `undefined`: the question goes on. */
export type Reply<T> = { readonly answer: T } | "leave" | undefined;

export interface View<T> {
  /** The lines to draw: none wider than the terminal, and no more than it has rows. */
  frame(size: TerminalSize): readonly string[];
  /** The lines that stay on the screen afterwards. `answer` is `undefined` if there was none. */
  summary(answer: T | undefined, size: TerminalSize): readonly string[];
  /** @param isAlone  whether it is the only key of its read, as when a person presses it */
  press(key: Key, size: TerminalSize, isAlone: boolean): Reply<T>;
  /** Called once it is on the screen; call `redraw` after a change. Returns a function that stops the updates. */
  watch?(redraw: () => void): () => void;
  /** It uses the alternate screen; what was on the terminal comes back afterwards. */
  readonly isFullScreen?: boolean;
  /** Input that was typed before the question appeared is discarded. */
  readonly discardsTypeAhead?: boolean;
}

const PASTE_ON = "\u001b[?2004h";
const PASTE_OFF = "\u001b[?2004l";
const ENTER_ALTERNATE_SCREEN = "\u001b[?1049h\u001b[H\u001b[2J";
const LEAVE_ALTERNATE_SCREEN = "\u001b[?1049l";
const CLEAR = "\u001b[2J";

/** How long to wait for the rest of a sequence after Escape, or for more of a paste. */
const ESCAPE_MS = 50;
/** Enough for pending input to be read. */
const TYPE_AHEAD_MS = 20;

/**
 * @param output  has the size to draw for
 * @returns `undefined` if it was left or cancelled
 */
export async function ask<T>(
  view: View<T>,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<T | undefined> {
  const keys = createKeyReader();
  const decoder = new TextDecoder();
  let answer: T | undefined;
  let shift = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  // The prompt gets only three keys: Enter, Escape, and one that makes it draw.
  const promptInput = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (isRaw: boolean) => setRaw(input, isRaw),
  });
  const sendKey = (name: string): void => void promptInput.emit("keypress", undefined, { name });
  const redraw = (): void => {
    if (!isOver()) sendKey("redraw");
  };
  const prompt: Prompt<true> = new Prompt(
    {
      input: promptInput,
      output,
      signal,
      render() {
        if (!isOver()) return varied(view.frame(output), shift);
        return view.isFullScreen === true ? "" : view.summary(answer, output).join("\n");
      },
    },
    false,
  );
  const isOver = (): boolean => prompt.state === "submit" || prompt.state === "cancel";
  const press = (key: Key, isAlone: boolean): void => {
    if (isOver()) return;
    const reply = key.name === "cancel" ? "leave" : view.press(key, output, isAlone);
    if (reply === undefined) return redraw();
    if (reply !== "leave") answer = reply.answer;
    sendKey(reply === "leave" ? "escape" : "return");
  };
  const handleKeys = (pressed: readonly Key[]): void => {
    for (const key of pressed) press(key, pressed.length === 1);
    clearTimeout(timer);
    if (!isOver() && keys.isPending()) timer = setTimeout(() => handleKeys(keys.flush()), ESCAPE_MS);
  };
  const onData = (chunk: Uint8Array): void => handleKeys(keys.read(decoder.decode(chunk, { stream: true })));
  // The terminal has wrapped its lines again, so they are no longer where they were: draw every line.
  const onResize = (): void => {
    shift = 1 - shift;
    if (view.isFullScreen === true) output.write(CLEAR);
  };

  const begin = `${PASTE_ON}${view.isFullScreen === true ? ENTER_ALTERNATE_SCREEN : ""}`;
  // While we were stopped, the shell has set the terminal for itself, and has written below the question.
  const onContinue = (): void => {
    setRaw(input, false);
    setRaw(input, true);
    output.write(`${begin}${view.isFullScreen === true ? "" : "\n".repeat(view.frame(output).length - 1)}`);
    onResize();
    redraw();
  };

  if (view.discardsTypeAhead === true) await discardTypeAhead(input);
  output.write(begin);
  output.on("resize", onResize);
  process.on("SIGCONT", onContinue);
  input.on("data", onData);
  input.resume();
  let unwatch: (() => void) | undefined;
  try {
    const answered = prompt.prompt();
    unwatch = view.watch?.(redraw);
    await answered;
  } finally {
    clearTimeout(timer);
    unwatch?.();
    input.off("data", onData);
    input.pause();
    output.off("resize", onResize);
    process.off("SIGCONT", onContinue);
    output.write(PASTE_OFF);
    if (view.isFullScreen === true)
      output.write(`${LEAVE_ALTERNATE_SCREEN}${view.summary(answer, output).join("\n")}\n`);
  }
  return answer;
}

/** The same lines, but not the same strings, so that the prompt draws every line. */
const varied = (lines: readonly string[], shift: number): string =>
  lines.map((line) => `${"\u001b[0m".repeat(shift)}${line}`).join("\n");

async function discardTypeAhead(input: NodeJS.ReadStream): Promise<void> {
  const discard = (): void => {};
  setRaw(input, true);
  input.on("data", discard);
  input.resume();
  await Bun.sleep(TYPE_AHEAD_MS);
  input.off("data", discard);
}

/** Does nothing if the terminal is gone. */
function setRaw(input: NodeJS.ReadStream, isRaw: boolean): void {
  try {
    input.setRawMode?.(isRaw);
  } catch {
    // There is no terminal left to restore.
  }
}

/** Shows the cursor and turns bracketed paste off, however a question ended. */
export const RESTORE: string = `${PASTE_OFF}\u001b[?25h`;
