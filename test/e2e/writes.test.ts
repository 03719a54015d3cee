// What cgkill writes, recorded by strace: for each row of the manual's table the files, values and directories in their
// order, and nothing else anywhere on the machine. `--thaw-ancestors` is tested on the model, because here killed
// processes can always be moved out (test/kill/moves/frozen-ancestors.test.ts).

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import {
  canStage,
  isFrozen,
  liveMembers,
  makeCgroup,
  mountPoint,
  startAdversary,
  startLeaderless,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { runCgkill } from "../support/run-cgkill.ts";

const isTraceable = Bun.which("strace") !== null && canStage("v1") && canStage("v2");
if (!isTraceable) console.warn("left out: what is written, by strace (not installed, or no cgroups available)");

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const CALLS =
  "openat,open,openat2,creat,write,pwrite64,writev,mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,truncate";
const OPENED = /^\d+ +open\w*\(.*?"([^"]*)".*O_(?:WRONLY|RDWR|CREAT)/;
const WRITTEN = /^\d+ +p?writev?\w*\(\d+<(\/[^>]*)>, "([^"]*)"/;
const DIRECTORY = /^\d+ +(mkdir|rmdir|unlink|rename|truncate)\w*\(.*?"([^"]*)"(, AT_REMOVEDIR)?/;

let traced = 0;

/** Run cgkill under strace. @returns what it wrote: `file=value`, `mkdir name`, `rmdir name`; pids are PID */
async function writesOf(args: readonly string[], under: readonly string[] = []): Promise<string[]> {
  const log = `${scratch}/${++traced}`;
  const strace = ["strace", "-f", "-qq", "-y", "-e", `trace=${CALLS}`, "-o", log];
  const ran = await runCgkill(args, { under: [...under, ...strace] });
  // In a pid namespace it only says that a kept v1 cgroup is not proven empty.
  expect(ran).toMatchObject({ code: 0, stderr: expect.stringMatching(/^(.*not proven empty.*\n)?$/) });
  const lines = readFileSync(log, "utf8").split("\n");
  const short = (path: string): string =>
    path
      .split("/")
      .at(-1)
      ?.replace(/(?<=^cgkill-trap-)\d+(-\d+)?$/, "PID") ?? path;
  const seen = lines.flatMap((line) => {
    const [, file = "", value = ""] = WRITTEN.exec(line) ?? [];
    if (file !== "") return [`${short(file)}=${value.replace(/^[1-9]\d+$/, "PID")}`];
    const [, call, path = "", isRemoved] = DIRECTORY.exec(line) ?? [];
    return call === undefined ? [] : [`${isRemoved === undefined ? call : "rmdir"} ${short(path)}`];
  });
  // Every file that was opened for writing was written.
  const opened = lines.flatMap((line) => OPENED.exec(line)?.[1] ?? []).map(short);
  const files = new Set(seen.filter((entry) => entry.includes("=")).map((entry) => entry.replace(/=.*/, "")));
  expect(new Set(opened)).toEqual(files);
  for (const entry of seen) everything.add(entry.replace(/cgkill-test-\S+/, "NAME"));
  const [first, ...rest] = seen;
  expect(first).toBe("oom_score_adj=-1000");
  return rest;
}

const everything = new Set<string>();

