// Names on standard input, on the modelled kernel: each is acted on and answered before the next is read, and whatever is
// wrong with one keeps no other from its turn.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { encodeText } from "../../../src/sys/bytes.ts";
import { SysError } from "../../../src/sys/errno.ts";
import { FakeKernel } from "../../support/fake-kernel.ts";
import { documents } from "../../support/run-cgkill.ts";
import { writtenIo } from "../support.ts";

function kernelWith(names: readonly string[]): FakeKernel {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of names) kernel.addProcess({ group: kernel.makeGroup("v2", name), which: "v2" });
  return kernel;
}

/** @param pieces  what comes in; a function is called when it is asked for */
async function run(
  kernel: FakeKernel,
  argv: readonly string[],
  pieces: ReadonlyArray<string | ((told: () => readonly Record<string, unknown>[]) => string)>,
  abort = new AbortController(),
) {
  const { io, out, err } = writtenIo();
  const told = () => documents(out());
  let settled = 0;
  // It has an end only once, however often it is asked for.
  const left = [...pieces];
  async function* readIn(): AsyncGenerator<Uint8Array> {
    for (let piece = left.shift(); piece !== undefined; piece = left.shift())
      yield encodeText(typeof piece === "string" ? piece : piece(told));
  }
  const edge = {
    sys: kernel,
    io: { ...io, readIn, settle: async () => void settled++ },
    abort: abort.signal,
  };
  const code = await runCgkill(["--json", ...argv], edge);
  expect(kernel.openDescriptors).toBe(0);
  return { code, told: told(), err: err(), settled };
}

const brief = ({ cgroup, outcome }: Record<string, unknown>): string => `${String(outcome)} ${String(cgroup)}`;

test("each name is acted on and answered before more is read", async () => {
  const kernel = kernelWith(["a", "b"]);
  const seen: string[][] = [];
  const { code, told, settled } = await run(
    kernel,
    ["-"],
    [
      "/a\n",
      (soFar) => {
        seen.push(soFar().map(brief));
        return "/b\n";
      },
    ],
  );
  expect(seen).toEqual([["killed /a"]]);
  expect(told.map(brief)).toEqual(["killed /a", "killed /b"]);
  expect([code, settled]).toEqual([0, 2]);
});

test("operands before and after -, in their order; - twice is the same input", async () => {
  const { code, told } = await run(kernelWith(["a", "b", "c", "d"]), ["a", "-", "d", "-"], ["/b\n/c\n"]);
  expect(told.map(brief)).toEqual(["killed /a", "killed /b", "killed /c", "killed /d"]);
  expect(code).toBe(0);
});

describe("what is wrong with one keeps no other from its turn", () => {
  test.each<[string, string, string]>([
    ["\n", "bad-line", "standard input: a line is empty"],
    [`${"x".repeat(5000)}\n`, "bad-line", "is longer than 4095 bytes"],
    ["./a\n", "bad-line", "standard input: the line ./a is relative to the working directory"],
    ["/\n", "hierarchy-root", "/: is the root of a hierarchy"],
  ])("%j: refused", async (line, code, message) => {
    const { code: status, told } = await run(kernelWith(["a", "b"]), ["-"], [`/a\n${line}/b\n`]);
    expect(told.map(({ outcome }) => outcome)).toEqual(["killed", "refused", "killed"]);
    expect(told[1]?.["error"]).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(status).toBe(4);
  });

  test("without its end: refused, it may be half of a name", async () => {
    const kernel = kernelWith(["a", "b", "b/deep"]);
    const { code, told } = await run(kernel, ["-"], ["/a\n/b"]);
    expect(told.map(brief)).toEqual(["killed /a", "refused /b"]);
    expect(code).toBe(4);
  });

  test.each([
    [[], "not-found", 3],
    [["--ignore-missing"], "missing", 0],
  ] as const)("%j: a name that is missing, %s", async (argv, outcome, status) => {
    const { code, told } = await run(kernelWith(["a"]), [...argv, "-"], ["/nope\n/a\n"]);
    expect(told.map(brief)).toEqual([`${outcome} /nope`, "killed /a"]);
    expect(code).toBe(status);
  });

  test("an option in a line is a name", async () => {
    const { told } = await run(kernelWith(["a"]), ["-"], ["--keep\n/a\n"]);
    expect(told.map(brief)).toEqual(["not-found --keep", "killed /a"]);
  });

  test("an input that cannot be read", async () => {
    const fail = (): string => {
      throw new SysError("read", "standard input", "EISDIR");
    };
    const { code, told } = await run(kernelWith(["a", "b"]), ["-", "b"], ["/a\n", fail]);
    expect(told.map(brief)).toEqual(["killed /a", "failed -", "killed /b"]);
    expect(told[1]?.["error"]).toMatchObject({ errno: "EISDIR" });
    expect(code).toBe(1);
  });
});

