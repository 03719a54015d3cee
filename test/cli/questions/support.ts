// A style without colours, keys by their names, and the frames at the supported sizes.

import type { Style } from "../../../src/cli/questions/frame.ts";
import type { Key, KeyName } from "../../../src/cli/questions/keys.ts";
import type { Row } from "../../../src/cli/questions/picker.ts";
import type { TerminalSize } from "../../../src/sys/sys.ts";

const same = (text: string): string => text;

export const style: Style = {
  paint: { good: same, bad: same, dim: same, bold: same },
  symbols: {
    bar: "│",
    end: "└",
    active: "◆",
    done: "◇",
    left: "■",
    box: "◻",
    marked: "◼",
    pointer: "❯",
    arrows: "↑/↓",
  },
};

export const SIZES: readonly TerminalSize[] = [
  { columns: 20, rows: 6 },
  { columns: 40, rows: 10 },
  { columns: 60, rows: 15 },
  { columns: 80, rows: 24 },
  { columns: 120, rows: 40 },
  { columns: 200, rows: 50 },
];

export const key = (name: KeyName): Key => ({ name, text: "" });
export const typed = (text: string): Key[] => [...text].map((one) => ({ name: "text", text: one }));
export const pasted = (text: string): Key => ({ name: "paste", text });

export function row(name: string, values: Partial<Row> = {}): Row {
  return {
    key: `/sys/fs/cgroup/${name}`,
    name,
    depth: name.split("/").length - 1,
    label: null,
    own: 1,
    procs: values.own ?? 1,
    cpu: null,
    isCpuCounted: true,
    memoryBytes: null,
    ageSeconds: null,
    command: "sleep",
    notes: "",
    refusal: null,
    isTopLevel: false,
    isGone: false,
    ...values,
  };
}
