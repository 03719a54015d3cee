// A name, pid or glob given instead of a path, on the modelled kernel: the hint has the right command.

import { describe, expect, test } from "bun:test";

import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import type { TargetCommand } from "../../../src/cli/args/command.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { explainName } from "../../../src/cli/targets/explain-name.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

const ID = "dd7284673ec4".padEnd(64, "0");
const PATHS = [
  "system.slice/nginx.service",
  "lxc.payload.web01",
  "slurm/uid_1000/job_482111/step_0",
  "slurm/uid_1000/job_482111/step_batch",
  `docker/${ID}`,
  "user.slice/user-1000.slice/session-3.scope",
  "a/batch",
  "b/batch",
];

function host(): FakeKernel {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const path of PATHS) kernel.addProcess({ group: kernel.makeGroup("v2", path) });
  kernel.addProcess({ pid: 4711, comm: "worker" });
  return kernel;
}

async function run(argv: readonly string[], kernel = host()) {
  const { io, out, err } = writtenIo();
  let walked = 0;
  kernel.onAccess = (operation, path) => {
    if (operation === "readdir" && path.startsWith("/sys/fs/cgroup")) walked++;
  };
  const code = await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
  expect([kernel.openDescriptors, kernel.writes]).toEqual([0, []]);
  return { code, out: out(), err: err(), walked };
}

/** The hint and its commands as text, without the --json that they repeat. */
async function adviceOf(argv: readonly string[]): Promise<unknown> {
  const { code, out } = await run(["--json", ...argv]);
  expect(code).toBe(3);
  const [document] = documents(out);
  const { hint, commands } = document?.["error"] as { hint: string; commands: string[][] };
  const own = commands.filter(([, verb]) => verb !== "list");
  expect(
    own.filter(([, verb]) => verb !== "show" || hint.startsWith("--name")).every((w) => w.includes("--json")),
  ).toBe(true);
  return [hint, ...commands.map((words) => words.filter((word) => word !== "--json").join(" "))];
}

describe("a name that --name would find", () => {
  test.each([
    ["nginx", "--name finds unit nginx.service", "cgkill kill --name nginx"],
    ["web01", "--name finds lxc web01", "cgkill kill --name web01"],
    ["482111", "--name finds slurm job 482111", "cgkill kill --name 482111"],
    ["dd7284673ec4", "--name finds docker dd7284673ec4", "cgkill kill --name dd7284673ec4"],
    ["session-3", "--name finds session 3", "cgkill kill --name session-3"],
    ["batch", "--name matches 2 cgroups", "cgkill show --all --name batch"],
  ])("%s", async (name, hint, command) => {
    expect(await adviceOf([name])).toEqual([hint, command]);
  });

  test.each([
    [["show", "nginx"], "cgkill show --name nginx"],
    [["freeze", "nginx"], "cgkill freeze --name nginx"],
    [["signal", "HUP", "nginx"], "cgkill signal HUP --name nginx"],
    [["-g", "10s", "--keep", "--hierarchy", "v2", "nginx"], "cgkill kill --hierarchy v2 -g 10s --keep --name nginx"],
  ])("%j: the command repeats the options", async (argv, command) => {
    expect(await adviceOf(argv)).toEqual(["--name finds unit nginx.service", command]);
  });

  test("after --interactive the suggested kill is interactive too, but the suggested show is not", async () => {
    const kernel = host();
    const search = {
      sys: kernel,
      hierarchies: findHierarchies(kernel),
      only: undefined,
      until: Number.POSITIVE_INFINITY,
    };
    const explain = (name: string) => explainName(name, parseArgs(["-i", name]) as TargetCommand, search);
    expect(await explain("nginx")).toMatchObject({
      commands: [["cgkill", "kill", "--interactive", "--name", "nginx"]],
    });
    expect(await explain("batch")).toMatchObject({ commands: [["cgkill", "show", "--all", "--name", "batch"]] });
  });

  test("on a terminal the command has a line of its own", async () => {
    expect((await run(["nginx"])).err).toEndWith(
      "\n  hint: --name finds unit nginx.service\n    cgkill kill --name nginx\n",
    );
  });
});

test("digits that are a pid: --pid is suggested, and show in place of kill", async () => {
  const hint = "4711 is a process (worker): --pid means the whole cgroup that it is in";
  expect(await adviceOf(["4711"])).toEqual([hint, "cgkill show --pid 4711"]);
  expect(await adviceOf(["thaw", "4711"])).toEqual([hint, "cgkill thaw --pid 4711"]);
  expect(await adviceOf(["4712"])).toEqual(["not found in v2", "cgkill list --all"]);
});

test("digits that are both a job and a pid: both are suggested", async () => {
  const kernel = host();
  kernel.addProcess({ pid: 482111, comm: "worker" });
  const { out } = await run(["--json", "482111"], kernel);
  expect(documents(out)[0]?.["error"]).toMatchObject({
    hint: "--name finds slurm job 482111; or 482111 is a process (worker): --pid means the whole cgroup that it is in",
    commands: [
      ["cgkill", "kill", "--json", "--name", "482111"],
      ["cgkill", "show", "--json", "--pid", "482111"],
    ],
  });
});

