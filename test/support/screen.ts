// A small terminal emulator: the content of the screen after some output. It knows what cgkill and its prompts write:
// text, carriage control, cursor moves and erasing; it ignores colours and modes.

const SEQUENCE = /\u001b\[([?\d;]*)([@-~])|\u001b[()][0-9A-B]|\u001b[=>78]|[\r\n\b]|[^\u001b\r\n\b]/gu;

export interface Screen {
  /** All lines, including those that have scrolled off the screen, without trailing blanks. */
  readonly lines: () => string[];
}

/** @param columns  where lines wrap */
export function screenOf(raw: string, columns: number, rows: number): Screen {
  const lines: string[][] = [[]];
  let row = 0;
  let column = 0;
  /** The first line on the screen; the cursor cannot go above it. */
  const top = (): number => Math.max(0, lines.length - rows);
  const goTo = (line: number): void => {
    row = Math.max(top(), line);
    while (lines.length <= row) lines.push([]);
  };
  const put = (character: string): void => {
    const width = Bun.stringWidth(character);
    if (width === 0) return;
    if (column + width > columns) {
      goTo(row + 1);
      column = 0;
    }
    const line = lines[row] as string[];
    while (line.length < column) line.push(" ");
    line[column++] = character;
    if (width === 2) line[column++] = "";
  };
  const erase = (what: string): void => {
    const line = lines[row] as string[];
    if (what === "2") line.length = 0;
    else if (what === "1") line.fill(" ", 0, column + 1);
    else line.length = Math.min(line.length, column);
  };
  const control = (words: string, final: string): void => {
    const count = Number.parseInt(words, 10) || 1;
    if (final === "A") goTo(row - count);
    else if (final === "B") goTo(Math.min(row + count, top() + rows - 1));
    else if (final === "C") column = Math.min(columns - 1, column + count);
    else if (final === "D") column = Math.max(0, column - count);
    else if (final === "E" || final === "F") {
      goTo(row + (final === "E" ? count : -count));
      column = 0;
    } else if (final === "G") column = count - 1;
    else if (final === "H" && words === "") {
      row = top();
      column = 0;
    } else if (final === "K") erase(words);
    else if (final === "J") {
      erase("0");
      for (const line of lines.slice(row + 1)) line.length = 0;
    }
  };
  for (const [text, words = "", final] of raw.matchAll(SEQUENCE)) {
    if (final !== undefined) control(words, final);
    else if (text === "\r") column = 0;
    else if (text === "\n") goTo(row + 1);
    else if (text === "\b") column = Math.max(0, column - 1);
    else if (!text.startsWith("\u001b")) put(text);
  }
  return { lines: () => lines.map((line) => line.join("").trimEnd()) };
}
