// Every question of the interactive mode, left in every way: the members live and run, or survive as before, and the
// terminal is in the state that a shell expects.

import { describe, expect, test } from "bun:test";
import { basename } from "node:path";

import { answer, expectRestored, type Stage, stage, stageHeld, stageTraced } from "../support/interactive.ts";
import { AS_NOBODY, canBeNobody } from "../support/nobody.ts";
import { childrenOf } from "../support/proc.ts";
import { canStage, isAlive, isFrozen, makeCgroup, startAdversary, until } from "../support/real-cgroup.ts";
import { inTerminal, KEYS, type TerminalSession } from "../support/terminal.ts";

const { enter, down, end, ctrlC, escape } = KEYS;
const MANY = 101;

type Version = "v1" | "v2";

interface Question {
  readonly name: string;
  /** By default v2; v1 for freezing, which differs there. */
  readonly versions?: readonly Version[];
  /** The members, if they are not sleepers. */
  readonly stand?: (version: Version) => Promise<Stage>;
  readonly count?: number;
  readonly isFrozen?: boolean;
  /** Not about a particular cgroup. */
  readonly isList?: boolean;
  /** Esc returns to the previous question, and only from there ends the program. Ctrl-C ends it at once. */
  readonly leadsBack?: boolean;
  /** Options, and the user that runs cgkill. */
  readonly words?: readonly string[];
  readonly under?: readonly string[];
  /** The exit status of the finished kill, however the question after it is left. */
  readonly status?: number;
  readonly text: (stand: Stage) => string;
  /** Proceed until the question is on the screen. */
  readonly reach: (terminal: TerminalSession, stand: Stage, use: AsyncDisposableStack) => Promise<void>;
}

const atAction = (terminal: TerminalSession, ...keys: string[]): Promise<void> =>
  answer(terminal, "What about", ...keys);

async function frozen(terminal: TerminalSession, ...keys: string[]): Promise<void> {
  await atAction(terminal, down, enter);
  await answer(terminal, "Thaw it and leave", ...keys);
}

const CONFIRM = (): string => "Kill 3 processes in";

const killOne = async (terminal: TerminalSession): Promise<void> => {
  await atAction(terminal, end, enter);
  await answer(terminal, "Kill 1 process in", "y");
};

/** A question after a kill with one survivor. */
const SURVIVED = {
  words: ["-t", "200ms"],
  status: 6,
  text: () => "1 survivor: what now?",
  reach: killOne,
} as const;

const canHold = canBeNobody() && canStage("v1");

const QUESTIONS: readonly Question[] = [
  { name: "the list", isList: true, text: () => "Which cgroups?", reach: async () => {} },
  { name: "the action", text: () => "What about", reach: async () => {} },
  {
    name: "the action, frozen",
    isFrozen: true,
    text: () => "Thaw it and leave",
    reach: (at) => atAction(at, down, enter),
  },
  { name: "the confirmation", leadsBack: true, text: CONFIRM, reach: (at) => atAction(at, end, enter) },
  {
    name: "the confirmation, frozen",
    isFrozen: true,
    leadsBack: true,
    text: CONFIRM,
    reach: (at) => frozen(at, end, enter),
  },
  {
    name: "the name to be typed",
    count: MANY,
    leadsBack: true,
    text: ({ cgroup }) => `Type ${basename(cgroup.path)} to go on`,
    reach: (at) => atAction(at, end, enter),
  },
  {
    name: "the name to be typed, frozen and half typed",
    count: MANY,
    isFrozen: true,
    leadsBack: true,
    text: () => "cgkill",
    async reach(at) {
      await frozen(at, end, enter);
      await answer(at, "to go on", "cgkill");
    },
  },
  {
    name: "the second confirmation, after a change",
    leadsBack: true,
    text: () => "Kill 4 processes in",
    async reach(at, { cgroup, members }, use) {
      await atAction(at, end, enter);
      await at.sees("Kill 3 processes in");
      use.use(startAdversary("sleepers", 1, cgroup.dir));
      await until("one more", () => members().length === 4);
      at.types("y");
    },
  },
  { ...SURVIVED, name: "the survivor", versions: ["v1", "v2"], stand: stageTraced },
  {
    ...SURVIVED,
    name: "the survivor, frozen before the kill",
    // Regression: on a busy machine the freeze took longer than 200 ms.
    words: ["-t", "3s"],
    // On v1 the kill itself has thawed it.
    versions: ["v2"],
    isFrozen: true,
    stand: stageTraced,
    async reach(at) {
      await atAction(at, down, enter);
      await answer(at, "Thaw it and leave", end, enter);
      await answer(at, "Kill 1 process in", "y");
    },
  },
  {
    ...SURVIVED,
    name: "the survivor, held frozen by others",
    versions: canHold ? ["v2"] : [],
    stand: () => stageHeld("v2", [""], [""]),
    under: AS_NOBODY,
    text: ({ foreign }) => `Thaw ${foreign}`,
  },
];