test("a glob: --name is suggested", async () => {
  const hint = "use --name for a glob, and quote it";
  expect(await adviceOf(["web*"])).toEqual([hint, "cgkill kill --name web*"]);
  expect((await run(["web*"])).err).toContain("\n    cgkill kill --name 'web*'\n");
});

// Regression: `cgkill kill --name '*'` was suggested for `batch/*`, and that matches every cgroup of the host.
test.each([
  ["/sys/fs/cgroup/a/[ab]", "cgkill list --all /sys/fs/cgroup/a"],
  ["a/*", "cgkill list --all a"],
  ["/web*", "cgkill list --all"],
  ["*/b*", "cgkill list --all"],
])("a glob in a path, %s: the suggested command only shows what is there", async (name, command) => {
  expect(await adviceOf([name])).toEqual([
    "a path is taken literally, and --name matches in every directory: " +
      "let the shell expand the full path, below the mount point",
    command,
  ]);
});

describe("a line of /proc/PID/cgroup", () => {
  const hint = "this is a line of /proc/PID/cgroup: give only the path in it";

  test.each([
    [["0::/a/batch"], "cgkill kill /a/batch"],
    [["signal", "HUP", "0::/a/batch"], "cgkill signal HUP /a/batch"],
    [["show", "0::/nope"], "cgkill list --all"],
    [["5:freezer:/a/batch"], "cgkill list --all"],
    [["0::/"], "cgkill list --all"],
  ])("%j", async (argv, command) => {
    expect(await adviceOf(argv)).toEqual([hint, command]);
  });

  test("of a v1 hierarchy: --hierarchy is added, since v2 may have the path too", async () => {
    const kernel = new FakeKernel();
    kernel.makeGroup("v2", "x");
    kernel.makeGroup("freezer", "x");
    const { code, err } = await run(["freeze", "5:freezer:/x"], kernel);
    expect([code, err]).toEqual([
      3,
      `cgkill: 5:freezer:/x: no such cgroup\n  hint: ${hint}\n    cgkill freeze --hierarchy freezer /x\n`,
    ]);
  });
});

describe("a path for other mounts", () => {
  test.each([
    ["hybrid", "/sys/fs/cgroup/a/b", "v2 is mounted at /sys/fs/cgroup/unified here", "unified/a/b"],
    ["hybrid", "/sys/fs/cgroup/freezer/a/b", "v2 is mounted at /sys/fs/cgroup/unified here", "unified/a/b"],
    ["hybrid", "/sys/fs/cgroup/unified/f", "v1 is mounted at /sys/fs/cgroup/freezer here", "freezer/f"],
    ["unified", "/sys/fs/cgroup/unified/a/b", "v2 is mounted at /sys/fs/cgroup here", "a/b"],
  ] as const)("%s: %s", async (layout, name, where, right) => {
    const kernel = new FakeKernel({ layout });
    kernel.makeGroup("v2", "a/b");
    if (layout === "hybrid") kernel.makeGroup("freezer", "f");
    const { code, err } = await run([name], kernel);
    expect([code, err]).toEqual([
      3,
      `cgkill: ${name}: no such cgroup\n  hint: ${where}: did you mean this cgroup?\n    cgkill show /sys/fs/cgroup/${right}\n`,
    ]);
  });
});

test("version: the option is named", async () => {
  expect(await adviceOf(["version"])).toEqual(["did you mean cgkill --version?"]);
});

test("none of these: the nearest name is suggested", async () => {
  expect(await adviceOf(["system.slice/ngnix.service"])).toEqual([
    "did you mean this cgroup?",
    "cgkill show /system.slice/nginx.service",
  ]);
});

describe("nothing is searched if the hint would not be shown", () => {
  test.each([[["-q", "nginx"]], [["--ignore-missing", "nginx"]]])("%j", async (argv) => {
    expect(await run(argv)).toMatchObject({ walked: 0 });
  });

  test("standard input", async () => {
    const kernel = host();
    const { io, out } = writtenIo();
    async function* readIn() {
      yield new TextEncoder().encode("nginx\n");
    }
    const edge = { sys: kernel, io: { ...io, readIn }, abort: new AbortController().signal };
    expect(await runCgkill(["--json", "-"], edge)).toBe(3);
    expect(out()).not.toContain("--name finds");
  });
});

test("the search is bounded in time", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  for (let at = 0; at < 3000; at++) kernel.makeGroup("v2", `x${at}/y`);
  const start = kernel.time;
  // Opening a directory takes 1 ms.
  kernel.onAccess = (operation, path) => {
    if (operation === "open" && /\/x\d+$/.test(path)) kernel.time += 1;
  };
  const { io } = writtenIo();
  const sys = kernel;
  expect(await runCgkill(["nope"], { sys, io, abort: new AbortController().signal })).toBe(3);
  expect(kernel.time - start).toBeLessThan(400);
});
