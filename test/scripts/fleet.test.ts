// The playbook of scripts/fleet on several hosts at once. Each host is this machine, with its own cgroup.

import { afterAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, liveMembers, makeCgroup, startSleeper, until } from "../support/real-cgroup.ts";
import { BINARY } from "../support/run-cgkill.ts";
import { startTraced } from "../support/traced.ts";

const PLAYBOOK = `${import.meta.dir}/../../scripts/fleet/cgkill.yml`;
const playbook = Bun.which("ansible-playbook");
if (playbook === null) console.warn("left out: the playbook (ansible-playbook is not installed)");

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Variables = Readonly<Record<string, unknown>>;
type Document = Readonly<Record<string, unknown>>;
type Reported = {
  readonly exit_status: number;
  readonly documents: readonly Document[];
  readonly stderr: string;
} | null;

interface Played {
  readonly code: number;
  readonly output: string;
  readonly hosts: () => Readonly<Record<string, Reported>>;
}

let played = 0;
async function play(hosts: Readonly<Record<string, Variables>>, variables: Variables = {}): Promise<Played> {
  const at = `${scratch}/${++played}`;
  const all = {
    ansible_connection: "local",
    ansible_python_interpreter: Bun.which("python3"),
    cgkill_binary: BINARY,
    cgkill_into: `${at}-cgkill`,
    cgkill_report: `${at}-report.json`,
    ...variables,
  };
  writeFileSync(`${at}.yml`, JSON.stringify({ cgkill: { hosts, vars: all } }));
  const child = Bun.spawn([String(playbook), "-i", `${at}.yml`, PLAYBOOK], {
    env: { PATH: process.env["PATH"] ?? "", HOME: scratch, LC_ALL: "C.UTF-8", ANSIBLE_NOCOLOR: "1" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return {
    code: await child.exited,
    output: stdout + stderr,
    hosts: () => (JSON.parse(readFileSync(`${at}-report.json`, "utf8")) as { hosts: Record<string, Reported> }).hosts,
  };
}

/** The message of the last task for a host; "" if the host is ok. */
function failureOf({ output }: Played, host: string): string {
  return new RegExp(`^fatal: \\[${host}\\].*$(?:\\n(?!fatal|\\n|PLAY).*)*`, "m").exec(output)?.[0] ?? "";
}

if (playbook !== null && canStage("v1") && canStage("v2")) {
  test("several hosts at once: the report has every host, and each succeeds or fails for its own reason", async () => {
    await using killed = makeCgroup("v2");
    await using first = makeCgroup("v1");
    await using second = makeCgroup("v2");
    await using held = makeCgroup("v2");
    await using _killed = await startSleeper(killed.dir);
    await using _first = await startSleeper(first.dir);
    await using _held = await startTraced(held.dir);
    const result = await play({
      killed: { cgkill_cgroup: killed.dir },
      two: { cgkill_cgroup: [first.dir, second.dir] },
      missing: { cgkill_cgroup: "cgkill-test-nobody" },
      forgiven: { cgkill_cgroup: "cgkill-test-nobody", cgkill_args: ["--ignore-missing"] },
      refused: { cgkill_cgroup: "/" },
      held: { cgkill_cgroup: held.dir, cgkill_args: ["-t", "500ms"] },
    });
    const hosts = result.hosts();
    const told = Object.entries(hosts).map(([name, host]) => [
      name,
      host?.exit_status,
      ...(host?.documents.map(({ outcome }) => outcome) ?? []),
    ]);
    expect(told.sort()).toEqual([
      ["forgiven", 0, "missing"],
      ["held", 6, "survivors"],
      ["killed", 0, "killed"],
      ["missing", 3, "not-found"],
      ["refused", 4, "refused"],
      ["two", 0, "killed", "empty"],
    ]);
    expect(hosts["killed"]?.documents[0]).toMatchObject({ schema: 1, killed_count: 1, path: killed.dir });
    expect(failureOf(result, "killed") + failureOf(result, "two") + failureOf(result, "forgiven")).toBe("");
    expect(failureOf(result, "missing")).toContain("exit status 3: no such cgroup");
    expect(failureOf(result, "refused")).toContain("exit status 4: refused");
    const [survivor] = hosts["held"]?.documents[0]?.["survivors"] as Document[];
    process.kill(survivor?.["tracer_pid"] as number, "SIGKILL");
    expect(failureOf(result, "held")).toContain("exit status 6: processes survive");
    expect(failureOf(result, "held")).toContain(`survives: pid ${survivor?.["pid"]} `);
    expect(failureOf(result, "held")).toContain(": traced;");
    const kill = /TASK \[Kill\][^]*?TASK/.exec(result.output)?.[0] ?? "";
    expect(kill.match(/^changed: \[\w+\]/gm)?.sort()).toEqual(["changed: [killed]", "changed: [two]"]);
    expect(result.code).toBe(2);
    expect([...liveMembers(killed.dir), ...liveMembers(first.dir)]).toEqual([]);
  });

  test("a binary with the wrong sum is neither copied nor run", async () => {
    await using cgroup = makeCgroup("v2");
    await using sleeper = await startSleeper(cgroup.dir);
    const wrong = await play({ host: { cgkill_cgroup: cgroup.dir } }, { cgkill_sha256: "0".repeat(64) });
    expect(failureOf(wrong, "host")).toContain("SHA-256");
    expect(wrong.code).toBe(2);
    expect(liveMembers(cgroup.dir)).toEqual([sleeper.pid]);
    const sha256 = Bun.SHA256.hash(await Bun.file(BINARY).bytes(), "hex");
    const right = await play({ host: { cgkill_cgroup: cgroup.dir } }, { cgkill_sha256: sha256 });
    expect(right.hosts()["host"]?.exit_status).toBe(0);
    expect(right.code).toBe(0);
  });

  test("a process name that is not UTF-8 and looks like a template is reported unchanged by a dry run", async () => {
    await using cgroup = makeCgroup("v2");
    const program = Buffer.concat([Buffer.from(`${scratch}/{{1+1}}"`), Buffer.from([0xff])]);
    copyFileSync("/bin/sleep", program);
    // The shell passes the byte on unchanged; a string here would encode it.
    const child = Bun.spawn([
      "sh",
      "-c",
      `echo $$ > "$1/cgroup.procs"; exec '${scratch}/{{1+1}}"'* 1000`,
      "sh",
      cgroup.dir,
    ]);
    await until("the odd name", () => readFileSync(`/proc/${child.pid}/comm`, "latin1").startsWith("{{"));
    const result = await play({ host: { cgkill_cgroup: cgroup.dir, cgkill_args: ["--dry-run"] } });
    expect(JSON.stringify(result.hosts()["host"]?.documents[0])).toContain('{{1+1}}\\"\\udcff');
    expect(result.code).toBe(0);
    expect(liveMembers(cgroup.dir)).toEqual([child.pid]);
  });
}
