// Which report goes to which stream: documents and lines to standard output, problems and warnings to standard error,
// and which options silence what.

import { describe, expect, test } from "bun:test";

import type { OutputOptions } from "../../../src/cli/args/command.ts";
import { reportFreeze, reportKill } from "../../../src/cli/output/report.ts";
import type { FreezeOutcome } from "../../../src/freeze/freeze-outcome.ts";
import type { KillOutcome } from "../../../src/kill/types.ts";
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
  startedAt: "2026-11-23T17:00:00.000Z",
  durationMs: 12,
  phases: { freezeMs: null, scanMs: null, signalMs: null, thawMs: null, waitMs: null, removeMs: null },
  error: null,
  twin: null,
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

async function told(outcome: KillOutcome, output: Partial<OutputOptions> = {}): Promise<{ out: string; err: string }> {
  const { io, out, err } = writtenIo();
  await reportKill(outcome, { kind: "kill", output: { ...OUTPUT, ...output } }, io);
  return { out: out(), err: err() };
}

describe("a kill", () => {
  const line = "killed  /batch/job7  1 process, method kill, 12 ms\n";

  test("that is done is a line on standard output, and nothing else", async () => {
    expect(await told(KILLED)).toEqual({ out: line, err: "" });
  });

  test("with -v has the time of each phase on standard error, for people only", async () => {
    const spent = { ...KILLED, phases: { ...KILLED.phases, scanMs: 0.24, waitMs: 12 } };
    for (const level of ["debug", "trace"] as const) {
      expect(await told(spent, { level })).toEqual({ out: line, err: "  time spent: scan 0.2 ms, wait 12 ms\n" });
    }
    expect((await told(spent, { level: "debug", json: true })).err).toBe("");
    expect((await told(spent, { level: "debug", quiet: true })).err).toBe("");
    expect((await told(spent, { level: "debug", logFormat: "json" })).err).toBe("");
    expect((await told(KILLED, { level: "debug" })).err).toBe("");
  });

  test("that was refused has its line there, and the reason on standard error", async () => {
    expect(await told(REFUSED)).toEqual({ out: "refused  /batch/job7\n", err: "cgkill: it holds pid 1\n" });
  });

  test("told quietly leaves only the errors", async () => {
    expect(await told(KILLED, { quiet: true })).toEqual({ out: "", err: "" });
    expect(await told(REFUSED, { quiet: true })).toEqual({ out: "", err: "cgkill: it holds pid 1\n" });
  });

  test.each([KILLED, REFUSED])(
    "as JSON is one document on one line, quiet or not, and no text anywhere",
    async (outcome) => {
      for (const quiet of [false, true]) {
        const { out, err } = await told(outcome, { json: true, quiet });
        expect(out).toMatch(/^\{[^\n]*\}\n$/);
        expect(JSON.parse(out)).toMatchObject({ command: "kill", outcome: outcome.outcome });
        expect(err).toBe("");
      }
    },
  );
});

test("a freeze is a line or a document of its own", async () => {
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
  const asText = writtenIo();
  await reportFreeze(frozen, { kind: "freeze", output: OUTPUT }, asText.io);
  expect([asText.out(), asText.err()]).toEqual(["frozen  /a  4.0 ms\n", ""]);
  const asJson = writtenIo();
  await reportFreeze(frozen, { kind: "freeze", output: { ...OUTPUT, json: true } }, asJson.io);
  expect(JSON.parse(asJson.out())).toMatchObject({ command: "freeze", outcome: "frozen", frozen_by: "/a" });
  expect(asJson.err()).toBe("");
});

describe("who may start it again", () => {
  const unit: KillOutcome = { ...KILLED, cgroup: "/system.slice/nginx.service" };
  const warning =
    "cgkill: warn: /system.slice/nginx.service: systemd may start it again; to stop it:\n    systemctl stop nginx.service\n";

  test("is told after a kill, on standard error only", async () => {
    const { out, err } = await told(unit);
    expect(out).toBe("killed  /system.slice/nginx.service  1 process, method kill, 12 ms\n");
    expect(err).toBe(warning);
  });

  test("is not told where nothing was killed, where nothing starts it again, or quietly", async () => {
    for (const outcome of ["empty", "missing", "not-removed"] as const) {
      expect((await told({ ...unit, outcome })).err).toBe("");
    }
    expect((await told(KILLED)).err).toBe("");
    expect((await told(unit, { quiet: true })).err).toBe("");
  });

  test("is not told where only errors are asked for: --log-level error", async () => {
    expect((await told(unit, { level: "error" })).err).toBe("");
  });

  test("is an event as the others are: --log-format json", async () => {
    expect(JSON.parse((await told(unit, { json: true, logFormat: "json" })).err)).toMatchObject({ level: "warn" });
  });
});
