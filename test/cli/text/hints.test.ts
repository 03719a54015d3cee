// Hints lead to the intended command, and never to a destructive or unrelated one.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import type { StreamName } from "../../../src/cli/streams/streams.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

async function run(kernel: FakeKernel, argv: readonly string[], terminals: readonly StreamName[] = []) {
  const { io, out, err } = writtenIo();
  const edge = { sys: kernel, io: { ...io, isTerminal: (stream: StreamName) => terminals.includes(stream) } };
  const code = await runCgkill(argv, { ...edge, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return { code, out: out(), err: err().replace(/\n +/g, " ") };
}

describe("no cgroup given", () => {
  test.each([
    ["kill", "cgkill kill CGROUP, --pid PID"],
    ["show", "cgkill show CGROUP, --pid PID"],
    ["freeze", "cgkill freeze CGROUP, --pid PID"],
    ["thaw", "cgkill thaw CGROUP, --pid PID"],
    ["signal HUP", "cgkill signal HUP CGROUP, --pid PID"],
  ])("cgkill %s: the hint suggests the same command", async (line, call) => {
    const { code, err } = await run(new FakeKernel(), line.split(" "), ["in", "out", "err"]);
    expect(code).toBe(2);
    expect(err).toContain(`hint: write ${call}`);
    expect(err).toContain(`see cgkill help ${line.split(" ")[0]}`);
    expect(err).not.toMatch(/cgkill CGROUP|cgkill alone/);
  });
});

test("a missing cgroup is not answered with an unrelated one of the same length", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  kernel.addProcess({ group: kernel.makeGroup("v2", "batch/gone"), which: "v2" });
  const { code, err } = await run(kernel, ["kill", "batch/nope"]);
  expect(code).toBe(3);
  expect(err).not.toContain("gone");
  expect((await run(kernel, ["kill", "batch/gome"])).err).toContain("cgkill show /batch/gone");
});

test("a reference ends its hint, and is a command in JSON", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  expect((await run(kernel, ["kill", "nope"])).err).toEndWith(" hint: not found in v2; see cgkill list --all\n");
  expect((await run(kernel, ["--forth", "x"])).err).toEndWith(" hint: see cgkill --help\n");
  const { out } = await run(kernel, ["kill", "--json", "nope"]);
  expect((JSON.parse(out) as { error: unknown }).error).toMatchObject({
    hint: "not found in v2",
    commands: [["cgkill", "list", "--all"]],
  });
});

describe("the interactive mode without a terminal gives the actual reason", () => {
  const before = { TERM: process.env["TERM"], CI: process.env["CI"] };
  const set = (name: "TERM" | "CI", value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  beforeEach(() => {
    set("TERM", "xterm");
    set("CI", undefined);
  });
  afterEach(() => {
    set("TERM", before.TERM);
    set("CI", before.CI);
  });
  const ALL: readonly StreamName[] = ["in", "out", "err"];
  const ask = async (terminals: readonly StreamName[]) => await run(new FakeKernel(), ["-i", "x"], terminals);

  test("TERM=dumb", async () => {
    set("TERM", "dumb");
    const { code, err } = await ask(ALL);
    expect(code).toBe(2);
    expect(err).toContain("the interactive mode cannot draw on this terminal: TERM is dumb");
    expect(err).not.toContain("redirected");
    expect(err).not.toContain("cgkill CGROUP");
  });

  test("CI", async () => {
    set("CI", "true");
    expect((await ask(ALL)).err).toContain("needs an operator to answer, and the variable CI says that there is none");
  });

  test.each([
    [["out", "err"], "standard input"],
    [["in", "err"], "standard output"],
    [["in"], "standard output, standard error"],
  ] as const)("terminals %j", async (terminals, named) => {
    expect((await ask(terminals)).err).toContain(`needs a terminal; not a terminal: ${named}`);
  });
});