interface Way {
  readonly name: string;
  readonly key?: string;
  readonly signal?: NodeJS.Signals;
  readonly status: number;
}

const WAYS: readonly Way[] = [
  { name: "Ctrl-C", key: ctrlC, status: 130 },
  { name: "Esc", key: escape, status: 130 },
  { name: "SIGTERM", signal: "SIGTERM", status: 143 },
  { name: "SIGHUP", signal: "SIGHUP", status: 129 },
  { name: "SIGINT", signal: "SIGINT", status: 130 },
];

/** Run it in a shell that then prints the exit status and the line settings. */
const IN_SHELL = ["sh", "-c", '"$@"; echo "ended $?"; stty -a', "sh"];

const childOf = (pid: number): number => childrenOf(pid)[0] as number;

/** Expect the kill to be reported and not repeated, and the equivalent command below the question. */
function expectToldOnce(terminal: TerminalSession, { cgroup }: Stage, words: readonly string[]): void {
  const lines = terminal.lines();
  expect(lines.filter((line) => line.startsWith(`survivors  ${cgroup.path}  1 left, `))).toHaveLength(1);
  const question = lines.findLastIndex((line) => line.includes("1 survivor: what now?"));
  const rest = lines.slice(question).join("\n");
  expect(rest).toContain(`\n  non-interactive equivalent:\n    cgkill kill ${words.join(" ")} ${cgroup.dir}\n`);
}

for (const version of ["v2", "v1"] as const) {
  const questions = QUESTIONS.filter(({ versions, isFrozen: isIt }) =>
    versions === undefined ? version === "v2" || isIt : versions.includes(version),
  );

  describe.if(canStage(version)).each(questions.map((question) => [question.name, question] as const))(
    `${version}, %s`,
    (_, question) => {
      const { count = 3, isList = false, leadsBack = false, text, reach } = question;
      const { stand: makeStand = () => stage(version, count), words = [], under = [] } = question;
      const start = ({ cgroup }: Stage): TerminalSession =>
        inTerminal(isList ? [] : ["-i", ...words, cgroup.dir], { under: [...IN_SHELL, ...under] });
      /** Expect unchanged members, nothing frozen by cgkill, and foreign cgroups still frozen. */
      const expectAsFound = ({ cgroup, members, foreign }: Stage, before: readonly number[]): void => {
        expect(isFrozen(cgroup.dir)).toBe(false);
        expect(members()).toEqual([...before]);
        if (foreign !== undefined) expect(isFrozen(foreign)).toBe(true);
      };

      test.each(WAYS.map((way) => [way.name, way] as const))("%s", async (_name, { key, signal, status }) => {
        await using stand = await makeStand(version);
        await using use = new AsyncDisposableStack();
        await using terminal = start(stand);
        await reach(terminal, stand, use);
        await answer(terminal, text(stand));
        expect(isFrozen(stand.cgroup.dir)).toBe(question.isFrozen === true);
        const before = stand.members();
        if (signal !== undefined) {
          process.kill(childOf(terminal.pid), signal);
        } else if (key !== undefined) {
          terminal.types(key);
          if (leadsBack && key === escape) {
            await answer(terminal, "What about");
            expect(isFrozen(stand.cgroup.dir)).toBe(question.isFrozen === true);
            terminal.types(key);
          }
        }
        await terminal.ended();
        expect(terminal.text()).toContain(`ended ${question.status ?? status}\r\n`);
        expect(terminal.text()).toMatch(/ icanon[^]* echo /);
        expectRestored(terminal);
        if (question.status !== undefined) expectToldOnce(terminal, stand, words);
        expectAsFound(stand, before);
      });

      test("the terminal is closed", async () => {
        await using stand = await makeStand(version);
        await using use = new AsyncDisposableStack();
        await using terminal = start(stand);
        await reach(terminal, stand, use);
        await answer(terminal, text(stand));
        const pid = childOf(terminal.pid);
        const before = stand.members();
        terminal.hangUp();
        await until("its end", () => !isAlive(pid));
        expectAsFound(stand, before);
      });
    },
  );
}

