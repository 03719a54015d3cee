// The questions of the interactive mode. The only file that knows the package they are asked with: it and the stream
// objects it needs are loaded when the first question is due. No question is asked while a kill runs.

import { autocompleteMultiselect, confirm as clackConfirm, isCancel, select, text } from "@clack/prompts";

import { toAscii } from "../text/sanitize.ts";

export interface Choice<T> {
  readonly value: T;
  readonly label: string;
  readonly disabled?: boolean;
}

export interface Prompts {
  /** Any number of many, searched by typing. `undefined`: cancelled, as with every question here. */
  pickMany(message: string, choices: readonly Choice<string>[], filter: Filter): Promise<readonly string[] | undefined>;
  /** One of a few; the first is the one that a stray Enter takes. */
  choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T | undefined>;
  /** No is what a stray Enter means. */
  confirm(message: string): Promise<boolean | undefined>;
  /** To be typed as it is shown. */
  confirmByTyping(message: string, expected: string): Promise<boolean | undefined>;
}

export type Filter = (search: string, value: string) => boolean;

const SHOWN_AT_ONCE = 12;
const SHOW_CURSOR = "\u001b[?25h";

/**
 * Resolves when nobody is there to answer any more. The package may then never answer itself: what it does first is to
 * write to the terminal, and to one that has gone it cannot.
 */
function nobodyLeft(signal: AbortSignal): Promise<undefined> {
  const { stdin, stdout } = process;
  return new Promise((resolve) => {
    const leave = (): void => resolve(undefined);
    // The package's own listener comes after this one, but is done before anybody hears of it.
    signal.addEventListener("abort", leave);
    for (const event of ["end", "close", "error"]) stdin.on(event, leave);
    stdout.on("error", leave);
    if (signal.aborted) leave();
  });
}

/**
 * @param signal  cancels whatever is asked
 * @param flush   what was written before has to stand above the question
 */
export function createPrompts(
  signal: AbortSignal,
  columns: number,
  isUtf8: boolean,
  flush: () => Promise<void>,
): Prompts {
  const common = { signal, output: adapted(columns, isUtf8) };
  const gone = nobodyLeft(signal);
  const answer = async <T>(ask: () => Promise<T>): Promise<Exclude<T, symbol> | undefined> => {
    await flush();
    const answered = await Promise.race([ask(), gone]);
    return isCancel(answered) ? undefined : (answered as Exclude<T, symbol>);
  };
  return {
    async pickMany(message, choices, filter) {
      const refused = new Set(choices.filter(({ disabled }) => disabled).map(({ value }) => value));
      const pick = () =>
        autocompleteMultiselect<string>({
          ...common,
          message,
          options: choices.map(toOption),
          maxItems: SHOWN_AT_ONCE,
          filter: (search, { value }) => filter(search, value),
          required: true,
          validate(values) {
            const chosen = Array.isArray(values) ? values : values === undefined ? [] : [values];
            return chosen.some((value) => refused.has(value)) ? "one of them cannot be killed from here" : undefined;
          },
        });
      return await answer(pick);
    },
    async choose<T extends string>(message: string, choices: readonly Choice<T>[]) {
      return (await answer(() => select<string>({ ...common, message, options: choices.map(toOption) }))) as
        T | undefined;
    },
    async confirm(message) {
      return await answer(() => clackConfirm({ ...common, message, initialValue: false }));
    },
    async confirmByTyping(message, expected) {
      const type = () =>
        text({
          ...common,
          message,
          validate: (value = "") =>
            value === expected || value === "" ? undefined : `type ${expected}, or nothing to leave`,
        });
      const answered = await answer(type);
      return answered === undefined ? undefined : answered === expected;
    },
  };
}

function toOption({ value, label, disabled = false }: Choice<string>) {
  return { value, label, disabled };
}

const ASCII: Readonly<Record<string, string>> = {
  "↑/↓": "up/down",
  "•": "-",
  "—": "-",
  "█": "_",
  "…": "...",
  "–": "-",
};

/**
 * The terminal as the package is to see it: a serial line says that it has no columns, and then nothing would be drawn;
 * and not all that the package draws has a form in ASCII.
 */
function adapted(columns: number, isUtf8: boolean): NodeJS.WriteStream {
  const { stdout } = process;
  const size = (stdout.columns ?? 0) > 0 ? {} : { columns: { value: columns }, rows: { value: 24 } };
  const drawn = (text: string): string => text.replace(/↑\/↓|[•—█…–]/g, (sign) => ASCII[sign] ?? sign);
  const write = { value: (text: string): boolean => stdout.write(toAscii(drawn(text))) };
  return Object.create(stdout, isUtf8 ? size : { ...size, write }) as NodeJS.WriteStream;
}

/** However the questions ended. */
export const RESTORE: string = SHOW_CURSOR;
