// `cgkill signal`: its arguments, and its report on the modelled kernel.

import { describe, expect, test } from "bun:test";

import { parseArgs } from "../../../src/cli/args/parse.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { usageErrorOf, writtenIo } from "../support.ts";

const FORMS = "write HUP, SIGHUP or a number from 1 to 64 before the cgroups: cgkill signal HUP CGROUP";

describe("arguments", () => {
  test.each([
    [["signal", "HUP", "a"], 1],
    [["signal", "SIGHUP", "a"], 1],
    [["signal", "sighup", "a"], 1],
    [["signal", "1", "a"], 1],
    [["signal", "SIGSTOP", "a"], 19],
    [["signal", "34", "a"], 34],
    [["signal", "64", "a"], 64],
    [["signal", "--allow-ancestors", "USR1", "a"], 10],
    [["signal", "--", "TERM", "a"], 15],
  ] as const)("%j sends signal %d to one cgroup", (argv, sentSignal) => {
    expect(parseArgs(argv)).toMatchObject({ kind: "signal", sentSignal, targets: [{ kind: "name", name: "a" }] });
  });

  test("the signal is the first operand, wherever the options are", () => {
    expect(parseArgs(["signal", "--name", "web-*", "HUP", "--pid", "7"])).toMatchObject({
      sentSignal: 1,
      targets: [
        { kind: "pid", pid: 7 },
        { kind: "pattern", pattern: "web-*" },
      ],
    });
  });

  test.each([
    [["signal"], "no signal given", FORMS],
    [
      ["signal", "web", "db", "hup"],
      "signal web: not a signal",
      "write the signal before the cgroups\n    cgkill signal HUP web db",
    ],
    [["signal", "web", "KILL"], "signal web: not a signal", FORMS],
    [["signal", "0", "a"], "signal 0: not a signal", FORMS],
    [["signal", "65", "a"], "signal 65: not a signal", FORMS],
    [["signal", "constructor", "a"], "signal constructor: not a signal", FORMS],
    [["signal", "", "a"], "signal : not a signal", FORMS],
  ])("%j is a usage error", (argv, message, hint) => {
    expect(usageErrorOf(() => parseArgs(argv))).toEqual({ message, hint });
  });

  test.each(["KILL", "SIGKILL", "kill", "9"])("%s is a usage error that names cgkill kill", (signal) => {
    expect(usageErrorOf(() => parseArgs(["signal", signal, "a"]))).toEqual({
      message: "cgkill signal never sends SIGKILL, which alone proves nothing",
      hint: "to kill every process and prove it, use cgkill kill\n    cgkill kill a",
    });
    expect(usageErrorOf(() => parseArgs(["signal", signal])).hint).toBe(
      "to kill every process and prove it, use cgkill kill CGROUP",
    );
  });

  test("without a cgroup the hint repeats the call", () => {
    expect(usageErrorOf(() => parseArgs(["signal", "HUP"])).hint).toStartWith(
      "write cgkill signal HUP CGROUP, --pid PID",
    );
  });

  test.each(["--spare=1", "--grace=1", "--signal=HUP", "--remove", "--method=kill", "--dry-run"])(
    "%s is not an option of signal",
    (option) => {
      expect(usageErrorOf(() => parseArgs(["signal", option, "HUP", "a"])).message).toContain("cgkill signal");
    },
  );
});

function hostWith(names: readonly string[]): FakeKernel {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of names) kernel.addProcess({ group: kernel.makeGroup("v2", name), which: "v2", comm: "worker" });
  return kernel;
}

async function run(kernel: FakeKernel, argv: readonly string[]) {
  const { io, out, err } = writtenIo();
  const code = await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return { code, out: out(), err: err() };
}

