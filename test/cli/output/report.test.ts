// Which stream each report goes to: lines and documents to standard output, problems and warnings to standard error; and
// which options silence them.

import { describe, expect, test } from "bun:test";

import type { OutputOptions } from "../../../src/cli/args/command.ts";
import { reportOutcome } from "../../../src/cli/output/report.ts";
import type { FreezeOutcome } from "../../../src/freeze/freeze-thaw.ts";
import type { KillOutcome } from "../../../src/kill/types.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

const OUTPUT: OutputOptions = { json: false, quiet: false, level: "info", logFormat: "text", color: "never" };

const KILLED: KillOutcome = {
  cgroup: "/batch/job7",
  path: "/sys/fs/cgroup/batch/job7",
  hierarchy: "v2",
  method: "kill",
  outcome: "killed",
  killed: [{ pid: 812, comm: null }],
  killedCount: 1,
  endedByGrace: null,
  survivors: [],
  spared: [],
  removed: false,
  proven: true,
  leftFrozen: [],
  thawedEmpty: false,
  abortedFuse: [],
  startedAt: "2026-11-23T17:00:00.000Z",
  durationMs: 12,
  phases: { freezeMs: null, scanMs: null, signalMs: null, thawMs: null, waitMs: null, removeMs: null },
  error: null,
  twin: null,
  starter: null,
  matches: null,
};

const REFUSED: KillOutcome = {
  ...KILLED,
  outcome: "refused",
  killed: [],
  killedCount: 0,
  error: {
    code: "holds-init",
    message: "it holds pid 1",
    hint: null,
    commands: [],
    operation: null,
    path: null,
    errno: null,
  },
  twin: null,
  matches: null,
};

async function report(
  outcome: KillOutcome,
  output: Partial<OutputOptions> = {},
): Promise<{ out: string; err: string }> {
  const { io, out, err } = writtenIo();
  await reportOutcome(outcome, { kind: "kill", output: { ...OUTPUT, ...output } }, { sys: new FakeKernel(), io });
  return { out: out(), err: err() };
}

describe("a kill", () => {
  const line = "killed  /batch/job7  1 process, method kill, 12 ms\n";

  test("that succeeds writes one line to standard output", async () => {
    expect(await report(KILLED)).toEqual({ out: line, err: "" });
  });

  test("with -v writes the time of each phase to standard error, unless -q or JSON is asked for", async () => {
    const spent = { ...KILLED, phases: { ...KILLED.phases, scanMs: 0.24, waitMs: 12 } };
    for (const level of ["debug", "trace"] as const) {
      expect(await report(spent, { level })).toEqual({ out: line, err: "  time spent: scan 0.2 ms, wait 12 ms\n" });
    }
    expect((await report(spent, { level: "debug", json: true })).err).toBe("");
    expect((await report(spent, { level: "debug", quiet: true })).err).toBe("");
    expect((await report(spent, { level: "debug", logFormat: "json" })).err).toBe("");
    expect((await report(KILLED, { level: "debug" })).err).toBe("");
  });

  test("that is refused writes its line to standard output and the reason to standard error", async () => {
    expect(await report(REFUSED)).toEqual({ out: "refused  /batch/job7\n", err: "cgkill: it holds pid 1\n" });
  });

  test("with -q writes only errors", async () => {
    expect(await report(KILLED, { quiet: true })).toEqual({ out: "", err: "" });
    expect(await report(REFUSED, { quiet: true })).toEqual({ out: "", err: "cgkill: it holds pid 1\n" });
  });

  test.each([KILLED, REFUSED])(
    "with --json writes one document on one line and no text, with or without -q",
    async (outcome) => {
      for (const quiet of [false, true]) {
        const { out, err } = await report(outcome, { json: true, quiet });
        expect(out).toMatch(/^\{[^\n]*\}\n$/);
        expect(JSON.parse(out)).toMatchObject({ command: "kill", outcome: outcome.outcome });
        expect(err).toBe("");
      }
    },
  );
});

test("a freeze is reported as a line or a document", async () => {
  const frozen: FreezeOutcome = {
    cgroup: "/a",
    path: "/sys/a",
    hierarchy: "v2",
    outcome: "frozen",
    state: "frozen",
    frozenBy: "/a",
    spared: [],
    leftFrozen: [],
    startedAt: "2026-11-23T17:00:00.000Z",
    durationMs: 4,
    error: null,
    twin: null,
    matches: null,
  };
  const sys = new FakeKernel();
  const asText = writtenIo();
  await reportOutcome(frozen, { kind: "freeze", output: OUTPUT }, { sys, io: asText.io });
  expect([asText.out(), asText.err()]).toEqual(["frozen  /a  4.0 ms\n", ""]);
  const asJson = writtenIo();
  await reportOutcome(frozen, { kind: "freeze", output: { ...OUTPUT, json: true } }, { sys, io: asJson.io });
  expect(JSON.parse(asJson.out())).toMatchObject({ command: "freeze", outcome: "frozen", frozen_by: "/a" });
  expect(asJson.err()).toBe("");
});

describe("the warning that a supervisor may start it again", () => {
  const unit: KillOutcome = { ...KILLED, cgroup: "/system.slice/nginx.service" };
  const warning =
    "cgkill: warn: /system.slice/nginx.service: systemd may start it again; to stop it:\n    systemctl stop nginx.service\n";

  test("is written after a kill, to standard error", async () => {
    const { out, err } = await report(unit);
    expect(out).toBe("killed  /system.slice/nginx.service  1 process, method kill, 12 ms\n");
    expect(err).toBe(warning);
  });

  test("is not written if nothing was killed, without a supervisor, or with -q", async () => {
    for (const outcome of ["empty", "missing", "not-removed"] as const) {
      expect((await report({ ...unit, outcome })).err).toBe("");
    }
    expect((await report(KILLED)).err).toBe("");
    expect((await report(unit, { quiet: true })).err).toBe("");
  });

  test("is not written with --log-level error", async () => {
    expect((await report(unit, { level: "error" })).err).toBe("");
  });

  test("is an event with --log-format json", async () => {
    expect(JSON.parse((await report(unit, { json: true, logFormat: "json" })).err)).toMatchObject({
      level: "warn",
      supervisor: "systemd",
      stop: "systemctl stop nginx.service",
      commands: [["systemctl", "stop", "nginx.service"]],
    });
  });

  test("as an event, has the command of any name as arguments, unless one is not UTF-8", async () => {
    const eventOf = async (name: string): Promise<unknown> =>
      JSON.parse((await report({ ...unit, cgroup: `/ecs/${name}/${"0".repeat(32)}` }, { logFormat: "json" })).err);
    const arguments_ = (name: string) => ["aws", "ecs", "stop-task", `--cluster=${name}`, "--task", "0".repeat(32)];
    expect(await eventOf("a b\t'")).toMatchObject({ stop: null, commands: [arguments_("a b\t'")] });
    expect(await eventOf("a\udcff")).toMatchObject({ stop: expect.stringContaining("\\377"), commands: [] });
  });
});
