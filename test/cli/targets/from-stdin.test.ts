// Names on standard input, on the modelled kernel: each is acted on and answered before the next is read, and a bad one
// does not affect the others.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { encodeText } from "../../../src/sys/bytes.ts";
import { SysError } from "../../../src/sys/errno.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

function kernelWith(names: readonly string[]): FakeKernel {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of names) kernel.addProcess({ group: kernel.makeGroup("v2", name), which: "v2" });
  return kernel;
}

/** @param pieces  the chunks of standard input; a function is called when its chunk is read */
async function run(
  kernel: FakeKernel,
  argv: readonly string[],
  pieces: ReadonlyArray<string | ((reports: () => readonly Record<string, unknown>[]) => string)>,
  abort = new AbortController(),
) {
  const { io, out, err } = writtenIo();
  const reports = () => documents(out());
  let settled = 0;
  // Standard input ends once, even if it is read twice.
  const left = [...pieces];
  async function* readIn(): AsyncGenerator<Uint8Array> {
    for (let piece = left.shift(); piece !== undefined; piece = left.shift())
      yield encodeText(typeof piece === "string" ? piece : piece(reports));
  }
  const edge = {
    sys: kernel,
    io: { ...io, readIn, settle: async () => void settled++ },
    abort: abort.signal,
  };
  const code = await runCgkill(["--json", ...argv], edge);
  expect(kernel.openDescriptors).toBe(0);
  return { code, reports: reports(), err: err(), settled };
}

const brief = ({ cgroup, outcome }: Record<string, unknown>): string => `${String(outcome)} ${String(cgroup)}`;

