// The interactive mode of the compiled binary, in a real terminal and on real cgroups: what is on the screen, what the
// kernel says afterwards, and that nothing stays frozen however it ends.

import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

import { answer, expectRestored, stage } from "../../support/interactive.ts";
import { stateOf } from "../../support/proc.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  makeCgroup,
  nameRoom,
  startAdversary,
  startSleeper,
  until,
} from "../../support/real-cgroup.ts";
import { runCgkill } from "../../support/run-cgkill.ts";
import { inTerminal, KEYS } from "../../support/terminal.ts";
import { startTraced } from "../../support/traced.ts";

const { enter, down, end, tab, escape, ctrlC } = KEYS;

for (const version of ["v2", "v1"] as const) {
  if (!canStage(version)) continue;

  describe(version, () => {
    test("find by typing, preview, confirm, kill; and the equivalent command", async () => {
      await using stand = await stage(version);
      const name = stand.cgroup.path.slice(1);
      await using terminal = inTerminal([]);
      await answer(terminal, "Which cgroups?", name, tab, enter);
      await terminal.sees("would be killed: 3 processes");
      await answer(terminal, "What about", end, enter);
      await answer(terminal, "Kill 3 processes in", "y");
      await terminal.sees("killed");
      await terminal.sees(`cgkill kill ${stand.cgroup.dir}`);
      await answer(terminal, "What now?", enter);
      expect(await terminal.ended()).toBe(0);
      expect(stand.members()).toEqual([]);
      expectRestored(terminal);
    });

    test("files of the cgroup among the operands are skipped, and only the cgroups are asked about", async () => {
      await using stand = await stage(version);
      const files = ["cgroup.procs", "tasks"].map((file) => `${stand.cgroup.dir}/${file}`);
      await using terminal = inTerminal(["-i", ...files.slice(0, version === "v2" ? 1 : 2), stand.cgroup.dir]);
      await terminal.sees(version === "v2" ? "skipped 1 cgroup interface file" : "skipped 2 cgroup interface files");
      await answer(terminal, "What about", end, enter);
      await answer(terminal, "Kill 3 processes in", "y");
      expect(await terminal.ended()).toBe(0);
      expect(stand.members()).toEqual([]);
    });

    test("a stray Enter kills nothing, neither at the action nor at the confirmation", async () => {
      await using stand = await stage(version);
      await using terminal = inTerminal(["-i", stand.cgroup.dir]);
      await answer(terminal, "What about", enter);
      expect(await terminal.ended()).toBe(130);
      await using second = inTerminal(["-i", stand.cgroup.dir]);
      await answer(second, "What about", end, enter);
      await answer(second, "Kill 3 processes in", enter);
      await answer(second, "What about", enter);
      expect(await second.ended()).toBe(130);
      expect(stand.members()).toHaveLength(3);
    });

    test("frozen first, then thawed and left: all members live and run", async () => {
      await using stand = await stage(version);
      await using terminal = inTerminal(["-i", stand.cgroup.dir]);
      await answer(terminal, "What about", down, enter);
      await terminal.sees("frozen");
      expect(isFrozen(stand.cgroup.dir)).toBe(true);
      await answer(terminal, "Thaw it and leave", enter);
      expect(await terminal.ended()).toBe(130);
      expect(isFrozen(stand.cgroup.dir)).toBe(false);
      expect(stand.members()).toHaveLength(3);
    });

    test("frozen first, then killed: all dead, and nothing stays frozen", async () => {
      await using stand = await stage(version);
      await using terminal = inTerminal(["-i", "--keep", stand.cgroup.dir]);
      await answer(terminal, "What about", down, enter);
      await terminal.sees("frozen");
      await answer(terminal, "Thaw it and leave", end, enter);
      await answer(terminal, "Kill 3 processes in", "y");
      await terminal.sees("non-interactive equivalent");
      expect(await terminal.ended()).toBe(0);
      expect(stand.members()).toEqual([]);
      expect(isFrozen(stand.cgroup.dir)).toBe(false);
    });

    test.each([
      ["Ctrl-C at the action", ctrlC],
      ["Esc at the action", escape],
    ])("%s, frozen: thawed, 130", async (_, key) => {
      await using stand = await stage(version);
      await using terminal = inTerminal(["-i", stand.cgroup.dir]);
      await answer(terminal, "What about", down, enter);
      await terminal.sees("frozen");
      await answer(terminal, "Thaw it and leave", key);
      expect([130, "SIGINT"]).toContain(await terminal.ended());
      expect(isFrozen(stand.cgroup.dir)).toBe(false);
      expect(stand.members()).toHaveLength(3);
      expectRestored(terminal);
    });

    test.each([
      ["SIGTERM", 143],
      ["SIGHUP", 129],
      ["SIGINT", 130],
    ] as const)("%s while it asks, frozen: thawed, and ended by that signal", async (signal, code) => {
      await using stand = await stage(version);
      await using terminal = inTerminal(["-i", stand.cgroup.dir]);
      await answer(terminal, "What about", down, enter);
      await terminal.sees("frozen");
      await terminal.sees("Thaw it and leave");
      terminal.signal(signal);
      expect([String(code), signal] as string[]).toContain(String(await terminal.ended()));
      expect(isFrozen(stand.cgroup.dir)).toBe(false);
      expect(stand.members()).toHaveLength(3);
      expectRestored(terminal);
    });

    test.each(["by SIGHUP", "without SIGHUP, under another program"])(
      "its terminal goes away while it asks, noticed %s: thawed, and ended",
      async (how) => {
        await using stand = await stage(version);
        // The kernel sends SIGHUP to the session leader only.
        const under = how.startsWith("without") ? ["sh", "-c", 'trap "" HUP; "$@"; true', "sh"] : [];
        await using terminal = inTerminal(["-i", stand.cgroup.dir], { under });
        await answer(terminal, "What about", down, enter);
        await terminal.sees("frozen");
        await terminal.sees("Thaw it and leave");
        terminal.hangUp();
        await terminal.ended();
        expect(isFrozen(stand.cgroup.dir)).toBe(false);
        expect(stand.members()).toHaveLength(3);
      },
    );

    // Regression: it went back to the menu, with the cgroup still frozen.
    test("Ctrl-C at the confirmation, frozen: leaves, and it is thawed", async () => {
      await using stand = await stage(version);
      await using terminal = inTerminal(["-i", stand.cgroup.dir]);
      await answer(terminal, "What about", down, enter);
      await answer(terminal, "Thaw it and leave", end, enter);
      await answer(terminal, "Kill 3 processes in", ctrlC);
      expect([130, "SIGINT"]).toContain(await terminal.ended());
      expect([stand.members().length, isFrozen(stand.cgroup.dir)]).toEqual([3, false]);
    });

    test("Esc at the confirmation goes back to the menu: nothing is touched", async () => {
      await using stand = await stage(version);
      await using terminal = inTerminal(["-i", stand.cgroup.dir]);
      await answer(terminal, "What about", end, enter);
      await answer(terminal, "Kill 3 processes in", escape);
      await answer(terminal, "What about", ctrlC);
      expect([130, "SIGINT"]).toContain(await terminal.ended());
      expect(stand.members()).toHaveLength(3);
    });
  });
}

