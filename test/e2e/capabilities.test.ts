// Which capabilities uid 0 needs for what: the table in test/README.md, on the compiled binary with a reduced bounding
// set. The target has a process of another user. `test/scripts/job.test.ts` has the kills that remove.

import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";

import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import { canBeNobody, delegate, startAsNobody } from "../support/nobody.ts";
import { canStage, isAlive, isFrozen, liveMembers, makeCgroup, until, type Which } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";
import { startStandby } from "../support/standby.ts";

type Owner = "root" | "delegated";
type Names = readonly string[];

/** Prefix of a command that runs as uid 0 with these capabilities only. */
const withOnly = (names: Names): readonly string[] => [
  ...["setpriv", "--no-new-privs", `--bounding-set=${["-all", ...names.map((name) => `+${name}`)].join(",")}`],
  ...["--inh-caps=-all", "--ambient-caps=-all"],
];

interface Tried {
  readonly dir: string;
  /** A directory beside the target, with the same owner. */
  readonly aside: string;
  readonly pid: number;
  readonly run: (
    argv: readonly string[],
    names: Names,
    before?: readonly string[],
  ) => Promise<{ readonly code: number | null; readonly document: Record<string, unknown>; readonly stderr: string }>;
}

async function on(which: Which, owner: Owner, work: (tried: Tried) => Promise<void>): Promise<void> {
  await using top = makeCgroup(which);
  const [dir, aside] = [`${top.dir}/job`, `${top.dir}/aside`];
  for (const each of [dir, aside]) mkdirSync(each);
  if (owner === "delegated") for (const each of [top.dir, dir, aside]) delegate(each);
  await using sleeper = await startAsNobody(dir);
  await work({
    dir,
    aside,
    pid: sleeper.pid,
    async run(argv, names, before = []) {
      const under = [...before, ...withOnly(names)];
      const { code, stdout, stderr } = await runCgkill(["-q", "--json", "-t", "5s", ...argv, dir], { under });
      return { code, document: documents(stdout)[0] ?? {}, stderr };
    },
  });
}

const can = canBeNobody() && canStage("v1") && canStage("v2") && canStage("memory");

