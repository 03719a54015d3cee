// The survivors menu, in a real terminal, above all the entry that thaws the cgroup that keeps survivors frozen. It is
// for users who may kill and thaw, but not move killed processes out to die: with that permission none stays frozen for
// long.

import { describe, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, readFileSync } from "node:fs";

import { answer, expectRestored, type Held, stageHeld } from "../../support/interactive.ts";
import { IN_MOUNTS_OF_ITS_OWN } from "../../support/layout.ts";
import { AS_NOBODY, canBeNobody, delegate, startAsNobody } from "../../support/nobody.ts";
import { isAsleep } from "../../support/proc.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  makeCgroup,
  mountPoint,
  nameRoom,
  until,
  write,
} from "../../support/real-cgroup.ts";
import { inTerminal, KEYS, type TerminalSession } from "../../support/terminal.ts";

const { enter, down, end } = KEYS;

/** Wide, so that no entry is wrapped. */
const WIDE = { columns: 160 + nameRoom };
const askedUnder = (under: readonly string[], { cgroup }: Held, ...words: string[]): TerminalSession =>
  inTerminal(["-i", "-t", "200ms", "--keep", ...words, cgroup.dir], { ...WIDE, under });
const askedAsNobody = (held: Held, ...words: string[]): TerminalSession => askedUnder(AS_NOBODY, held, ...words);

/** Root, but with the freezer mounted read-only, as in containers. */
const readOnly = (): readonly string[] => [
  ...IN_MOUNTS_OF_ITS_OWN,
  "sh",
  "-c",
  `mount -o remount,ro,bind ${mountPoint("v1")} && exec "$@"`,
  "sh",
];

/** Proceed until the survivors menu is on the screen. */
async function kill(terminal: TerminalSession, count: number): Promise<void> {
  await answer(terminal, "What about", end, enter);
  await answer(terminal, `Kill ${count} process${count === 1 ? "" : "es"} in`, "y");
}

const entry = (dir: string, them = "it"): string => `Thaw ${dir}, which keeps ${them} frozen`;

/** Wait for the menu below the report: the question before it may contain the same words. */
async function atMenu(terminal: TerminalSession, survivors: number, ...keys: string[]): Promise<void> {
  await terminal.sees("and it dies");
  await answer(terminal, `${survivors} survivor${survivors === 1 ? "" : "s"}: what now?`, ...keys);
}

const canHold = canBeNobody() && canStage("v1");

for (const [which, method] of [
  ["v2", "kill"],
  ["v2", "freezer"],
  ["pids", "sweep"],
] as const) {
  describe.if(canHold && canStage(which))(`${which}, ${method}, as nobody: held by a foreign freezer`, () => {
    test("thawed from the menu: dead, and reported as killed; a process frozen with them runs on", async () => {
      await using held = await stageHeld(which, ["", "", ""], [""]);
      await using terminal = askedUnder(AS_NOBODY, held, "-m", method);
      await kill(terminal, 3);
      await atMenu(terminal, 3);
      const screen = terminal.lines();
      // Three lines in the preview, for what may survive, and three after the kill.
      expect(screen.filter((line) => line.includes("frozen-elsewhere") && line.includes("sleep"))).toHaveLength(6);
      const entries = screen.slice(screen.findLastIndex((line) => line.includes("3 survivors: what now?")) + 1);
      expect(entries.slice(0, 4).map((line) => line.replace(/^│ {2}[❯ ] /, ""))).toEqual([
        "Leave them",
        "Try again, and wait for them",
        "Show where they are blocked in the kernel",
        entry(held.foreign, "them"),
      ]);
      expect(entries[0]).toContain("❯");
      expect([held.state(), held.members().length, isFrozen(held.cgroup.dir)]).toEqual(["FROZEN", 3, false]);
      terminal.types(end + enter);
      expect(await terminal.ended()).toBe(0);
      const after = terminal.lines().join("\n");
      const [name, freezer] = [held.cgroup.path, held.foreignPath];
      expect(after).toMatch(new RegExp(`^thawed {2}${freezer} {2}`, "m"));
      expect(after).toMatch(new RegExp(`^killed {2}${name} {2}3 processes, method ${method}`, "m"));
      expect(after).not.toContain("already empty");
      expect(after).not.toMatch(/\b0 processes signalled/);
      expect(after).toMatch(/^ {4}cgkill kill .*-t 200ms/m);
      expect([held.state(), held.members()]).toEqual(["THAWED", []]);
      expect(isFrozen(held.cgroup.dir)).toBe(false);
      await until("the bystander to run on", () => isAsleep(held.bystander));
      expectRestored(terminal);
    });
  });
}