test("a signal between two names of one piece: the second is not touched", async () => {
  const kernel = kernelWith(["a", "b"]);
  const abort = new AbortController();
  kernel.onAccess = (operation, path) => {
    if (operation === "write" && path.endsWith("/a/cgroup.kill")) abort.abort("SIGTERM");
  };
  const { code, told } = await run(kernel, ["-"], ["/a\n/b\n"], abort);
  expect(told.map(({ cgroup }) => cgroup)).toEqual(["/a", "-"]);
  expect(told[1]).toMatchObject({ outcome: "interrupted" });
  expect(kernel.writes.filter(({ path }) => path.includes("/b/"))).toEqual([]);
  expect(code).toBe(143);
});

test("an ambiguous name among the operands: standard input is not read", async () => {
  const kernel = kernelWith(["a", "x/job", "y/job"]);
  const { code, told } = await run(
    kernel,
    ["-", "--name", "job"],
    [
      () => {
        throw new Error("was read");
      },
    ],
  );
  expect(told.map(brief)).toEqual(["usage -", "usage job"]);
  expect(code).toBe(2);
});

describe("what is mounted", () => {
  const layout = "legacy";
  const reads = (kernel: FakeKernel) => {
    const seen = { mountinfo: 0, mounts: 0 };
    kernel.onAccess = (operation, path) => {
      if (operation === "read" && path === "/proc/self/mountinfo") seen.mountinfo++;
      if (operation === "open" && path === "//sys/fs/cgroup/freezer") seen.mounts++;
    };
    return seen;
  };

  test("is read once for any number of names, and each mount is opened once for what has come in", async () => {
    const kernel = new FakeKernel({ layout });
    kernel.addProcess({ group: kernel.makeGroup("freezer", "a"), which: "freezer" });
    const seen = reads(kernel);
    const names = Array.from({ length: 100 }, (_, at) => `/nope${at}\n`).join("");
    const { told } = await run(kernel, ["--ignore-missing", "-"], [`${names}/a\n`, names]);
    expect(told.filter(({ outcome }) => outcome === "missing")).toHaveLength(200);
    expect(told.filter(({ outcome }) => outcome === "killed")).toHaveLength(1);
    expect(seen.mountinfo).toBe(1);
    expect(seen.mounts).toBeLessThan(10);
  });

  test("is read again when it has changed, and not held while more is waited for", async () => {
    const kernel = new FakeKernel({ layout });
    for (const name of ["a", "b"]) kernel.addProcess({ group: kernel.makeGroup("freezer", name), which: "freezer" });
    const seen = reads(kernel);
    const held: number[] = [];
    const { told } = await run(
      kernel,
      ["-"],
      [
        "/a\n",
        () => {
          held.push(kernel.openDescriptors);
          kernel.covers.add("/sys/fs/cgroup/freezer/b");
          return "/b\n";
        },
        () => {
          kernel.covers.clear();
          kernel.hierarchy("freezer").isMounted = false;
          return "/b\n";
        },
        () => {
          kernel.hierarchy("freezer").isMounted = true;
          return "/b\n";
        },
      ],
    );
    // By a copy of the mount; then by none; then it has been killed already.
    expect(told.map(({ outcome }) => outcome)).toEqual(["killed", "killed", "refused", "not-found"]);
    expect(seen.mountinfo).toBe(4);
    expect(held).toEqual([1]);
  });

  test("is read for each name if it cannot be watched", async () => {
    const kernel = kernelWith(["a", "b"]);
    kernel.failNext("open", /mountinfo/, "EMFILE", Number.POSITIVE_INFINITY);
    const { told } = await run(kernel, ["-"], ["/a\n/b\n"]);
    expect(told.map(brief)).toEqual(["killed /a", "killed /b"]);
  });
});
