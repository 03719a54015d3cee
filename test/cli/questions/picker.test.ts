// The list that cgroups are picked from: order, search, focus, marks, and how it looks at every supported size.

import { describe, expect, test } from "bun:test";

import type { Style } from "../../../src/cli/questions/frame.ts";
import type { KeyName } from "../../../src/cli/questions/keys.ts";
import { type PickList, pickView } from "../../../src/cli/questions/picker-view.ts";
import { createPicker, type Picker, type Row } from "../../../src/cli/questions/picker.ts";
import type { TerminalSize } from "../../../src/sys/sys.ts";
import { INDENTING } from "../../support/hostile-names.ts";
import { key, pasted, row, SIZES, style, typed } from "./support.ts";

const PAGE = 5;
const matches = (search: string, { name }: Row): boolean => name.includes(search.trim());
const picker = (rows: readonly Row[]): Picker => createPicker(rows, matches);
const press = (on: Picker, ...names: (KeyName | { text: string })[]) =>
  names
    .flatMap((name) => (typeof name === "string" ? [key(name)] : typed(name.text)))
    .map((each) => on.press(each, PAGE))
    .at(-1);
const names = (on: Picker): string[] => on.state().shown.map(({ name }) => name);
const focused = (on: Picker): string | undefined => on.state().shown[on.state().focus]?.name;

const listOf = (on: Picker, details: PickList["details"] = () => []): PickList => ({
  picker: on,
  details,
  watch: () => () => {},
});
const draw = (on: Picker, size: TerminalSize, details?: PickList["details"], as: Style = style): readonly string[] =>
  pickView(listOf(on, details), as).frame(size);

const MANY = Array.from({ length: 104 }, (_, nth) =>
  row(`batch/job${String(nth).padStart(3, "0")}`, { own: 200 - nth }),
);

describe("order", () => {
  const ROWS = [
    row("system.slice", { own: 0, procs: 500, isTopLevel: true }),
    row("system.slice/web", { own: 3 }),
    row("batch", { own: 0, procs: 20 }),
    row("batch/job", { own: 20, cpu: 5 }),
    row("mine", { own: 900, refusal: "contains pid 1" }),
  ];

  test("most processes of its own first; top-level cgroups, then refused ones last", () => {
    expect(names(picker(ROWS))).toEqual(["batch/job", "system.slice/web", "batch", "system.slice", "mine"]);
  });

  test("^T: parents before their children, and the focus stays on its cgroup", () => {
    const on = picker(ROWS);
    press(on, "down", "tree");
    expect(names(on)).toEqual(["batch", "batch/job", "mine", "system.slice", "system.slice/web"]);
    expect(focused(on)).toBe("system.slice/web");
  });

  test("^O: sorted by the next column, and the focus stays on its cgroup", () => {
    const on = picker([row("a", { own: 9 }), row("b", { cpu: 90 }), row("c", { cpu: 10, memoryBytes: 1 })]);
    press(on, "sort");
    expect([on.state().sort, names(on), focused(on)]).toEqual(["cpu", ["b", "c", "a"], "a"]);
    press(on, "sort");
    expect(names(on)).toEqual(["c", "a", "b"]);
  });
});

describe("focus", () => {
  test("stops at both ends", () => {
    const on = picker(MANY);
    press(on, "up");
    expect(on.state().focus).toBe(0);
    press(on, "end", "down");
    expect(on.state().focus).toBe(103);
    press(on, "page-up");
    expect(on.state().focus).toBe(98);
    press(on, "home", "page-down");
    expect(on.state().focus).toBe(5);
  });

  test("new counts move neither the focus nor the rows; a removed cgroup says so, a new one comes last", () => {
    const on = picker([row("a", { own: 3 }), row("b", { own: 2 }), row("c")]);
    press(on, "down");
    on.update([row("d", { own: 100 }), row("c", { own: 50 }), row("b", { own: 9 })]);
    expect(names(on)).toEqual(["a", "b", "c", "d"]);
    expect(focused(on)).toBe("b");
    expect(on.state().shown.map(({ procs, isGone }) => [procs, isGone])).toEqual([
      [0, true],
      [9, false],
      [50, false],
      [100, false],
    ]);
    press(on, "up");
    expect(press(on, "enter")).toBeUndefined();
    expect(on.state().note).toBe("a is gone");
  });
});