describe.if(isTraceable)("what is written", () => {
  test("method kill", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = startAdversary("sleepers", 2, cgroup.dir);
    await until("two", () => liveMembers(cgroup.dir).length === 2);
    expect(await writesOf([cgroup.dir, "-q"])).toEqual(["cgroup.kill=1"]);
  });

  test("method kill, with a member that cgroup.kill misses", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startLeaderless(cgroup.dir, 1);
    const seen = await writesOf([cgroup.dir, "-q"]);
    expect([...new Set(seen)]).toEqual(["cgroup.kill=1", "cgroup.freeze=1", "cgroup.freeze=0"]);
    expect(seen.at(-1)).toBe("cgroup.freeze=0");
  });

  test("stepping aside, and removal from the bottom up", async () => {
    await using cgroup = makeCgroup("v2");
    mkdirSync(`${cgroup.dir}/below`);
    await using spared = await startSleeper(cgroup.dir);
    const seen = await writesOf(["-q", "-r", "--spare", String(spared.pid), cgroup.dir]);
    const name = cgroup.dir.split("/").at(-1);
    expect(seen).toEqual(["cgroup.procs=PID", "cgroup.kill=1", "rmdir below", `rmdir ${name}`]);
  });

  test("freezing and thawing on v2", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = startAdversary("sleepers", 2, cgroup.dir);
    await until("two", () => liveMembers(cgroup.dir).length === 2);
    expect(await writesOf(["freeze", "-q", cgroup.dir])).toEqual(["cgroup.freeze=1"]);
    expect(await writesOf(["thaw", "-q", cgroup.dir])).toEqual(["cgroup.freeze=0"]);
    expect(await writesOf(["-q", "-m", "freezer", cgroup.dir])).toEqual(["cgroup.freeze=1", "cgroup.freeze=0"]);
  });

  test("the freezer of v1, with one frozen on its own below", async () => {
    await using cgroup = makeCgroup("v1");
    const below = `${cgroup.dir}/below`;
    mkdirSync(below);
    await using _ = startAdversary("sleepers", 2, below);
    await until("two", () => liveMembers(below).length === 2);
    write(`${below}/freezer.state`, "FROZEN");
    await until("frozen", () => isFrozen(below));
    const name = cgroup.dir.split("/").at(-1);
    const states = ["FROZEN", "THAWED", "THAWED"].map((state) => `freezer.state=${state}`);
    expect(await writesOf(["-q", cgroup.dir])).toEqual([...states, "rmdir below", `rmdir ${name}`]);
  });

  test("cgkill freeze and thaw on v1", async () => {
    await using cgroup = makeCgroup("v1");
    await using _ = await startSleeper(cgroup.dir);
    expect(await writesOf(["freeze", "-q", cgroup.dir])).toEqual(["freezer.state=FROZEN"]);
    expect(await writesOf(["thaw", "-q", cgroup.dir])).toEqual(["freezer.state=THAWED"]);
  });

  const memory = canStage("memory");
  test.if(memory)("sweep, with the freezer as a trap", async () => {
    await using cgroup = makeCgroup("memory");
    await using _ = await startSleeper(cgroup.dir);
    const seen = await writesOf(["-q", "--keep", cgroup.dir]);
    const made = ["mkdir cgkill-trap-PID", "freezer.state=FROZEN", "mkdir 1"];
    const used = ["cgroup.procs=PID", "freezer.state=THAWED"];
    expect([...new Set(seen)]).toEqual([...made, ...used, "rmdir 1", "rmdir cgkill-trap-PID"]);
  });

  const pids = canStage("pids");
  test.if(pids)("sweep, where no freezer is mounted", async () => {
    await using cgroup = makeCgroup("pids");
    await using _ = await startSleeper(cgroup.dir);
    const script = `umount -l ${mountPoint("v1")} && exec "$@"`;
    const under = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", script, "sh"];
    expect(await writesOf(["-q", "--keep", cgroup.dir], under)).toEqual(["pids.max=0", "pids.max=max"]);
  });

  test("killed members that are frozen in v1", async () => {
    await using cgroup = makeCgroup("v2");
    await using ice = makeCgroup("v1");
    await using held = await startSleeper(cgroup.dir);
    write(`${ice.dir}/cgroup.procs`, String(held.pid));
    write(`${ice.dir}/freezer.state`, "FROZEN");
    await until("frozen", () => isFrozen(ice.dir));
    const seen = await writesOf(["-q", cgroup.dir]);
    expect([...new Set(seen)]).toEqual(["cgroup.kill=1", "cgroup.freeze=1", "cgroup.freeze=0", "cgroup.procs=PID"]);
  });

  test("--all-hierarchies", async () => {
    await using cgroup = makeCgroup("v1");
    const twin = `${mountPoint(pids ? "pids" : "v1")}${cgroup.dir.slice(mountPoint("v1")?.length)}`;
    mkdirSync(twin, { recursive: true });
    const seen = await writesOf(["-q", "--all-hierarchies", cgroup.dir]);
    const removals = seen.filter((entry) => entry.startsWith("rmdir"));
    expect(removals).toEqual(Array(pids ? 2 : 1).fill(`rmdir ${cgroup.dir.split("/").at(-1)}`));
  });

  // Last, because it compares everything that was recorded above.
  test("the table of the manual has exactly these files and values", () => {
    const manual = readFileSync(`${import.meta.dir}/../../scripts/release/man/manual.md`, "utf8");
    const table = manual.slice(manual.indexOf("## FILES"), manual.indexOf("## ENVIRONMENT"));
    const rows = table.split("\n").filter((line) => line.startsWith("| "));
    const cells = rows.map((row) => row.split("|").map((cell) => cell.trim()));
    const named = cells.flatMap((row) => row[1]?.match(/(?<=[`/])[a-z]+[._][a-z_]+(?=`)/g) ?? []);
    const written = [...everything].filter((entry) => entry.includes("="));
    expect(new Set(written.map((entry) => entry.replace(/=.*/, "")))).toEqual(
      new Set(named.filter((file) => file !== "init.scope")),
    );
    const values = [
      "cgroup.kill=1",
      "cgroup.freeze=1",
      "cgroup.freeze=0",
      "cgroup.procs=PID",
      "pids.max=0",
      "pids.max=max",
    ];
    const states = ["freezer.state=FROZEN", "freezer.state=THAWED", "oom_score_adj=-1000"];
    expect(new Set(written)).toEqual(new Set([...values, ...states]));
    const directories = [...everything].filter((entry) => !entry.includes("="));
    expect(new Set(directories)).toEqual(
      new Set([
        ...["mkdir cgkill-trap-PID", "mkdir 1", "rmdir 1", "rmdir cgkill-trap-PID"],
        ...["rmdir NAME", "rmdir below"],
      ]),
    );
  });
});
