// The list that cgroups are picked from, in a real terminal: at every supported size, with and without colour and
// UTF-8, resized, pasted into, and while the cgroups change.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";

import { answer, stage } from "../../support/interactive.ts";
import { canStage, makeCgroup, nameRoom, until } from "../../support/real-cgroup.ts";
import { screenOf } from "../../support/screen.ts";
import { inTerminal, KEYS, type TerminalSession } from "../../support/terminal.ts";

const { enter, down, end, tab, escape, ctrlC } = KEYS;
const SIZES = [
  [20, 6],
  [40, 10],
  [60, 15],
  [80, 24],
  [120, 40],
  [200, 50],
] as const;
const LOOKS = [
  ["with colour", {}],
  ["without colour", { NO_COLOR: "1" }],
  ["in ASCII", { LANG: "C", NO_COLOR: "1" }],
] as const;

/** Full screen: what was drawn since it was last cleared. */
const screen = (terminal: TerminalSession, columns: number, rows: number): string[] =>
  screenOf(terminal.raw().slice(terminal.raw().lastIndexOf("\u001b[2J")), columns, rows).lines();

async function many(count: number) {
  const cgroup = makeCgroup("v2");
  for (let nth = 0; nth < count; nth++) mkdirSync(`${cgroup.dir}/job${nth}`);
  const script = 'i=0; while [ $i -lt $1 ]; do sleep 600 & echo $! > "$2/job$i/cgroup.procs"; i=$((i+1)); done; wait';
  const child = Bun.spawn(["sh", "-c", script, "sh", String(count), cgroup.dir]);
  const last = `${cgroup.dir}/job${count - 1}/cgroup.procs`;
  await until(`${count} jobs`, () => existsSync(last) && readFileSync(last, "utf8") !== "");
  return {
    name: cgroup.path.slice(1),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await cgroup[Symbol.asyncDispose]();
      await child.exited;
    },
  };
}

describe.if(canStage("v2"))("the list", () => {
  test("at every size and in every style: the focused row, the keys and the position are visible, and all rows are used", async () => {
    await using jobs = await many(60);
    for (const [columns, rows] of SIZES) {
      for (const [look, env] of LOOKS) {
        await using terminal = inTerminal([], { columns, rows, env });
        await terminal.sees("Esc leave");
        terminal.types(`${jobs.name}/job`);
        await terminal.sees("of 60");
        terminal.types(down);
        await terminal.sees("2 of 60");
        await until("the whole frame", () => /^[└-]/.test(screen(terminal, columns, rows).findLast(Boolean) ?? ""));
        const lines = screen(terminal, columns, rows);
        const [pointer, box] = look === "in ASCII" ? ["> ", "[ ]"] : ["❯ ", "◻"];
        const at = `${columns}x${rows} ${look}\n${lines.join("\n")}`;
        expect(lines.length, at).toBe(rows);
        expect(
          lines.filter((line) => line.includes(`${pointer}${box}`)),
          at,
        ).toHaveLength(1);
        expect(lines.filter((line) => line.includes(box)).length, at).toBeGreaterThanOrEqual(rows < 10 ? 1 : rows - 7);
        expect(lines.at(-2), at).toContain("Esc clear");
        if (look === "in ASCII") expect(terminal.text()).toMatch(/^[\0-\x7f]*$/);
        if (look !== "with colour") expect(terminal.raw()).not.toMatch(/\u001b\[(3\d|[12])m/);
        terminal.types(escape);
        await terminal.sees("Esc leave");
        terminal.types(escape);
        expect(await terminal.ended()).toBe(130);
      }
    }
  }, 120_000);

  // Regression: the screen was cleared, and then only the first line was drawn, and those that a refresh changed.
  test("resized to a height at which the frame is the same: all of it is drawn again", async () => {
    await using jobs = await many(1);
    await using terminal = inTerminal([], { columns: 120 + nameRoom, rows: 40 });
    await answer(terminal, "Which cgroups?", `${jobs.name}/job0`);
    await terminal.sees("1 of 1,");
    const before = terminal.raw().length;
    terminal.resize(120 + nameRoom, 41);
    await until("the new frame", () => terminal.raw().lastIndexOf("\u001b[2J") >= before);
    const drawn = (): string => screen(terminal, 120 + nameRoom, 41).join("\n");
    await until("all of it", () => /Which cgroups\?[^]*PROCS[^]*◻[^]*Esc clear/.test(drawn()));
    terminal.types(ctrlC);
    expect(await terminal.ended()).toBe(130);
  });

  test("resized while it is shown: one frame, of the new size, and nothing else", async () => {
    await using jobs = await many(60);
    await using terminal = inTerminal([], { columns: 120, rows: 40 });
    await terminal.sees("Esc leave");
    terminal.types(`${jobs.name}/job`);
    await terminal.sees("of 60");
    for (const [columns, rows] of [...SIZES, ...SIZES.toReversed()]) {
      const drawn = terminal.raw().length;
      terminal.resize(columns, rows);
      // It may arrive in pieces: the last line ends it.
      await until("a frame", () => {
        const lines = screen(terminal, columns, rows);
        return lines.length === rows && lines.at(-1)?.startsWith("└") === true && terminal.raw().length > drawn;
      });
      const lines = screen(terminal, columns, rows);
      expect(lines.filter((line) => line.startsWith("◆"))).toHaveLength(1);
      expect(lines.filter((line) => line.startsWith("└"))).toHaveLength(1);
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
    }
    terminal.types(ctrlC);
    expect([130, "SIGINT"]).toContain(await terminal.ended());
    // The earlier content is shown again.
    expect(terminal.raw().split("\u001b[?1049h")).toHaveLength(2);
    expect(terminal.raw().lastIndexOf("\u001b[?1049l")).toBeGreaterThan(terminal.raw().lastIndexOf("\u001b[2J"));
  });

  test("counts change while it is shown, and the focus does not; a removed cgroup says so and cannot be taken", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal([], { columns: 100 + nameRoom, rows: 24 });
    await answer(terminal, "Which cgroups?", stand.cgroup.path.slice(1));
    const focused = (): string => screen(terminal, 100 + nameRoom, 24).find((line) => line.includes("❯")) ?? "";
    // Without the memory controller there is no column for it.
    await until("three processes", () => / 3 +\S+ +(\S+ +)?\S+ {2}cgkill-test/.test(focused()));
    const [first = 0, ...others] = stand.members();
    process.kill(first, "SIGKILL");
    await until("two processes, and their CPU", () => / 2 +\d+% +(\S+ +)?\S+ {2}cgkill-test/.test(focused()));
    for (const pid of others) process.kill(pid, "SIGKILL");
    await until("none", () => focused().includes("gone"));
    terminal.types(enter);
    await terminal.sees("is gone");
    terminal.types(ctrlC);
    expect([130, "SIGINT"]).toContain(await terminal.ended());
  });

  test("a pid finds its cgroup; a mouse report is ignored; Esc clears the search, a second Esc leaves", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal([]);
    await answer(terminal, "Which cgroups?", `\u001b[<0;12;7M\u001b[M !!${stand.members()[1]}`);
    await terminal.sees(`Search: ${stand.members()[1]}█`);
    await terminal.sees("1 of 1,");
    terminal.types(tab);
    await terminal.sees("1 marked (3 processes)");
    terminal.types(escape);
    await terminal.sees("Esc leave");
    terminal.types("nowhere");
    await terminal.sees("1 of them not shown");
    terminal.types(enter);
    await answer(terminal, `What about ${stand.cgroup.path}`, escape);
    expect(await terminal.ended()).toBe(130);
    expect(stand.members()).toHaveLength(3);
  });
});

