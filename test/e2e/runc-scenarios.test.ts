// The scenarios of runc's own tests of kill, delete and pause, rewritten with cgkill as the killer: afterwards runc
// agrees that the container is stopped, and deletes it without force.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { type Bundle, destroyEverywhere, has, type Ran, run, start, writeBundle } from "../support/containers.ts";
import { cannotStage, type Layout, pointIn } from "../support/layout.ts";
import { canStage, isAlive, liveMembers, mountPoint, until } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const HOSTS: ReadonlyArray<{ readonly version: "v1" | "v2"; readonly layout: Layout }> = [
  { version: "v1", layout: "as-is" },
  { version: "v2", layout: "unified" },
];

let made = 0;

interface Container extends AsyncDisposable {
  readonly name: string;
  /** Its cgroup, as a client in the layout and as this test sees it. */
  readonly inside: string;
  readonly outside: string;
  readonly runc: (...args: readonly string[]) => Ran;
  readonly status: () => string;
}

async function startContainer(
  { version, layout }: (typeof HOSTS)[number],
  count: number,
  bundle: Omit<Bundle, "cgroup"> = {},
): Promise<Container> {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const name = `cgkill-test-${process.pid}-runc-${++made}`;
  const argv = ["runc", "--root", `${scratch}/state`];
  const runc = (...args: readonly string[]): Ran => run(layout, [...argv, ...args]);
  const outside = `${mountPoint(version)}/${name}`;
  writeBundle(scratch, { cgroup: `/${name}`, ...bundle });
  expect(start(layout, [...argv, "run", "--detach", "--bundle", scratch, name], `${scratch}/log`)).toBe("");
  await until("its processes", () => liveMembers(outside).length === count);
  return {
    name,
    inside: `${pointIn(layout, version)}/${name}`,
    outside,
    runc,
    status: () => JSON.parse(runc("state", name).stdout).status,
    async [Symbol.asyncDispose]() {
      await destroyEverywhere(name);
      runc("delete", "--force", name);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

for (const host of HOSTS) {
  const { version, layout } = host;
  const problem = cannotStage(layout);
  if (problem !== undefined) console.warn(`left out: the scenarios of runc on ${version} (${problem})`);

  describe.if(has("runc") && canStage(version) && problem === undefined)(`runc on ${version}`, () => {
    const killed = async ({ inside, outside }: Container, options: readonly string[] = []) => {
      const pids = liveMembers(outside);
      const { code, stdout, stderr } = await runCgkill(["--json", ...options, inside], { layout });
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      await until("their death", () => !pids.some(isAlive));
      return documents(stdout)[0];
    };
    const deleted = async (container: Container): Promise<void> => {
      await until("runc to report it as stopped", () => container.status() === "stopped");
      expect(container.runc("delete", container.name)).toMatchObject({ code: 0 });
      expect(existsSync(container.outside)).toBe(false);
    };

    test("kill: a detached container", async () => {
      await using container = await startContainer(host, 3);
      expect(container.status()).toBe("running");
      expect(await killed(container)).toMatchObject({ outcome: "killed", killed_count: 3 });
      await deleted(container);
    });

    test("kill: its init ignores TERM, which is sent first", async () => {
      await using container = await startContainer(host, 2, { script: "trap '' TERM; sleep 1000 & wait; sleep 1000" });
      const outcome = await killed(container, ["--grace", "200ms"]);
      expect(outcome).toMatchObject({ outcome: "killed" });
      await deleted(container);
    });

    test("kill: a container in the pid namespace of the host", async () => {
      await using container = await startContainer(host, 3, { sharesPids: true });
      expect(await killed(container)).toMatchObject({ killed_count: 3 });
      await deleted(container);
    });

    test("kill: a container in the pid namespace of the host whose init is gone, while others are alive", async () => {
      await using container = await startContainer(host, 3, { sharesPids: true });
      const { pid } = JSON.parse(container.runc("state", container.name).stdout);
      process.kill(pid, "SIGKILL");
      await until("the death of init", () => liveMembers(container.outside).length === 2);
      expect(container.status()).toBe("stopped");
      expect(await killed(container)).toMatchObject({ killed_count: 2 });
      await deleted(container);
    });

    test("kill: a second time, and after runc has deleted the container", async () => {
      await using container = await startContainer(host, 3);
      await killed(container, ["--keep"]);
      expect((await killed(container, ["--keep"]))?.["outcome"]).toBe("empty");
      await deleted(container);
      const { code, stdout } = await runCgkill(["kill", "--json", container.inside], { layout });
      expect([code, documents(stdout)[0]?.["outcome"]]).toEqual([3, "not-found"]);
      expect((await runCgkill(["--ignore-missing", container.inside], { layout })).code).toBe(0);
    });

    test("delete: cgroups with processes below that of the container", async () => {
      await using container = await startContainer(host, 3);
      const pids = liveMembers(container.outside);
      for (const [index, name] of ["a", "a/b"].entries()) {
        mkdirSync(`${container.outside}/${name}`);
        await Bun.write(`${container.outside}/${name}/cgroup.procs`, String(pids[index]));
      }
      expect(await killed(container)).toMatchObject({ killed_count: 3 });
      await deleted(container);
    });

    test("pause: a paused container is killed without being resumed", async () => {
      await using container = await startContainer(host, 3);
      expect(container.runc("pause", container.name)).toMatchObject({ code: 0 });
      expect(container.status()).toBe("paused");
      expect(await killed(container)).toMatchObject({ killed_count: 3 });
      await deleted(container);
    });

    test("pause and resume: runc resumes what cgkill froze, and cgkill thaws what runc paused", async () => {
      await using container = await startContainer(host, 3);
      const cgkill = async (verb: string): Promise<void> =>
        expect(await runCgkill([verb, container.inside], { layout })).toMatchObject({ code: 0 });
      await cgkill("freeze");
      expect(container.status()).toBe("paused");
      expect(container.runc("resume", container.name)).toMatchObject({ code: 0 });
      expect(container.status()).toBe("running");
      expect(container.runc("pause", container.name)).toMatchObject({ code: 0 });
      await cgkill("thaw");
      expect(container.status()).toBe("running");
      expect(await killed(container)).toMatchObject({ killed_count: 3 });
      await deleted(container);
    });
  });
}
