// Names that people have for a cgroup, given where a path is meant, on the modelled kernel: the hint says what to type.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../src/cli/run.ts";
import { FakeKernel } from "../support/fake-kernel.ts";
import { documents } from "../support/run-cgkill.ts";
import { writtenIo } from "./support.ts";

const ID = "dd7284673ec4".padEnd(64, "0");
const PATHS = [
  "system.slice/nginx.service",
  "lxc.payload.web01",
  "slurm/uid_1000/job_482111",
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

async function hintOf(argv: readonly string[]): Promise<unknown> {
  const { code, out } = await run(["--json", ...argv]);
  expect(code).toBe(3);
  const [document] = documents(out);
  return (document?.["error"] as { hint: unknown }).hint;
}

describe("a name that --name would find", () => {
  test.each([
    ["nginx", "--name finds unit nginx.service: cgkill --name nginx"],
    ["web01", "--name finds lxc web01: cgkill --name web01"],
    ["482111", "--name finds slurm job 482111: cgkill --name 482111"],
    ["dd7284673ec4", "--name finds docker dd7284673ec4: cgkill --name dd7284673ec4"],
    ["session-3", "--name finds session 3: cgkill --name session-3"],
    ["batch", "--name matches 2 cgroups: cgkill show --all --name batch"],
  ])("%s", async (name, hint) => {
    expect(await hintOf([name])).toBe(hint);
  });

  test.each([
    [["show", "nginx"], "cgkill show --name nginx"],
    [["freeze", "nginx"], "cgkill freeze --name nginx"],
    [
      ["-g", "10s", "--keep", "--hierarchy", "v2", "nginx"],
      "cgkill -g 10000ms -s TERM --keep --hierarchy v2 --name nginx",
    ],
  ])("%j: the line has what was asked for", async (argv, line) => {
    expect(await hintOf(argv)).toBe(`--name finds unit nginx.service: ${line}`);
  });
});

test("digits that are a process", async () => {
  expect(await hintOf(["4711"])).toBe("4711 is a process (worker): cgkill --pid 4711");
  expect(await hintOf(["thaw", "4711"])).toBe("4711 is a process (worker): cgkill thaw --pid 4711");
  expect(await hintOf(["4712"])).toContain("not found in v2");
});

test("a glob", async () => {
  expect(await hintOf(["web*"])).toBe("a glob is for --name, and in quotes: cgkill --name 'web*'");
  expect(await hintOf(["/sys/fs/cgroup/[ab]"])).toBe("a glob is for --name, and in quotes: cgkill --name '[ab]'");
});

test("nothing of it: a near name, as before", async () => {
  expect(await hintOf(["system.slice/ngnix.service"])).toBe("did you mean /system.slice/nginx.service?");
});

describe("it costs nothing where it is not read", () => {
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

test("it is bounded in time", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  for (let at = 0; at < 3000; at++) kernel.makeGroup("v2", `x${at}/y`);
  const start = kernel.time;
  // Each look at a directory takes its time.
  kernel.onAccess = (operation, path) => {
    if (operation === "open" && /\/x\d+$/.test(path)) kernel.time += 1;
  };
  const { io } = writtenIo();
  const sys = kernel;
  expect(await runCgkill(["nope"], { sys, io, abort: new AbortController().signal })).toBe(3);
  expect(kernel.time - start).toBeLessThan(1000);
});