describe.if(canHold && canStage("v2"))("held by a foreign freezer", () => {
  test("frozen by itself and by an ancestor: each is reported and offered in turn, never guessed", async () => {
    await using held = await stageHeld("v2", ["/in"], ["", "/in"]);
    await using terminal = askedAsNobody(held);
    await kill(terminal, 1);
    await atMenu(terminal, 1);
    await answer(terminal, entry(`${held.foreign}/in`), end, enter);
    await terminal.sees("is thawed itself, but its ancestor");
    await answer(terminal, entry(held.foreign));
    expect([held.state(), held.state("/in"), held.members().length]).toEqual(["FROZEN", "FROZEN", 1]);
    terminal.types(end + enter);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.lines().join("\n")).toMatch(/^killed .* 1 process, /m);
    expect([held.state(), held.state("/in"), held.members()]).toEqual(["THAWED", "THAWED", []]);
  });

  test("each frozen by another cgroup: after the first, the second is offered", async () => {
    await using held = await stageHeld("v2", ["/a", "/b"], ["/a", "/b"]);
    await using terminal = askedAsNobody(held);
    await kill(terminal, 2);
    await atMenu(terminal, 2, end, enter);
    await terminal.sees("thawed");
    await atMenu(terminal, 1, end, enter);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.lines().join("\n")).toMatch(/^killed .* 1 process, /m);
    expect([held.state("/a"), held.state("/b"), held.members()]).toEqual(["THAWED", "THAWED", []]);
  });

  test.each([
    ["nobody, where only the target is delegated", AS_NOBODY, "permission denied (EACCES)"],
    ["root, where it is mounted read-only", readOnly(), "(EROFS)"],
  ])("that we may not thaw, as %s: told, asked about again, and left as it was", async (_, under, told) => {
    await using held = await stageHeld("v2", [""], [""]);
    chownSync(`${held.foreign}/freezer.state`, 0, 0);
    await using terminal = askedUnder(under, held);
    await kill(terminal, 1);
    await atMenu(terminal, 1, end, enter);
    await terminal.sees(`${held.foreign}/freezer.state`);
    await terminal.sees(told);
    await answer(terminal, "1 survivor: what now?");
    await answer(terminal, entry(held.foreign), enter);
    expect(await terminal.ended()).toBe(6);
    expect([held.state(), held.members().length]).toEqual(["FROZEN", 1]);
  });

  test("thawed by another process meanwhile: the next try reports the survivor as killed", async () => {
    await using held = await stageHeld("v2", [""], [""]);
    await using terminal = askedAsNobody(held);
    await kill(terminal, 1);
    await atMenu(terminal, 1);
    write(`${held.foreign}/freezer.state`, "THAWED");
    await until("its death", () => held.members().length === 0);
    terminal.types(down + enter);
    expect(await terminal.ended()).toBe(0);
    const after = terminal.lines().join("\n");
    expect(after).toMatch(/^killed .* 1 process, /m);
    expect(after).not.toContain("already empty");
    await until("the bystander to run on", () => isAsleep(held.bystander));
  });
});

describe.if(canHold)("v1, frozen from above during the kill", () => {
  test("the ancestor is offered and thawed: dead, removed, and reported as killed", async () => {
    await using top = makeCgroup("v1");
    const dir = `${top.dir}/job`;
    mkdirSync(dir);
    for (const one of [top.dir, dir]) delegate(one);
    await using sleeper = await startAsNobody(dir, ["sh", "-c", 'trap "" TERM; exec "$@"', "sh"]);
    await using bystander = await startAsNobody(top.dir);
    await using thawed = { [Symbol.asyncDispose]: async () => write(`${top.dir}/freezer.state`, "THAWED") };
    expect(thawed).toBeDefined();
    await using terminal = inTerminal(["-i", "-t", "2s", "-g", "1500ms", dir], { ...WIDE, under: AS_NOBODY });
    await kill(terminal, 1);
    // In the grace period: the guards, which refuse a target below a frozen ancestor, have passed, and the kill has not
    // begun.
    await terminal.sees("waiting for processes to exit in");
    write(`${top.dir}/freezer.state`, "FROZEN");
    await atMenu(terminal, 1);
    await answer(terminal, entry(top.dir));
    expect([readFileSync(`${top.dir}/freezer.state`, "utf8"), isAlive(sleeper.pid)]).toEqual(["FROZEN\n", true]);
    terminal.types(end + enter);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.lines().join("\n")).toMatch(
      /^killed .* 1 process \(0 by the grace signal, 1 by SIGKILL\), removed, method freezer/m,
    );
    expect([readFileSync(`${top.dir}/freezer.state`, "utf8"), existsSync(dir)]).toEqual(["THAWED\n", false]);
    expect(isAlive(sleeper.pid)).toBe(false);
    await until("the bystander to run on", () => isAsleep(bystander.pid));
  });
});
