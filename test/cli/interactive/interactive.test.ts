// What the interactive mode does with an answer, on the modelled kernel. The answers are scripted; no terminal is used.

import { expect, test } from "bun:test";

import type { TargetCommand } from "../../../src/cli/args/command.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { runTargetMenu } from "../../../src/cli/interactive/target-menu.ts";
import type { Prompts } from "../../../src/cli/questions/prompts.ts";
import type { Io } from "../../../src/cli/streams/streams.ts";
import { model, plan, WAYS } from "../../support/model.ts";
import { writtenIo } from "../support.ts";

/** Scripted answers, in order; when there are no more, questions are cancelled. */
function answering(...answers: readonly string[]): Prompts {
  const left = [...answers];
  const next = async () => left.shift() as never;
  return { pickMany: next, choose: next, confirm: next, confirmByTyping: next };
}

const guard = async () => () => {};

const command = (...words: string[]): TargetCommand => parseArgs(["-i", ...words, "x"]) as TargetCommand;

test.each(WAYS.filter((way) => way.startsWith("freezer")))(
  "%s: frozen, and telling of it fails: it is thawed all the same",
  async (way) => {
    const on = model(way);
    const io: Io = {
      ...writtenIo().io,
      writeOut: (text) => {
        if (text.startsWith("frozen")) throw new Error("cannot be told");
      },
    };
    const session = {
      command: command(),
      cli: { sys: on.kernel, io, abort: new AbortController().signal },
      guard,
      prompts: answering("freeze"),
    };
    await expect(runTargetMenu(await plan(on), session)).rejects.toThrow("cannot be told");
    expect(on.target.isSwitchedOn).toBe(false);
  },
);

test.each(WAYS.filter((way) => way.startsWith("freezer")))(
  "%s: guarded before it is frozen, and until it is thawed, which is said",
  async (way) => {
    const { io, out } = writtenIo();
    const on = model(way);
    const seen: boolean[] = [];
    const note = (): void => void seen.push(on.target.isSwitchedOn);
    const session = {
      command: command(),
      cli: { sys: on.kernel, io, abort: new AbortController().signal },
      prompts: answering("freeze", "leave"),
      guard: async () => {
        note();
        return note;
      },
    };
    await runTargetMenu(await plan(on), session);
    expect([seen, on.target.isSwitchedOn]).toEqual([[false, false], false]);
    expect(out()).toEndWith("\nthawed  /parent/target\n");
  },
);

test.each(WAYS.filter((way) => way.startsWith("freezer")))(
  "%s: another program freezes it while the question is on the screen: it stays frozen",
  async (way) => {
    const on = model(way);
    const { io, out } = writtenIo();
    const answers = answering("freeze", "leave");
    const choose = async <T extends string>(message: string) => {
      on.target.isSwitchedOn = true;
      return (await answers.choose(message, [])) as T;
    };
    const session = {
      command: command(),
      cli: { sys: on.kernel, io, abort: new AbortController().signal },
      guard,
      prompts: { ...answers, choose },
    };
    await runTargetMenu(await plan(on), session);
    expect(on.target.isSwitchedOn).toBe(true);
    expect(out()).toMatch(/^frozen  /m);
    expect(out()).not.toMatch(/^thawed  /m);
  },
);

// Regression: it said "working on", and "5 processes left", as a kill does.
test("a freeze that takes its time: the live line says that it freezes", async () => {
  const on = model("freezer on v1");
  on.target.readsToFreeze = 200;
  const written = writtenIo();
  const session = {
    command: command(),
    cli: {
      sys: on.kernel,
      io: { ...written.io, isRedrawable: () => true },
      abort: new AbortController().signal,
    },
    guard,
    prompts: answering("freeze", "leave"),
  };
  await runTargetMenu(await plan(on), session);
  const lines = written.err().split("\r\u001b[2K").filter(Boolean);
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) expect(line).toMatch(/^freezing \/parent\/target: 5 processes, \d\.\d s$/);
});

test("no guardian can be started: it says so before it freezes, and how to thaw", async () => {
  const on = model("freezer on v1");
  const { io, err } = writtenIo();
  let told = "";
  const session = {
    command: command(),
    cli: { sys: on.kernel, io, abort: new AbortController().signal },
    guard: async () => {
      expect(on.target.isSwitchedOn).toBe(false);
      throw new Error("no process left");
    },
  };
  const answers = answering("freeze", "leave");
  const choose = async <T extends string>(message: string) => {
    told = err();
    return (await answers.choose(message, [])) as T;
  };
  await runTargetMenu(await plan(on), { ...session, prompts: { ...answers, choose } });
  expect(told).toContain("cgkill: no guardian could be started: no process left\n");
  expect(told).toContain(`\n    cgkill thaw ${on.dir}\n`);
});