describe.if(canStage("v2"))("after a kill", () => {
  test.each(["Ctrl-C", "Esc", "Enter", "closed"])("what now: %s, and the kill's own status", async (way) => {
    await using stand = await stage("v2");
    await using terminal = inTerminal([], { under: IN_SHELL });
    await answer(terminal, "Which cgroups?", stand.cgroup.path, KEYS.tab, enter);
    await atAction(terminal, end, enter);
    await answer(terminal, "Kill 3 processes in", "y");
    await answer(terminal, "What now?");
    const pid = childOf(terminal.pid);
    if (way === "closed") {
      terminal.hangUp();
      await until("its end", () => !isAlive(pid));
    } else {
      terminal.types({ "Ctrl-C": ctrlC, Esc: escape, Enter: enter }[way] ?? "");
      await terminal.ended();
      expect(terminal.text()).toContain("ended 0\r\n");
      expectRestored(terminal);
    }
    expect(stand.members()).toEqual([]);
  });

  test("several targets: leaving one alone continues with the next, cancelling ends it", async () => {
    await using one = await stage("v2");
    await using two = await stage("v2");
    await using three = await stage("v2");
    const words = [one, two, three].map(({ cgroup }) => cgroup.dir);
    await using terminal = inTerminal(["-i", ...words], { under: IN_SHELL });
    await answer(terminal, `What about ${one.cgroup.path}`, enter);
    await answer(terminal, `What about ${two.cgroup.path}`, ctrlC);
    await terminal.ended();
    expect(terminal.text()).toContain("ended 130\r\n");
    expect(terminal.text()).not.toContain(three.cgroup.path);
    for (const { members } of [one, two, three]) expect(members()).toHaveLength(3);
  });

  test.each([
    ["left alone goes on to the next", enter, true, 6],
    // Failures of two kinds: one has a survivor, the other was cancelled.
    ["cancelled is the end of it", ctrlC, false, 1],
  ] as const)("several, and of the first one survives: %s", async (_, key, isNextAsked, status) => {
    await using one = await stageTraced("v2");
    await using two = await stage("v2");
    const words = ["-i", "-t", "200ms", one.cgroup.dir, two.cgroup.dir];
    await using terminal = inTerminal(words, { under: IN_SHELL });
    await killOne(terminal);
    await answer(terminal, "1 survivor: what now?", key);
    if (isNextAsked) {
      await answer(terminal, `What about ${two.cgroup.path}`, end, enter);
      await answer(terminal, "Kill 3 processes in", "y");
    }
    await terminal.ended();
    expect(terminal.text()).toContain(`ended ${status}\r\n`);
    expect(terminal.text().includes(`What about ${two.cgroup.path}`)).toBe(isNextAsked);
    expect(two.members()).toHaveLength(isNextAsked ? 0 : 3);
  });

  test("a signal at the question about a survivor of the first target: the others are skipped, with a message", async () => {
    await using one = await stageTraced("v2");
    await using two = await stage("v2");
    const words = ["-i", "-t", "200ms", one.cgroup.dir, two.cgroup.dir];
    await using terminal = inTerminal(words, { under: IN_SHELL });
    await killOne(terminal);
    await answer(terminal, "1 survivor: what now?");
    process.kill(childOf(terminal.pid), "SIGTERM");
    await terminal.ended();
    expect(terminal.text()).toContain("ended 143\r\n");
    expect(two.members()).toHaveLength(3);
  });

  test("from the list: cancelling the survivors menu ends it without another question", async () => {
    await using stand = await stageTraced("v2");
    await using terminal = inTerminal(["-t", "200ms"], { under: IN_SHELL });
    await answer(terminal, "Which cgroups?", stand.cgroup.path, KEYS.tab, enter);
    await killOne(terminal);
    await answer(terminal, "1 survivor: what now?", ctrlC);
    await terminal.ended();
    expect(terminal.text()).toContain("ended 6\r\n");
    expect(terminal.text()).not.toContain("Back to the list");
  });
});

describe.if(canStage("v2"))("-i with names that are no targets", () => {
  test("a wrong name, an empty one, a refused one, and then a good one", async () => {
    await using stand = await stage("v2");
    await using empty = makeCgroup("v2");
    const words = [`${stand.cgroup.dir}x`, empty.dir, "/", stand.cgroup.dir];
    await using terminal = inTerminal(["-i", ...words], { under: IN_SHELL });
    await terminal.sees(`cgkill show ${stand.cgroup.dir}`);
    await terminal.sees("nothing to kill: it is empty");
    await terminal.sees("is the root of a hierarchy");
    await answer(terminal, `What about ${stand.cgroup.path}`, end, enter);
    await answer(terminal, "Kill 3 processes in", "y");
    await terminal.ended();
    // Failures of two kinds: not found, and refused.
    expect(terminal.text()).toContain("ended 1\r\n");
    expect(stand.members()).toEqual([]);
  });
});