test("each name is acted on and answered before more is read", async () => {
  const kernel = kernelWith(["a", "b"]);
  const seen: string[][] = [];
  const { code, reports, settled } = await run(
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
  expect(reports.map(brief)).toEqual(["killed /a", "killed /b"]);
  expect([code, settled]).toEqual([0, 2]);
});

test("operands before and after - are acted on in order; a second - finds the input at its end", async () => {
  const { code, reports } = await run(kernelWith(["a", "b", "c", "d"]), ["a", "-", "d", "-"], ["/b\n/c\n"]);
  expect(reports.map(brief)).toEqual(["killed /a", "killed /b", "killed /c", "killed /d"]);
  expect(code).toBe(0);
});

describe("a bad line does not affect the others", () => {
  test.each<[string, string, string]>([
    ["\n", "bad-line", "standard input: a line is empty"],
    [`${"x".repeat(5000)}\n`, "bad-line", "is longer than 4095 bytes"],
    ["./a\n", "bad-line", "standard input: the line ./a is relative to the working directory"],
    ["/\n", "hierarchy-root", "/ is the root of a hierarchy"],
  ])("%j: refused", async (line, code, message) => {
    const { code: status, reports } = await run(kernelWith(["a", "b"]), ["-"], [`/a\n${line}/b\n`]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["killed", "refused", "killed"]);
    expect(reports[1]?.["error"]).toMatchObject({ code, message: expect.stringContaining(message) });
    expect(status).toBe(4);
  });

  test("the last line without a newline: refused, because it may be half a name", async () => {
    const kernel = kernelWith(["a", "b", "b/deep"]);
    const { code, reports } = await run(kernel, ["-"], ["/a\n/b"]);
    expect(reports.map(brief)).toEqual(["killed /a", "refused /b"]);
    expect(code).toBe(4);
  });

  test.each([
    [[], "not-found", 3],
    [["--ignore-missing"], "missing", 0],
  ] as const)("%j: a name that is missing, %s", async (argv, outcome, status) => {
    const { code, reports } = await run(kernelWith(["a"]), [...argv, "-"], ["/nope\n/a\n"]);
    expect(reports.map(brief)).toEqual([`${outcome} /nope`, "killed /a"]);
    expect(code).toBe(status);
  });

  test("--ignore-missing: a file of a cgroup is not a missing cgroup", async () => {
    const { code, reports } = await run(kernelWith(["a", "b"]), ["--ignore-missing", "-"], ["/a/cgroup.procs\n/b\n"]);
    expect(reports.map(brief)).toEqual(["not-found /a/cgroup.procs", "killed /b"]);
    expect(code).toBe(3);
  });

  test("--ignore-missing: a missing name with blanks around it may have been meant without; it is killed if it exists", async () => {
    const names = ["/a\r", "\ufeff/a", "/a ", "/b", "/c\r"];
    const kernel = kernelWith(["a", "b", "c\r"]);
    const { code, reports } = await run(kernel, ["--ignore-missing", "-"], [names.map((name) => `${name}\n`).join("")]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["not-found", "not-found", "not-found", "killed", "killed"]);
    expect(code).toBe(3);
  });

  test("an option in a line: taken as a name", async () => {
    const { reports } = await run(kernelWith(["a"]), ["-"], ["--keep\n/a\n"]);
    expect(reports.map(brief)).toEqual(["not-found --keep", "killed /a"]);
  });

  test("a read error: reported, and the next operand is acted on", async () => {
    const fail = (): string => {
      throw new SysError("read", "standard input", "EISDIR");
    };
    const { code, reports } = await run(kernelWith(["a", "b"]), ["-", "b"], ["/a\n", fail]);
    expect(reports.map(brief)).toEqual(["killed /a", "failed -", "killed /b"]);
    expect(reports[1]?.["error"]).toMatchObject({ errno: "EISDIR" });
    expect(code).toBe(1);
  });
});

test("a signal between two names of one chunk: the second is not touched", async () => {
  const kernel = kernelWith(["a", "b"]);
  const abort = new AbortController();
  kernel.onAccess = (operation, path) => {
    if (operation === "write" && path.endsWith("/a/cgroup.kill")) abort.abort("SIGTERM");
  };
  const { code, reports } = await run(kernel, ["-"], ["/a\n/b\n"], abort);
  expect(reports.map(({ cgroup }) => cgroup)).toEqual(["/a", "-"]);
  expect(reports[1]).toMatchObject({ outcome: "interrupted" });
  expect(kernel.writes.filter(({ path }) => path.includes("/b/"))).toEqual([]);
  expect(code).toBe(143);
});

test("an ambiguous name among the operands: standard input is not read", async () => {
  const kernel = kernelWith(["a", "x/job", "y/job"]);
  const { code, reports } = await run(
    kernel,
    ["-", "--name", "job"],
    [
      () => {
        throw new Error("was read");
      },
    ],
  );
  expect(reports.map(brief)).toEqual(["usage -", "usage job"]);
  expect(code).toBe(2);
});

describe("mountinfo", () => {
  const layout = "legacy";
  const reads = (kernel: FakeKernel) => {
    const seen = { mountinfo: 0, mounts: 0 };
    kernel.onAccess = (operation, path) => {
      if (operation === "read" && path === "/proc/self/mountinfo") seen.mountinfo++;
      if (operation === "open" && path === "//sys/fs/cgroup/freezer") seen.mounts++;
    };
    return seen;
  };

  test("is read once for any number of names, and each mount is opened once per chunk", async () => {
    const kernel = new FakeKernel({ layout });
    kernel.addProcess({ group: kernel.makeGroup("freezer", "a"), which: "freezer" });
    const seen = reads(kernel);
    const names = Array.from({ length: 100 }, (_, at) => `/nope${at}\n`).join("");
    const { reports } = await run(kernel, ["--ignore-missing", "-"], [`${names}/a\n`, names]);
    expect(reports.filter(({ outcome }) => outcome === "missing")).toHaveLength(200);
    expect(reports.filter(({ outcome }) => outcome === "killed")).toHaveLength(1);
    expect(seen.mountinfo).toBe(1);
    expect(seen.mounts).toBeLessThan(10);
  });

  test("is read again after a change, and no mount stays open while waiting for input", async () => {
    const kernel = new FakeKernel({ layout });
    for (const name of ["a", "b"]) kernel.addProcess({ group: kernel.makeGroup("freezer", name), which: "freezer" });
    const seen = reads(kernel);
    const openWhileWaiting: number[] = [];
    const { reports } = await run(
      kernel,
      ["-"],
      [
        "/a\n",
        () => {
          openWhileWaiting.push(kernel.openDescriptors);
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
    // b is covered and reached by a copy of the mount; then nothing is mounted; then b no longer exists.
    expect(reports.map(({ outcome }) => outcome)).toEqual(["killed", "killed", "refused", "not-found"]);
    expect(seen.mountinfo).toBe(4);
    expect(openWhileWaiting).toEqual([1]);
  });

  // Regression: what was known before the change was used for ever.
  test("is read again after a change also if that fails at first", async () => {
    const kernel = new FakeKernel({ layout });
    kernel.addProcess({ group: kernel.makeGroup("freezer", "a"), which: "freezer" });
    const freezer = kernel.hierarchy("freezer");
    freezer.isMounted = false;
    const mount = () => {
      freezer.isMounted = true;
      kernel.failNext("read", /^\/proc\/self\/mountinfo$/, "ENOMEM", 1);
      return "/a\n";
    };
    const { reports } = await run(kernel, ["-"], ["/a\n", mount, "/a\n"]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["refused", "failed", "killed"]);
  });

  test("is read for each name if it cannot be watched for changes", async () => {
    const kernel = kernelWith(["a", "b"]);
    kernel.failNext("open", /mountinfo/, "EMFILE", Number.POSITIVE_INFINITY);
    const { reports } = await run(kernel, ["-"], ["/a\n/b\n"]);
    expect(reports.map(brief)).toEqual(["killed /a", "killed /b"]);
  });
});
