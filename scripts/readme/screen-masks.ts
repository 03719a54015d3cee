// Fixed values for what varies on a screen from run to run: pids, ages, CPU time, memory, milliseconds.

/** By column heading. Pids count up from row to row. */
const STAND_INS: Readonly<Record<string, (row: number) => string>> = {
  PID: (row) => String(4711 + row),
  AGE: () => "3m10s",
  CPU: () => "0s",
  RSS: () => "1.6M",
  MEM: () => "1.6M",
};
/** An adversary runs in a copy of Bun, whose file has a different name in its npm package. */
const RUNTIME = /^bun\.exe$/;
const HEADS: RegExp = /^ *(?:PID|HERE|ALL)  ?.*\b[A-Z]+$/;
/** Left-aligned columns. */
const LEFT = new Set(["PID", "USER", "S", "STATE", "COMMAND", "BLOCKED IN", "REASON", "CGROUP"]);

/** Put the fixed values into every table and align its columns again. */
export function alignTables(text: string): string {
  const lines = text.split("\n");
  const out: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    if (!HEADS.test(line)) {
      out.push(line);
      continue;
    }
    const heads = line.trim().split(/ {2,}/);
    const rows: string[][] = [];
    for (; isRow(lines[at + 1] ?? "", heads.length); at++) rows.push(cellsOf(lines[at + 1] as string, heads.length));
    out.push(...aligned(/^ {2}/.test(line) && heads[0] === "PID" ? "  " : "", heads, rows));
  }
  return out.join("\n");
}

/** The last cell is the rest of the line, blanks included: it may be a tree. */
function cellsOf(line: string, count: number): string[] {
  const pattern = new RegExp(`^ *${"(\\S+) +".repeat(count - 1)}(.*)$`);
  return pattern.exec(line)?.slice(1) ?? [];
}

const isRow = (line: string, count: number): boolean => /^ *\d/.test(line) && cellsOf(line, count).length === count;

function aligned(indent: string, heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const masked = rows.map((cells, row) =>
    cells.map((cell, at) =>
      // What is not known varies in no run: an empty cgroup has no age.
      cell === "-" ? cell : (STAND_INS[heads[at] as string]?.(row) ?? cell.replace(RUNTIME, "bun")),
    ),
  );
  const table = [heads, ...masked];
  const widths = heads.map((_, at) => Math.max(...table.map((cells) => Bun.stringWidth(cells[at] as string))));
  return table.map((cells) => {
    const padded = cells.map((cell, at) => {
      const blanks = " ".repeat((widths[at] as number) - Bun.stringWidth(cell));
      return LEFT.has(heads[at] as string) ? cell + blanks : blanks + cell;
    });
    return (indent + padded.join("  ")).trimEnd();
  });
}

/** The rows of the pick list, with all columns: a host may have no value for CPU or memory, and then no such column. */
export function maskPickList(text: string): string {
  return text
    .replace(/^│ {7}PROCS .*AGE(?= {2}CGROUP)/gm, "│       PROCS    CPU    MEM     AGE")
    .replace(
      /^(│ {2}. . +\d+)(?: +(?:\d+%|-))?(?: +(?:[\d.]+[BKMGT]|-))? +(?:[\dhms]+|-) {2}(?=\S)/gm,
      "$1     0%   1.6M   3m10s  ",
    )
    .replace(/^(│ {2}pid) \d+:/gm, "$1 4711:");
}

/** Times in prose count up within a screen, from `firstMs`; every pid in prose becomes 4700, all CPU time 0s. */
export function maskTimes(text: string, firstMs: number): string {
  let ms = firstMs;
  return text
    .replace(/(?<=, )[\dhms]+(?= CPU\b)/g, "0s")
    .replace(/(?<= )\d+(\.\d)? ms\b/g, () => `${ms++} ms`)
    .replace(/(?<![\w-])(pid|--spare) \d+/g, "$1 4700");
}