describe.if(canStage("v2"))("only a single key press confirms a kill", () => {
  test.each([
    ["a marked paste", "\u001b[200~ky\ry\r\u001b[201~"],
    ["a paste that is not marked", "kyykyy"],
    ["letters, and mouse reports", "jkhl\u001b[<0;1;1M\u001b[M !!"],
  ])("%s moves nothing in the menu, and is no yes", async (_, pasted) => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir]);
    await answer(terminal, "What about", pasted, end, enter);
    await answer(terminal, "Kill 3 processes in", pasted);
    await Bun.sleep(300);
    expect(stand.members()).toHaveLength(3);
    terminal.types(enter);
    await answer(terminal, "What about", enter);
    expect(await terminal.ended()).toBe(130);
    expect(stand.members()).toHaveLength(3);
  });

  test("a y typed before the question appears does not confirm it", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir]);
    await answer(terminal, "What about", end, enter, "y");
    await terminal.sees("Kill 3 processes in");
    await Bun.sleep(300);
    expect(stand.members()).toHaveLength(3);
    terminal.types(enter);
    await answer(terminal, "What about", enter);
    expect(await terminal.ended()).toBe(130);
  });

  test("at 20x6 the question and the way out are visible, and no key kills", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir], { columns: 20, rows: 6 });
    await answer(terminal, "What about", end, enter);
    await answer(terminal, "Esc: no", "y");
    terminal.types(down);
    terminal.types("y");
    await Bun.sleep(300);
    expect(stand.members()).toHaveLength(3);
    expect(terminal.lines().slice(-6).join("\n")).toContain("Esc");
    terminal.types(escape);
    await answer(terminal, "Esc leaves", escape);
    expect(await terminal.ended()).toBe(130);
    expect(stand.members()).toHaveLength(3);
  });

  test.each(SIZES.slice(1))("at %ix%i it can be confirmed, and the whole name is visible", async (columns, rows) => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir], { columns, rows });
    await answer(terminal, "What about", end, enter);
    await terminal.sees("Kill 3 processes in");
    await until("the question", () => /^└/.test(terminal.lines().findLast(Boolean) ?? ""));
    const shown = terminal
      .lines()
      .slice(-rows)
      .map((line) => line.slice(3))
      .join("");
    expect(shown.replaceAll(" ", "")).toContain(`${stand.cgroup.path}?`);
    terminal.types("y");
    expect(await terminal.ended()).toBe(0);
    expect(stand.members()).toEqual([]);
  });
});