describe("answers", () => {
  test("Enter takes the focused row if none is marked", () => {
    const on = picker(MANY);
    expect(press(on, "down", "enter")).toEqual({ answer: ["/sys/fs/cgroup/batch/job001"] });
  });

  test("Enter takes the marked rows, even if a search hides them", () => {
    const on = picker(MANY);
    press(on, "tab", "down", "tab", { text: "job050" });
    expect(on.state()).toMatchObject({ focus: 0 });
    expect(draw(on, SIZES[3] as TerminalSize).join("\n")).toContain(
      "2 marked (399 processes, 2 of them not shown): batch/job000, batch/job001",
    );
    expect(press(on, "enter")).toEqual({ answer: ["/sys/fs/cgroup/batch/job000", "/sys/fs/cgroup/batch/job001"] });
  });

  test("a cgroup that would be refused can neither be marked nor taken, and the reason is shown", () => {
    const on = picker([row("a", { refusal: "contains pid 1" })]);
    expect(press(on, "tab")).toBeUndefined();
    expect(on.state()).toMatchObject({ marked: [], note: "refused: contains pid 1" });
    expect(press(on, "enter")).toBeUndefined();
  });

  test("nothing matches: Enter takes nothing", () => {
    const on = picker(MANY);
    expect(press(on, { text: "nothing" }, "enter")).toBeUndefined();
    expect(on.state().note).toContain("nothing matches");
  });

  test("Esc clears the search, and leaves if there is none", () => {
    const on = picker(MANY);
    expect(press(on, { text: "job05" }, "escape")).toBeUndefined();
    expect(on.state()).toMatchObject({ search: "", total: 104 });
    expect(press(on, "escape")).toBe("leave");
  });

  test("pasted text is searched for, and takes nothing", () => {
    const on = picker(MANY);
    expect(on.press(pasted("job050"), PAGE)).toBeUndefined();
    expect(names(on)).toEqual(["batch/job050"]);
  });

  test("letters are searched for: k and j do not move the focus", () => {
    const on = picker(MANY);
    press(on, { text: "j" });
    expect(on.state()).toMatchObject({ search: "j", focus: 0 });
  });
});

test("no line begins with a space, whatever cgroups are called, so that none looks like a command", () => {
  const on = picker(INDENTING.map((name) => row(`top/${name}`, { command: name, label: name })));
  for (const size of SIZES) {
    for (const name of ["home", "tab", "page-down", "tab", "tree", "end"] as const) {
      press(on, name);
      const lines = draw(on, size, (each) => [each.name, `${each.command} may restart it`]);
      expect(lines.filter((line) => line.startsWith(" "))).toEqual([]);
    }
  }
});

test("the note about a cgroup that is gone, or refused, is sanitized at every size", () => {
  const name = "a\u001b[2J\u202eb";
  const on = picker([row(name), row("b", { own: 0, refusal: `contains ${name}` })]);
  on.update([row("b", { own: 0, refusal: `contains ${name}` })]);
  for (const size of SIZES) {
    for (const move of ["home", "end"] as const) {
      press(on, move, "enter");
      expect(on.state().note).toContain(name);
      expect(draw(on, size).join("\n")).not.toMatch(/[\u001b\u202e]/);
    }
  }
});

test("a column without any value is left out; that of the CPU is there before its first value", () => {
  const headings = (rows: readonly Row[]): string[] =>
    (draw(picker(rows), { columns: 120, rows: 24 })[1] ?? "").split(/ +/).slice(1);
  const uncounted = row("a", { isCpuCounted: false });
  expect(headings([uncounted])).toEqual(["PROCS", "CGROUP", "COMMAND"]);
  expect(headings([uncounted, row("b", { ageSeconds: 5 })])).toEqual(["PROCS", "CPU", "AGE", "CGROUP", "COMMAND"]);
  expect(headings([uncounted, row("b", { isCpuCounted: false, memoryBytes: 0 })])).toContain("MEM");
});