describe("the report", () => {
  test("names the signal and counts the processes", async () => {
    const { code, out, err } = await run(hostWith(["web"]), ["signal", "HUP", "web"]);
    expect(out).toMatch(/^signalled {2}\/web {2}1 process, signal HUP, [\d.]+ ms\n$/);
    expect([code, err]).toEqual([0, ""]);
  });

  test("an empty cgroup: success, with no process counted", async () => {
    const kernel = hostWith([]);
    kernel.makeGroup("v2", "web");
    expect(await run(kernel, ["signal", "HUP", "web"])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^signalled {2}\/web {2}no process, signal HUP, /),
    });
  });

  test("has every key in JSON, with pid and name of each process", async () => {
    const kernel = hostWith(["web"]);
    const [pid] = [...kernel.processes.values()].filter(({ comm }) => comm === "worker").map((one) => one.pid);
    const { code, out } = await run(kernel, ["signal", "--json", "34", "web"]);
    expect(code).toBe(0);
    expect(documents(out)).toEqual([
      {
        schema: 1,
        command: "signal",
        cgroup: "/web",
        path: "/sys/fs/cgroup/web",
        hierarchy: "v2",
        outcome: "signalled",
        signal: "34",
        signalled: [{ pid, comm: "worker" }],
        frozen_by: null,
        started_at: expect.any(String),
        duration_ms: expect.any(Number),
        error: null,
        twin: null,
        matches: null,
      },
    ]);
  });

  test("an ambiguous name: exit status 2, with the matches as text and in JSON", async () => {
    const { code, err } = await run(hostWith(["web1", "web2"]), ["signal", "HUP", "--name", "web?"]);
    expect(code).toBe(2);
    expect(err).toBe(
      "cgkill: web?: 2 cgroups match\n  /sys/fs/cgroup/web1\n  /sys/fs/cgroup/web2\n" +
        "  hint: give one of the paths, or add --all to take all of them\n",
    );
    const { out } = await run(hostWith(["web1", "web2"]), ["signal", "--json", "HUP", "--name", "web?"]);
    expect(documents(out)).toMatchObject([
      { outcome: "usage", matches: ["web1", "web2"].map((name) => ({ path: `/sys/fs/cgroup/${name}`, label: null })) },
    ]);
  });

  test("twins: one document, with the path of the other", async () => {
    const kernel = new FakeKernel();
    const twin = kernel.makeGroup("freezer", "web");
    const one = kernel.addProcess({ group: kernel.makeGroup("v2", "web"), which: "v2" });
    one.groups.set(kernel.hierarchy("freezer"), twin);
    const { code, out } = await run(kernel, ["signal", "--json", "HUP", "/web"]);
    expect(documents(out)).toMatchObject([
      {
        path: "/sys/fs/cgroup/unified/web",
        signalled: [{ pid: one.pid }],
        twin: { path: "/sys/fs/cgroup/freezer/web", method: null, removed: null },
      },
    ]);
    expect(code).toBe(0);
  });

  test("a missing cgroup: exit status 3, a document of the same shape, and the next is acted on; 0 with --ignore-missing", async () => {
    const { code, out } = await run(hostWith(["web"]), ["signal", "--json", "HUP", "nope/1", "web"]);
    const [missing, web] = documents(out);
    expect([code, missing?.["outcome"], web?.["outcome"]]).toEqual([3, "not-found", "signalled"]);
    expect(Object.keys(missing ?? {})).toEqual(Object.keys(web ?? {}));
    expect(await run(hostWith([]), ["signal", "--ignore-missing", "HUP", "nope"])).toEqual({
      code: 0,
      out: "missing  /nope\n".replace("/nope", "nope"),
      err: "",
    });
  });

  test("the root, or a cgroup that contains PID 1: refused", async () => {
    const kernel = hostWith(["init.scope"]);
    kernel.processes.get(1)?.groups.set(kernel.hierarchy("v2"), kernel.makeGroup("v2", "init.scope"));
    for (const name of ["/", "init.scope"]) {
      const { code, err } = await run(kernel, ["signal", "--allow-ancestors", "HUP", name]);
      expect(code).toBe(4);
      expect(err).not.toContain("killing");
    }
    expect(kernel.writes).toEqual([]);
  });
});
