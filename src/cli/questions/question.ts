// One question on the terminal: its frame drawn and drawn again, keys in, one answer out. Built on the prompt class that
// @clack/prompts is made of, which owns raw mode, the cursor and the drawing of differences; what a frame contains and
// what a key does is a `View`'s.

import { PassThrough } from "node:stream";

import { Prompt } from "@clack/core";

import { createKeyReader, type Key } from "./keys.ts";

export interface FrameSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a key led to: an answer, or leaving without one; `undefined`: the question goes on. */
export type Reply<T> = { readonly answer: T } | "leave" | undefined;

export interface View<T> {
  /** Lines, none wider than the terminal, and no more of them than it has. */
  frame(size: FrameSize): readonly string[];
  /** What stays on the screen when it is over; `undefined`: there was no answer. */
  summary(answer: T | undefined, size: FrameSize): readonly string[];
  /** @param isAlone  nothing else was read with it, as is so for a key that a person presses */
  press(key: Key, size: FrameSize, isAlone: boolean): Reply<T>;
  /** Called once it is on the screen. `redraw` shows what has changed since; returns what ends that. */
  watch?(redraw: () => void): () => void;
  /** The whole terminal is its own; what stood there comes back afterwards. */
  readonly isFullScreen?: boolean;
  /** What was typed before the question was on the screen is no answer to it. */
  readonly isCareful?: boolean;
}

/** The terminal as questions need it. */
export interface Terminal {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** The size that is drawn for. */
  readonly size: () => FrameSize;
}

const PASTE_ON = "\u001b[?2004h";
const PASTE_OFF = "\u001b[?2004l";
const FULL_SCREEN = "\u001b[?1049h\u001b[H\u001b[2J";
const OWN_SCREEN = "\u001b[?1049l";
const CLEAR = "\u001b[2J";

/** From Escape to the rest of a longer key, and from one piece of a paste to the next. */
const ESCAPE_MS = 50;
/** What is waiting to be read is there by then. */
const TYPE_AHEAD_MS = 20;

/** @returns `undefined` if it was left or cancelled */
export async function ask<T>(view: View<T>, terminal: Terminal, signal: AbortSignal): Promise<T | undefined> {
  const { input, output, size } = terminal;
  const keys = createKeyReader();
  const decoder = new TextDecoder();
  let answer: T | undefined;
  let shift = 0;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  // The prompt is told of three keys only: Enter, Escape, and one that means "draw".
  const told = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (isRaw: boolean) => setRaw(input, isRaw) });
  const tell = (name: string): void => void told.emit("keypress", undefined, { name });
  const redraw = (): void => {
    if (!isOver) tell("redraw");
  };
  const prompt = new Prompt<true>(
    {
      input: told,
      output,
      signal,
      render() {
        if (this.state !== "submit" && this.state !== "cancel") return moved(view.frame(size()), shift);
        return view.isFullScreen === true ? "" : view.summary(answer, size()).join("\n");
      },
    },
    false,
  );
  const press = (key: Key, isAlone: boolean): void => {
    if (isOver) return;
    const reply = key.name === "cancel" ? "leave" : view.press(key, size(), isAlone);
    if (reply === undefined) return redraw();
    isOver = true;
    if (reply !== "leave") answer = reply.answer;
    tell(reply === "leave" ? "escape" : "return");
  };
  const hear = (pressed: readonly Key[]): void => {
    for (const key of pressed) press(key, pressed.length === 1);
    clearTimeout(timer);
    if (!isOver && keys.isPending()) timer = setTimeout(() => hear(keys.flush()), ESCAPE_MS);
  };
  const onData = (chunk: Uint8Array): void => hear(keys.read(decoder.decode(chunk, { stream: true })));
  // Lines that the terminal has wrapped anew are not where they were: every line is drawn.
  const onResize = (): void => {
    shift = 1 - shift;
    if (view.isFullScreen === true) output.write(CLEAR);
  };

  if (view.isCareful === true) await discardTypeAhead(input);
  output.write(`${PASTE_ON}${view.isFullScreen === true ? FULL_SCREEN : ""}`);
  output.on("resize", onResize);
  input.on("data", onData);
  input.resume();
  let unwatch: (() => void) | undefined;
  try {
    const answered = prompt.prompt();
    unwatch = view.watch?.(redraw);
    await answered;
  } finally {
    isOver = true;
    clearTimeout(timer);
    unwatch?.();
    input.off("data", onData);
    input.pause();
    output.off("resize", onResize);
    output.write(PASTE_OFF);
    if (view.isFullScreen === true) output.write(`${OWN_SCREEN}${view.summary(answer, size()).join("\n")}\n`);
  }
  return answer;
}

/** The same frame, different for the comparison that decides which lines are drawn. */
const moved = (lines: readonly string[], shift: number): string => `${"\u001b[0m".repeat(shift)}${lines.join("\n")}`;

async function discardTypeAhead(input: NodeJS.ReadStream): Promise<void> {
  const discard = (): void => {};
  setRaw(input, true);
  input.on("data", discard);
  input.resume();
  await Bun.sleep(TYPE_AHEAD_MS);
  input.off("data", discard);
}

/** A terminal that has gone cannot be set any more. */
function setRaw(input: NodeJS.ReadStream, isRaw: boolean): void {
  try {
    input.setRawMode?.(isRaw);
  } catch {
    // There is no terminal left to be put in order.
  }
}

/** However a question ended: the cursor is shown, and pastes are no longer marked. */
export const RESTORE: string = `${PASTE_OFF}\u001b[?25h`;