describe("80 columns are too few for both a name and its label", () => {
  const id = "3f2a9c1e4d5b".padEnd(64, "7");
  const rows = [
    row("machine.slice/machine-db.scope", { label: "machine db", memoryBytes: 2 ** 20, ageSeconds: 60 }),
    row(`system.slice/docker-${id}.scope`, { label: "docker 3f2a9c1e4d5b" }),
    row("user.slice/user-1000.slice/session-3.scope", { label: "session 3" }),
  ];
  const drawn = (search: string): string => {
    const on = createPicker(rows, () => true);
    press(on, { text: search });
    return draw(on, { columns: 80, rows: 24 }).join("\n");
  };

  test("a name that fits without its label is whole", () => {
    expect(drawn("")).toMatch(/  machine\.slice\/machine-db\.scope +sleep/);
  });

  test("a longer one is cut at its start, beside the label", () => {
    expect(drawn("")).toMatch(/  docker 3f2a9c1e4d5b  …7+\.scope +sleep/);
    expect(drawn("")).toMatch(/  session 3  …\S+\/session-3\.scope +sleep/);
  });

  test("what was searched for is shown", () => {
    expect(drawn("slice")).toContain("…slice/docker-3f2a");
  });
});

test("a search in wide characters that is longer than its place is cut to the width", () => {
  const on = picker(MANY);
  press(on, { text: "漢字".repeat(40) });
  for (const size of SIZES) {
    for (const line of draw(on, size)) {
      expect(Bun.stringWidth(line)).toBeLessThan(size.columns);
    }
  }
});

// Regression: the room for names was computed with the columns as wide as their headings.
test("figures that are wider than their headings make names shorter, not lines longer", () => {
  const name = `deep/${"a-long-name-".repeat(20)}`;
  const rows = [row(name, { own: 1_234_567, cpu: 12_800, memoryBytes: 1, command: "worker ".repeat(20) })];
  for (const size of SIZES) {
    for (const line of draw(picker(rows), size)) expect(Bun.stringWidth(line)).toBeLessThan(size.columns);
  }
});

test("in ASCII, where marks are wider, no line is wider than the terminal", () => {
  const on = picker(MANY);
  const ascii = { ...style, symbols: { ...style.symbols, box: "[ ]", marked: "[+]", arrows: "up/down" } };
  for (const size of SIZES) {
    for (const line of draw(on, size, () => [], ascii)) {
      expect(Bun.stringWidth(line)).toBeLessThan(size.columns);
    }
  }
});

describe.each(SIZES.map((size) => [`${size.columns}x${size.rows}`, size] as const))("%s", (_, size) => {
  const on = picker(
    MANY.map((each, nth) => ({
      ...each,
      name: `kubepods-burstable-pod${"0".repeat(nth % 90)}/${each.name}`,
      cpu: 12,
      memoryBytes: 2 ** 30,
      ageSeconds: 9999,
      notes: nth % 3 === 0 ? "frozen" : "",
      label: nth % 2 === 0 ? "container 0123456789ab in pod 01234567" : null,
    })),
  );

  test.each(["home", "page-down", "end"] as const)(
    "%s: it fits, and the focused row, the keys and the position are seen",
    (name) => {
      press(on, name);
      const lines = draw(on, size, () => ["all of its name", "managed by systemd"]);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThan(size.columns);
      expect(lines.filter((line) => line.includes("❯"))).toHaveLength(1);
      expect(lines.filter((line) => line.includes("◻")).length).toBeGreaterThanOrEqual(size.rows < 10 ? 1 : 4);
      expect(lines[0]).toContain(`${on.state().focus + 1} of 104`);
      expect(lines.at(-2)).toContain("Esc leave");
      expect(lines.at(-1)).toBe("└");
    },
  );

  test("long notes leave room for names and headings", () => {
    const noted = picker(MANY.map((each) => ({ ...each, refusal: "root", isTopLevel: true, notes: "frozen memory" })));
    const lines = draw(noted, size);
    for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThan(size.columns);
    expect(lines.join("\n")).not.toContain("top-level");
  });

  test("the height is used", () => {
    const lines = draw(on, size);
    expect(lines).toHaveLength(size.rows);
    pickView(listOf(on), style).press(key("home"), size, true);
    pickView(listOf(on), style).press(key("page-down"), size, true);
    expect(on.state().focus).toBeGreaterThanOrEqual(size.rows - 7);
  });

  test("every row shows the text that was searched for", () => {
    const found = createPicker(
      MANY.map((each) => ({ ...each, name: `${"a".repeat(99)}wanted${"b".repeat(99)}${each.name}` })),
      matches,
    );
    press(found, { text: "wanted" });
    const lines = draw(found, size).filter((line) => line.includes("◻"));
    for (const line of lines) expect(line).toContain(size.columns < 40 ? "…" : "wanted");
  });
});