describe("the questions", () => {
  if (!canStage("v2")) return;

  test("cancelled at the list: 130", async () => {
    await using _ = await stage("v2");
    await using terminal = inTerminal([]);
    await answer(terminal, "Which cgroups?", ctrlC);
    expect([130, "SIGINT"]).toContain(await terminal.ended());
    expectRestored(terminal);
  });

  // Regression: it used to end as a bug in cgkill, with a stack trace and exit status 70.
  test("a hierarchy that is not mounted: a usage error instead of a list", async () => {
    await using terminal = inTerminal(["--hierarchy", "nosuch"]);
    expect(await terminal.ended()).toBe(2);
    expect(terminal.text()).toContain(
      "cgkill: --hierarchy nosuch: no cgroup hierarchy of that name is mounted here\r\n",
    );
  });

  test("nothing marked: Enter takes the focused row", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal([]);
    await answer(terminal, "Which cgroups?", stand.cgroup.path.slice(1));
    await terminal.sees("1 of 1,");
    terminal.types(enter);
    await answer(terminal, `What about ${stand.cgroup.path}`, ctrlC);
    expect(await terminal.ended()).toBe(130);
    expect(stand.members()).toHaveLength(3);
  });

  test("more than a hundred: the name must be typed, and a wrong one is not accepted", async () => {
    await using stand = await stage("v2", 120);
    const name = basename(stand.cgroup.path);
    await using terminal = inTerminal(["-i", stand.cgroup.dir]);
    await answer(terminal, "What about", end, enter);
    await answer(terminal, `Type ${name} to go on`, "y", enter);
    await terminal.sees(`type ${name}, or press Enter alone to cancel`);
    expect(stand.members()).toHaveLength(120);
    terminal.types(`\u007f${name}${enter}`);
    await terminal.sees("non-interactive equivalent");
    expect(await terminal.ended()).toBe(0);
    expect(stand.members()).toEqual([]);
  });

  test("members that change between preview and confirmation: a message says so, and the question is asked again", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir]);
    await answer(terminal, "What about", end, enter);
    await terminal.sees("Kill 3 processes in");
    await using more = startAdversary("sleepers", 2, stand.cgroup.dir);
    await until("5 sleepers", () => stand.members().length === 5);
    terminal.types("y");
    await terminal.sees("the members have changed since the preview: 2 new, 0 gone");
    await answer(terminal, "Kill 5 processes in", "y");
    await terminal.sees("non-interactive equivalent");
    expect(await terminal.ended()).toBe(0);
    expect(stand.members()).toEqual([]);
    expect(more).toBeDefined();
  });

  // Regression: the keys came line by line, and nothing was drawn before one.
  test("stopped and continued by a shell, which sets the terminal for itself: the question goes on", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir]);
    await answer(terminal, "What about", down);
    terminal.signal("SIGSTOP");
    await until("the stop", () => stateOf(terminal.pid) === "T");
    Bun.spawnSync(["stty", "-F", `/proc/${terminal.pid}/fd/0`, "sane"]);
    terminal.signal("SIGCONT");
    await answer(terminal, "What about", down, down, enter);
    await answer(terminal, "Kill 3 processes in", "y");
    await terminal.sees("non-interactive equivalent");
    expect(await terminal.ended()).toBe(0);
    expect(stand.members()).toEqual([]);
    expectRestored(terminal);
  });

  test("a cgroup that would be refused is shown with the reason, and nothing is done to it", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", "/sys/fs/cgroup/unified"]);
    await terminal.sees("would be refused");
    expect(await terminal.ended()).toBe(4);
    expect(stand.members()).toHaveLength(3);
  });

  test("a survivor is explained at once: show its stack, try again, or leave it", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startTraced(cgroup.dir);
    await using terminal = inTerminal(["-i", "-t", "200ms", cgroup.dir]);
    await answer(terminal, "What about", end, enter);
    await answer(terminal, "Kill 1 process in", "y");
    await terminal.sees("held by its tracer");
    await answer(terminal, "1 survivor: what now?", down, down, enter);
    await terminal.sees("ptrace_stop");
    await answer(terminal, "1 survivor: what now?", down, enter);
    // The question appears a second time once it is answered: wait for the second try.
    await terminal.sees("1 process survives");
    await answer(terminal, "1 survivor: what now?", enter);
    await terminal.sees("non-interactive equivalent");
    await terminal.sees("cgkill kill -t 200ms");
    expect(await terminal.ended()).toBe(6);
    expect(isFrozen(cgroup.dir)).toBe(false);
  });

  test("a refused cgroup is shown with the reason and cannot be marked", async () => {
    await using stand = await stage("v2", 1);
    const under = ["sh", "-c", 'echo $$ > "$1/cgroup.procs"; shift; "$@"; exit $?', "sh", stand.cgroup.dir];
    await using terminal = inTerminal([], { under, columns: 120 + nameRoom });
    await answer(terminal, "Which cgroups?", stand.cgroup.path);
    await terminal.sees("refused: contains pid");
    await answer(terminal, "Search", tab);
    terminal.types(enter);
    terminal.types(ctrlC);
    expect([130, "SIGINT"]).toContain(await terminal.ended());
    expect(stand.members().length).toBeGreaterThan(0);
  });

  test("long names are distinguished by their ends, and found by any part of them", async () => {
    await using stand = await stage("v2", 1);
    const long = "kubepods-burstable-pod".padEnd(100, "0");
    const names = ["one", "two"].map((end) => `${long}${end}`);
    for (const name of names) {
      mkdirSync(`${stand.cgroup.dir}/${name}`);
      await startSleeper(`${stand.cgroup.dir}/${name}`);
    }
    await using terminal = inTerminal([]);
    await answer(terminal, "Which cgroups?", stand.cgroup.path);
    for (const last of ["one", "two"]) {
      await until(last, () => terminal.lines().some((line) => line.includes("◻") && line.includes(`000${last}`)));
    }
    await answer(terminal, "Search", " 000two", tab, enter);
    await answer(terminal, "two?", ctrlC);
    expect(await terminal.ended()).toBe(130);
    expect(stand.members()).toHaveLength(3);
  });

  // In a container that sees the host's names, its own cgroup, which is not a root on v1, contains PID 1 as well.
  test.if(nameRoom === 0)("found by the command of any process inside, however many there are", async () => {
    await using stand = await stage("v2", 20);
    // Matches no name and no label.
    const name = `wh${process.pid}zz`;
    const child = Bun.spawn(
      ["sh", "-c", `echo $$ > ${stand.cgroup.dir}/cgroup.procs; echo ${name} > /proc/$$/comm; read x`],
      {
        stdin: "pipe",
      },
    );
    await until("its new name", () => readFileSync(`/proc/${child.pid}/comm`, "utf8").trim() === name);
    await using terminal = inTerminal([]);
    await answer(terminal, "Which cgroups?", name);
    await terminal.sees("1 of 1,");
    terminal.types(tab + enter);
    await answer(terminal, `What about ${stand.cgroup.path}`, ctrlC);
    expect(await terminal.ended()).toBe(130);
    child.kill("SIGKILL");
    await child.exited;
  });

  test("every process is shown on request, and the list returns after a kill", async () => {
    await using stand = await stage("v2", 60);
    await using other = await stage("v2", 2);
    await using terminal = inTerminal([], { rows: 24 });
    await answer(terminal, "Which cgroups?", stand.cgroup.path.slice(1), tab, enter);
    await terminal.sees(" more");
    await answer(terminal, "What about", down, down, enter);
    await terminal.sees(String(stand.members().at(-1)));
    await answer(terminal, "What about", end, enter);
    await answer(terminal, "Kill 60 processes in", "y");
    await answer(terminal, "What now?", down, enter);
    await answer(terminal, "Which cgroups?", ctrlC);
    expect(await terminal.ended()).toBe(0);
    expect(stand.members()).toEqual([]);
    expect(other.members()).toHaveLength(2);
  });

  test("the terminal is resized meanwhile: it continues", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir]);
    await terminal.sees("What about");
    const drawn = terminal.raw().length;
    terminal.resize(50, 20);
    await until("the redraw", () => terminal.raw().length > drawn);
    terminal.types(end + enter);
    await answer(terminal, "Kill 3 processes in", "y");
    await terminal.sees("non-interactive equivalent");
    expect(await terminal.ended()).toBe(0);
    expect(stand.members()).toEqual([]);
  });

  test.each([40, 80, 250])("%i columns: no line is wider than the terminal", async (columns) => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir], { columns });
    await answer(terminal, "What about", ctrlC);
    await terminal.ended();
    const lines = terminal.text().split(/[\r\n]+/);
    const table = lines.filter((line) => /^ +\d+ +(root +)?S /.test(line));
    expect(table).toHaveLength(3);
    for (const line of table) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test("a locale without UTF-8: only ASCII is drawn; NO_COLOR: no colour", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", stand.cgroup.dir], { env: { LANG: "C", NO_COLOR: "1" } });
    await answer(terminal, "What about", ctrlC);
    await terminal.ended();
    expect(terminal.text()).toMatch(/^[\0-\x7f]*$/);
    expect(terminal.raw()).not.toMatch(/\u001b\[3\dm/);
  });

  test.each([
    ["a dumb terminal", { TERM: "dumb" }, "cannot draw on this terminal: TERM is dumb"],
    ["a CI run", { CI: "true" }, "needs an operator to answer, and the variable CI"],
  ])("%s is not asked: exit 2, and it says why", async (_, env, told) => {
    await using terminal = inTerminal([], { env });
    await terminal.sees(told);
    expect(await terminal.ended()).toBe(2);
  });

  test.each([
    [["-i", "--ignore-missing", "/cgkill-test-nobody"], "missing", 0],
    [["-i", "/cgkill-test-nobody"], "not found", 3],
  ] as const)("%j: a cgroup that is not there is answered as without questions", async (argv, verdict, code) => {
    await using terminal = inTerminal([...argv]);
    await terminal.sees(verdict);
    expect(await terminal.ended()).toBe(code);
  });

  test("-i --spare of a process outside: refused before any question", async () => {
    await using stand = await stage("v2");
    await using terminal = inTerminal(["-i", "--spare", "3999999", stand.cgroup.dir]);
    await terminal.sees("--spare 3999999: no such process");
    expect(await terminal.ended()).toBe(4);
    expect(stand.members().every(isAlive)).toBe(true);
  });

  test("without a terminal, -i is an error that names the flags, and nothing is touched", async () => {
    await using stand = await stage("v2");
    const { code, stdout, stderr } = await runCgkill(["-i", stand.cgroup.dir], { stdin: "y\ny\n" });
    expect(stdout).toBe("");
    expect(stderr).toContain("the interactive mode needs a terminal");
    expect(stderr).toContain("the commands list, show and kill ask nothing; see cgkill --help");
    expect(code).toBe(2);
    expect(stand.members()).toHaveLength(3);
    expect(stand.members().every(isAlive)).toBe(true);
  });

  test("no spinner is started: clack's would end the process with status 0", () => {
    const source = readFileSync(`${import.meta.dir}/../../../src/cli/questions/question.ts`, "utf8");
    expect(source).not.toMatch(/spinner|progress\(|tasks/);
  });
});