describe.if(can)("uid 0 without any capability", () => {
  test("v2: kill --keep needs none in a cgroup of root", () =>
    on("v2", "root", async ({ run, pid }) => {
      expect(await run(["--keep"], [])).toMatchObject({ code: 0, document: { outcome: "killed", proven: true } });
      expect(isAlive(pid)).toBe(false);
    }));

  test("v2: kill --keep needs CAP_DAC_OVERRIDE in a delegated one, and only that", () =>
    on("v2", "delegated", async ({ run, pid, dir }) => {
      expect(await run(["--keep"], ["kill"])).toMatchObject({
        code: 5,
        document: { outcome: "denied", error: { errno: "EACCES", path: `${dir}/cgroup.kill` } },
      });
      expect(isAlive(pid)).toBe(true);
      expect(await run(["--keep"], ["dac_override"])).toMatchObject({ code: 0, document: { outcome: "killed" } });
      expect(isAlive(pid)).toBe(false);
    }));

  test.each(["v1", "v2"] as const)("%s: freeze and thaw need none in a cgroup of root", (which) =>
    on(which, "root", async ({ run, dir }) => {
      expect(await run(["freeze"], [])).toMatchObject({ code: 0, document: { outcome: "frozen" } });
      expect(isFrozen(dir)).toBe(true);
      expect(await run(["thaw"], [])).toMatchObject({ code: 0, document: { outcome: "thawed" } });
      expect(isFrozen(dir)).toBe(false);
    }),
  );

  test.each(["v1", "v2"] as const)("%s: freeze and thaw need CAP_DAC_OVERRIDE in a delegated one", (which) =>
    on(which, "delegated", async ({ run, dir }) => {
      expect(await run(["freeze"], ["kill"])).toMatchObject({ code: 5, document: { error: { errno: "EACCES" } } });
      expect(isFrozen(dir)).toBe(false);
      expect(await run(["freeze"], ["dac_override"])).toMatchObject({ code: 0 });
      expect(await run(["thaw"], ["kill"])).toMatchObject({ code: 5, document: { error: { errno: "EACCES" } } });
      expect(await run(["thaw"], ["dac_override"])).toMatchObject({ code: 0 });
      expect(isFrozen(dir)).toBe(false);
    }),
  );

  test.each([
    [[], 0],
    [["kill"], 1],
  ] as const)("v2: --grace with %j: the kill is done, and the first signal ends %i of another user", (names, ended) =>
    on("v2", "root", async ({ run, pid }) => {
      const ran = await run(["--keep", "-g", "300ms"], names);
      expect(ran).toMatchObject({ code: 0, document: { outcome: "killed", killed_count: 1, ended_by_grace: ended } });
      expect(isAlive(pid)).toBe(false);
    }),
  );

  test.each(["root", "delegated"] as const)(
    "sweep --keep in a cgroup that is %s's needs CAP_KILL, and only that",
    (owner) =>
      on("memory", owner, async ({ run, pid }) => {
        expect(await run(["--keep"], ["dac_override"])).toMatchObject({
          code: 5,
          document: { outcome: "denied", method: "sweep", survivors: [{ pid, reason: "not-permitted" }] },
        });
        expect(isAlive(pid)).toBe(true);
        expect(await run(["--keep"], ["kill"])).toMatchObject({ code: 0, document: { outcome: "killed" } });
        expect(isAlive(pid)).toBe(false);
      }),
  );

  test.each(["v1", "v2"] as const)("%s: signal needs CAP_KILL, and only that", (which) =>
    on(which, "delegated", async ({ run, pid }) => {
      expect(await run(["signal", "HUP"], ["dac_override"])).toMatchObject({ code: 5, document: { signalled: [] } });
      expect(isAlive(pid)).toBe(true);
      expect(await run(["signal", "HUP"], ["kill"])).toMatchObject({ code: 0, document: { signalled: [{ pid }] } });
    }),
  );

  test.each(["v1", "v2"] as const)("%s: --spare needs none where the destination is root's", (which) =>
    on(which, "delegated", async ({ run, pid, dir }) => {
      const ran = await run(["freeze", "--spare", `${pid}`], []);
      // Then the freeze itself is denied.
      expect(ran).toMatchObject({ code: 5, document: { spared: [{ pid, cgroup: "/" }], error: { errno: "EACCES" } } });
      expect([liveMembers(dir), isFrozen(dir)]).toEqual([[], false]);
    }),
  );

  test.each(["v1", "v2"] as const)("%s: --spare needs CAP_DAC_OVERRIDE to a delegated one", (which) =>
    on(which, "delegated", async ({ run, pid, aside }) => {
      const argv = ["freeze", "--spare", `${pid}`, "--spare-to", aside];
      expect(await run(argv, ["dac_override"])).toMatchObject({ code: 0, document: { spared: [{ pid }] } });
      expect(liveMembers(aside)).toEqual([pid]);
    }),
  );

  test.each(["v1", "v2"] as const)("%s: looking beneath a mount inside the target needs CAP_SYS_ADMIN", (which) =>
    on(which, "root", async ({ run, pid, dir }) => {
      mkdirSync(`${dir}/child`);
      const before = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", `mount -t tmpfs none ${dir}/child && exec "$@"`, "sh"];
      const without = await run(["--keep"], ["kill", "dac_override"], before);
      expect(without).toMatchObject({ code: 4, document: { error: { code: "covered" } } });
      expect(isAlive(pid)).toBe(true);
      expect(await run(["--keep"], ["kill", "sys_admin"], before)).toMatchObject({ code: 0 });
      expect(isAlive(pid)).toBe(false);
    }),
  );

  test.each(["v1", "v2"] as const)(
    "%s: run needs none below a cgroup of root, and kills what it started",
    async (which) => {
      await using top = makeCgroup(which);
      const argv = ["run", "--in", top.dir, "--", "sh", "-c", "sleep 100 & exit 3"];
      expect(await runCgkill(argv, { under: withOnly([]) })).toMatchObject({ code: 3 });
      expect(liveMembers(top.dir)).toEqual([]);
    },
  );

  test("run needs CAP_DAC_OVERRIDE below a delegated one", async () => {
    await using top = makeCgroup("v2");
    delegate(top.dir);
    const argv = ["run", "--in", top.dir, "--", "true"];
    expect(await runCgkill(argv, { under: withOnly(["kill"]) })).toMatchObject({ code: 125 });
    expect(await runCgkill(argv, { under: withOnly(["dac_override"]) })).toMatchObject({ code: 0 });
  });

  const LACKS = {
    ipc_lock: "memory is not locked",
    // The root directory of a hierarchy has mode 555.
    dac_override: "not warmed up",
    sys_nice: "no higher priority",
    sys_resource: "not exempt from the OOM killer",
  } as const;
  const bits = { dac_override: 1n, ipc_lock: 14n, sys_nice: 23n, sys_resource: 24n };
  const ours = BigInt(`0x${/^CapBnd:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]}`);
  const had = Object.entries(bits).flatMap(([name, bit]) => (((ours >> bit) & 1n) === 1n ? [name] : []));
  for (const name of Object.keys(bits)) if (!had.includes(name)) console.warn(`left out: standby with ${name}`);

  test.each([[[]], ...had.map((name) => [[name]])])(
    "standby with %j: what it lacks is said, and a name is acted on",
    (names: Names) =>
      on("v2", "root", async ({ dir, pid }) => {
        await using standby = startStandby(withOnly(names));
        const lacking = Object.entries(LACKS).filter(([name]) => !names.includes(name));
        const lines = (): readonly string[] => standby.said().split("\n").filter(Boolean);
        await until("its messages", () => lines().length >= lacking.length);
        expect(lines()).toEqual(lacking.map(([, lack]) => expect.stringContaining(`standby: ${lack}`)));
        expect(await standby.asks(dir)).toMatchObject({ outcome: "killed" });
        expect(isAlive(pid)).toBe(false);
        expect((await standby.ends()).code).toBe(0);
      }),
  );
});
