// Names of cgroups and mount points that are not UTF-8, from `list` to the kill by every form of a name; and mount
// points with spaces, backslashes and newlines. The members of the cgroup with almost the same name live.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { encodeText } from "../../src/sys/bytes.ts";
import { canStage, isAlive, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";

/** Siblings: a byte that is not UTF-8, what a decoder makes of it, and its spelling in JSON. */
const NAME = "job-\udcff";
const NEAR = ["job-\ufffd", "job-ÿ", "job-"];

/** A word for bash, byte by byte. */
const inBash = (word: string): string =>
  `$'${Array.from(encodeText(word), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("")}'`;

const bytesOf = (name: string): Buffer => Buffer.from(encodeText(name));

interface Staged extends AsyncDisposable {
  readonly dir: string;
  readonly inside: number;
  readonly beside: readonly number[];
}

async function stage(version: "v1" | "v2"): Promise<Staged> {
  const parent = makeCgroup(version);
  const sleepers = new AsyncDisposableStack();
  const start = async (name: string): Promise<number> => {
    const dir = bytesOf(`${parent.dir}/${name}`);
    mkdirSync(dir);
    return sleepers.use(await startSleeper(dir)).pid;
  };
  const inside = await start(NAME);
  const beside: number[] = [];
  for (const name of NEAR) beside.push(await start(name));
  return {
    dir: parent.dir,
    inside,
    beside,
    async [Symbol.asyncDispose]() {
      await sleepers.disposeAsync();
      // Not `destroy`, which works with names as text.
      await Bun.spawn(["find", parent.dir, "-mindepth", "1", "-type", "d", "-delete"], { stderr: "ignore" }).exited;
      await parent[Symbol.asyncDispose]();
    },
  };
}

/** Each kills the cgroup with the given path, spelled as in our JSON. */
const WAYS: Readonly<
  Record<string, (path: string) => Promise<{ readonly code: number | null; readonly stdout: string }>>
> = {
  "as an argument, its bytes by the shell's quotes": (path) =>
    runCgkill(["--json"], { under: ["bash", "-c", `exec "$@" ${inBash(path)}`, "bash"] }),
  "as an argument, spelled as in JSON": (path) => runCgkill(["--json", "--", path.replace("\udcff", "\\udcff")]),
  "through standard input, ended by NUL": (path) => throughStdin(["--json", "-0", "-"], `${path}\0`),
  "as the working directory": (path) =>
    runCgkill(["--json", "."], { under: ["bash", "-c", `cd ${inBash(path)} && exec "$@"`, "bash"] }),
  "through standard input, a line": (path) => throughStdin(["--json", "-"], `${path}\n`),
};

async function throughStdin(args: readonly string[], text: string) {
  const child = Bun.spawn([BINARY, ...args], { stdin: bytesOf(text), stdout: "pipe", stderr: "inherit", cwd: "/" });
  return { stdout: await child.stdout.text(), code: await child.exited };
}

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(`${version}: a name that is no UTF-8`, () => {
    test.each(Object.keys(WAYS))("%s", async (way) => {
      await using staged = await stage(version);
      const listed = await runCgkill(["list", "--json", staged.dir]);
      const paths = documents(listed.stdout).map(({ path }) => path as string);
      const path = paths.find((candidate) => candidate.endsWith(NAME));
      expect(path).toBe(`${staged.dir}/${NAME}`);
      expect(listed.stdout).toContain("job-\\udcff");
      const killed = await WAYS[way]?.(path ?? "");
      expect(documents(killed?.stdout ?? "")[0]).toMatchObject({ outcome: "killed", killed_count: 1, path });
      expect(killed?.code).toBe(0);
      expect(isAlive(staged.inside)).toBe(false);
      expect(staged.beside.filter(isAlive)).toEqual([...staged.beside]);
    });

    test("in text output it is shown as an escape", async () => {
      await using staged = await stage(version);
      const shown = await runCgkill(["list", "--flat", staged.dir]);
      expect(shown.stdout).toContain("job-\\xff");
      expect(isAlive(staged.inside)).toBe(true);
    });

    test("a cgroup whose name is spelled like an escape takes precedence", async () => {
      await using staged = await stage(version);
      mkdirSync(`${staged.dir}/job-\\udcff`);
      const killed = await runCgkill(["--json", "--", `${staged.dir}/job-\\udcff`]);
      expect(documents(killed.stdout)[0]).toMatchObject({ outcome: "empty", path: `${staged.dir}/job-\\udcff` });
      expect([staged.inside, ...staged.beside].filter(isAlive)).toHaveLength(4);
    });
  });

  describe.if(canStage(version))(`${version}: mounted at`, () => {
    test.each(["two words", "back\\slash", "\\040", "new\nline", "tab\t", "bytes-\udcff", "a (deleted)", "-rf"])(
      "%j",
      async (name) => {
        await using cgroup = makeCgroup(version);
        await using other = makeCgroup(version);
        await using inside = await startSleeper(cgroup.dir);
        await using canary = await startSleeper(other.dir);
        const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
        try {
          const point = `${scratch}/${name}`;
          mkdirSync(bytesOf(point));
          const type = version === "v2" ? "-t cgroup2" : "-t cgroup -o freezer";
          const script = `umount -l -R /sys/fs/cgroup; mount ${type} none ${inBash(point)} && exec "$@" ${inBash(`${point}${cgroup.path}`)}`;
          const under = ["unshare", "-m", "bash", "-c", script, "bash"];
          const shown = await runCgkill(["list", "--json"], { under });
          expect(documents(shown.stdout).map(({ path }) => path)).toEqual([`${point}${cgroup.path}`]);
          const killed = await runCgkill(["--json"], { under });
          expect(documents(killed.stdout)[0]).toMatchObject({ outcome: "killed", path: `${point}${cgroup.path}` });
          expect(killed.code).toBe(0);
          expect([isAlive(inside.pid), isAlive(canary.pid)]).toEqual([false, true]);
        } finally {
          rmSync(scratch, { recursive: true, force: true });
        }
      },
    );
  });
}
