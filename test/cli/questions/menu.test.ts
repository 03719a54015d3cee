// Menus and confirmations: what keys do, what a paste does not do, and how they look at every supported size.

import { describe, expect, test } from "bun:test";

import { confirmView, menuView, typingView } from "../../../src/cli/questions/menu.ts";
import type { View } from "../../../src/cli/questions/question.ts";
import { sanitize } from "../../../src/cli/text/sanitize.ts";
import type { TerminalSize } from "../../../src/sys/sys.ts";
import { INDENTING } from "../../support/hostile-names.ts";
import { key, pasted, SIZES, style, typed } from "./support.ts";

const SIZE: TerminalSize = { columns: 80, rows: 24 };
const SMALL: TerminalSize = { columns: 20, rows: 6 };
const NAME = `/system.slice/docker-${"0123456789abcdef".repeat(4)}.scope`;

const CHOICES = ["leave", "freeze", "all", "kill"].map((value) => ({ value, label: `${value} it` }));
const menu = (): View<string> => menuView(`What about ${NAME}?`, CHOICES, style);
const lineOf = (view: View<never> | View<string> | View<boolean>, size = SIZE): string =>
  view.frame(size).find((line) => line.includes("❯")) ?? "";

describe("a menu", () => {
  test("Enter takes the first line; the focus does not wrap around", () => {
    const view = menu();
    view.press(key("up"), SIZE, true);
    expect(lineOf(view)).toBe("│  ❯ leave it");
    expect(view.press(key("enter"), SIZE, true)).toEqual({ answer: "leave" });
    view.press(key("end"), SIZE, true);
    view.press(key("down"), SIZE, true);
    expect(view.press(key("enter"), SIZE, true)).toEqual({ answer: "kill" });
  });

  test("a line that does not fit ends with an ellipsis", () => {
    const view = menuView("What now?", [{ value: "freeze", label: "Freeze it first" }], style);
    expect(lineOf(view, SMALL)).toBe("│  ❯ Freeze it fir…");
  });

  test("letters and pastes do not move the focus", () => {
    const view = menu();
    for (const each of [...typed("kjhlyq 4"), pasted("kkky\r")]) expect(view.press(each, SIZE, true)).toBeUndefined();
    expect(lineOf(view)).toBe("│  ❯ leave it");
  });
});

describe("yes or no", () => {
  const view = (): View<boolean> => confirmView(`Kill 3 processes in ${NAME}?`, style);

  test.each([
    [key("enter"), { answer: false }],
    [typed("y")[0], { answer: true }],
    [typed("N")[0], { answer: false }],
    [key("escape"), { answer: false }],
  ] as const)("%j", (pressed, reply) => {
    expect(view().press(pressed as never, SIZE, true)).toEqual(reply as never);
  });

  test("a y in a paste, or together with other keys, does not confirm", () => {
    const asked = view();
    expect(asked.press(pasted("y"), SIZE, true)).toBeUndefined();
    expect(asked.press(typed("y")[0] as never, SIZE, false)).toBeUndefined();
    expect(asked.press(key("enter"), SIZE, true)).toEqual({ answer: false });
  });

  test("in a terminal that is too small no key confirms", () => {
    const asked = view();
    asked.press(key("down"), SIZE, true);
    for (const each of [...typed("y"), key("down"), key("end")]) {
      expect(asked.press(each, SMALL, true)).toBeUndefined();
    }
    expect(asked.press(key("enter"), SMALL, true)).toEqual({ answer: false });
    expect(asked.frame(SMALL).join("\n")).not.toContain("Yes");
  });
});

describe("a word to be typed", () => {
  const view = (): View<boolean> => typingView(`Kill?\nType job8 to go on`, ["job8", "/batch/job8"], style);
  const type = (on: View<boolean>, text: string, size = SIZE) => {
    for (const each of typed(text)) on.press(each, size, true);
    return on.press(key("enter"), size, true);
  };

  test("each expected word confirms; an empty line does not; another word gets a note", () => {
    expect(type(view(), "job8")).toEqual({ answer: true });
    expect(type(view(), "/batch/job8")).toEqual({ answer: true });
    expect(type(view(), "")).toEqual({ answer: false });
    const asked = view();
    expect(type(asked, "y")).toBeUndefined();
    expect(asked.frame(SIZE).join("\n")).toContain("type job8, or press Enter alone to cancel");
    asked.press(key("backspace"), SIZE, true);
    expect(type(asked, "job8")).toEqual({ answer: true });
  });

  test("it cannot be pasted, nor typed where the question is not visible", () => {
    const asked = view();
    asked.press(pasted("job8"), SIZE, true);
    expect(asked.frame(SIZE).join("\n")).toContain("pasted text is ignored here");
    expect(asked.press(key("enter"), SIZE, true)).toEqual({ answer: false });
    expect(type(view(), "job8", SMALL)).toBeUndefined();
  });
});

describe.each(SIZES.map((size) => [`${size.columns}x${size.rows}`, size] as const))("%s", (_, size) => {
  test("no line begins with a space, whatever the cgroup is called, so that none looks like a command", () => {
    for (const name of INDENTING.map(sanitize)) {
      const views = [
        menuView(`What about /${name}?`, [{ value: "thaw", label: `Thaw /${name}` }], style),
        confirmView(`Kill 3 processes in /${name}?`, style),
        typingView(`Kill 3 processes in /${name}?\nType 3 to go on`, ["3"], style),
      ];
      for (const view of views) {
        const lines = [...view.frame(size), ...view.summary(undefined, size)];
        expect({ name, indented: lines.filter((line) => line.startsWith(" ")) }).toEqual({ name, indented: [] });
      }
    }
  });

  test.each([
    ["a menu", menu],
    ["yes or no", () => confirmView(`Kill 3 processes in ${NAME}?`, style)],
    ["a word", () => typingView(`Kill 3 processes in ${NAME}?\nType 0123456789ab to go on`, ["0123456789ab"], style)],
  ] as readonly (readonly [string, () => View<unknown>])[])(
    "%s fits, with its question and the way out",
    (_name, make) => {
      const view = make();
      const lines = view.frame(size);
      expect(lines.length).toBeLessThanOrEqual(size.rows);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThan(size.columns);
      expect(lines[0]).toStartWith("◆  ");
      expect(lines.at(-2)).toContain("Esc");
      expect(lines.at(-1)).toBe("└");
      // From here on a confirmation names the whole cgroup.
      const all = lines.map((line) => line.slice(3)).join("");
      if (size.columns >= 40) expect(all).toContain(NAME);
    },
  );
});