/** Its processes are frozen in a v1 cgroup that is not the target's, and they cannot be moved out of it. */
function frozenElsewhere() {
  const on = model("kill");
  const { kernel } = on;
  const group = kernel.makeGroup("freezer", "foreign");
  group.isSwitchedOn = true;
  kernel.addProcess({ group: on.target, which: "v2" }).groups.set(kernel.hierarchy("freezer"), group);
  kernel.failNext("write", /freezer\/cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
  return { ...on, group };
}

test.each([[["-m", "kill"]], [["--hierarchy", "v2"]]])(
  "%j says nothing about the freezer that holds a survivor: it is thawed, and the kill is done",
  async (words) => {
    const on = frozenElsewhere();
    const { io } = writtenIo();
    const session = {
      command: command("-t", "1s", ...words),
      cli: { sys: on.kernel, io, abort: new AbortController().signal },
      guard,
      prompts: answering("kill", true as never, "thaw"),
    };
    expect(await runTargetMenu(await plan(on, { method: session.command.method }), session)).toMatchObject({
      status: "killed",
    });
    expect(on.group.isSwitchedOn).toBe(false);
  },
);

test.each([
  ["text", "/freezer/foreign: permission denied (EACCES)"],
  ["json", '"code":"denied"'],
])(
  "a freezer that cannot be thawed is reported as %s, offered again, and the kill has its outcome",
  async (format, said) => {
    const on = frozenElsewhere();
    const { io, err } = writtenIo();
    let asked = 0;
    const answers = answering("kill", true as never, "thaw", "leave");
    const session = {
      command: command("-t", "1s", "--log-format", format),
      cli: { sys: on.kernel, io, abort: new AbortController().signal },
      guard,
      prompts: {
        ...answers,
        choose: async <T extends string>(message: string) => {
          if (!message.includes("survivor")) return (await answers.choose(message, [])) as T;
          if (++asked === 1) on.kernel.failNext("open", /freezer\/foreign$/, "EACCES", Number.POSITIVE_INFINITY);
          return (await answers.choose(message, [])) as T;
        },
      },
    };
    expect(await runTargetMenu(await plan(on), session)).toEqual({ status: "survivors", isCancelled: false });
    expect(asked).toBe(2);
    expect(err()).toContain(said);
  },
);

test("an interrupted second try reports no process as killed: survivors of the first may be alive", async () => {
  const on = frozenElsewhere();
  const { io, out } = writtenIo();
  const abort = new AbortController();
  const answers = answering("kill", true as never, "wait");
  const session = {
    command: command("-t", "1s"),
    cli: { sys: on.kernel, io, abort: abort.signal },
    guard,
    prompts: {
      ...answers,
      choose: async <T extends string>(message: string) => {
        if (message.includes("survivor")) abort.abort("SIGTERM");
        return (await answers.choose(message, [])) as T;
      },
    },
  };
  expect(await runTargetMenu(await plan(on), session)).toEqual({ status: "interrupted", isCancelled: false });
  expect(out()).toMatch(/^interrupted {2}\S+ {2}method kill, /m);
});

/** Its processes end by themselves while the question is on the screen. */
function emptiedAtTheQuestion(which: "v2" | "freezer", ...words: readonly string[]) {
  const on = model(which === "v2" ? "kill" : "freezer on v1");
  const { io, out } = writtenIo();
  const questions: string[] = [];
  const answers = answering("kill");
  const session = {
    command: command(...words),
    cli: { sys: on.kernel, io, abort: new AbortController().signal },
    guard,
    prompts: {
      ...answers,
      confirm: async (question: string) => {
        questions.push(question);
        for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) process.isDead = true;
        return true;
      },
    },
  };
  return { on, out, questions, session };
}

test.each([
  ["v2", [], "--remove "],
  ["v2", ["--remove"], "--remove "],
  ["freezer", [], "--remove "],
] as const)("%s %j: Remove X?, yes: it is removed, and the command for it says so", async (which, words, flag) => {
  const { on, out, questions, session } = emptiedAtTheQuestion(which, ...words);
  const planned = await plan(on, { remove: session.command.remove });
  expect(await runTargetMenu(planned, session)).toMatchObject({ status: "empty" });
  expect(questions).toEqual(["Kill 5 processes in /parent/target?", "Remove /parent/target?"]);
  expect(on.target.isRemoved).toBe(true);
  expect(out()).toContain(`cgkill kill ${flag}${on.dir}`);
});

test("with --keep, a cgroup that has become empty: nothing is asked or done", async () => {
  const { on, out, questions, session } = emptiedAtTheQuestion("v2", "--keep");
  const planned = await plan(on, { remove: false });
  expect(await runTargetMenu(planned, session)).toMatchObject({ status: "empty" });
  expect(questions).toEqual(["Kill 5 processes in /parent/target?"]);
  expect(on.target.isRemoved).toBe(false);
  expect(out()).not.toContain("Remove");
});

// Regression: y was enough for any number of processes that had come since the first question.
test("it has grown to more than a hundred while the question is on the screen: the name must be typed", async () => {
  const { on, questions, session } = emptiedAtTheQuestion("v2");
  const confirm = async (question: string): Promise<boolean> => {
    questions.push(question);
    for (let more = 0; more < 100; more++) on.kernel.addProcess({ group: on.target, which: "v2" });
    return true;
  };
  const confirmByTyping = async (question: string): Promise<boolean> => {
    questions.push(question);
    return false;
  };
  const prompts = { ...session.prompts, confirm, confirmByTyping };
  expect(await runTargetMenu(await plan(on), { ...session, prompts })).toMatchObject({ status: "interrupted" });
  expect(questions).toEqual([
    "Kill 5 processes in /parent/target?",
    "Kill 105 processes in /parent/target?\nType target to go on",
  ]);
});

test("a refused kill prints no equivalent command", async () => {
  const { on, out, session } = emptiedAtTheQuestion("v2");
  const answers = answering("kill", true as never);
  const planned = await plan(on);
  const confirm = async (): Promise<boolean> => {
    // Another cgroup has its name by now.
    on.kernel.removeGroup(on.target);
    on.kernel.makeGroup("v2", "parent/target");
    return true;
  };
  expect(await runTargetMenu(planned, { ...session, prompts: { ...answers, confirm } })).toMatchObject({
    status: "refused",
  });
  expect(out()).not.toContain("non-interactive equivalent");
});
