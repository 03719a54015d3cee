// A FUSE file system whose server is dead, or reads requests and never answers, is mounted over a child of the target.
// cgkill must not access it: any access would block in the kernel, in spite of SIGKILL, until the server ends.

import { describe, expect, test } from "bun:test";

import { startBlocked } from "../support/blocked.ts";
import {
  BOTH,
  type Capability,
  expectKilled,
  expectKilledOrRefused,
  expectRefused,
  makeScene,
  runAmong,
  type Scene,
  without,
} from "../support/mounts.ts";
import { canStage, isFrozen } from "../support/real-cgroup.ts";
import { BINARY, documents, type Ran } from "../support/run-cgkill.ts";

const ANSWERS_WITHIN_MS = 2000;

/** Run the binary in the mount namespace of a process. If it is late, the server is killed to unblock it. */
async function runBeside(
  server: number,
  args: readonly string[],
  capabilities: readonly Capability[] = [],
): Promise<Ran> {
  const enter = ["nsenter", "-t", String(server), "-m", ...without(capabilities)];
  const child = Bun.spawn([...enter, BINARY, ...args], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
    process.kill(server, "SIGKILL");
  }, ANSWERS_WITHIN_MS);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  clearTimeout(timer);
  if (isLate) throw new Error(`no answer within ${ANSWERS_WITHIN_MS} ms: ${stdout}${stderr}`);
  return { code: child.exitCode, signal: null, stdout, stderr };
}

/**
 * Start a server that never answers, mounted over the child `c` in a private mount namespace. Its only client blocks in
 * the foreign cgroup.
 *
 * @returns its pid; it is killed with the stack
 */
async function startServer(scene: Scene, stack: AsyncDisposableStack): Promise<number> {
  return stack.use(await startBlocked(scene.foreign, `${scene.target}/c`)).server;
}

/** Mount it and close the server's descriptor: the kernel then answers ENOTCONN. */
const DEAD = `exec 9<>/dev/fuse
  mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 dead $T/c
  exec 9>&-`;

const KILL = ["--json", "--keep", "-t", "1s"];

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version) && canStage("v1") && canStage("pids"))(
    `a FUSE mount over a child on ${version}`,
    () => {
      test("its server never answers: show, list, freeze, thaw and kill act on the true cgroups, in time", async () => {
        await using scene = await makeScene(version);
        await using stack = new AsyncDisposableStack();
        const server = await startServer(scene, stack);
        const members = Object.values(scene.members);

        const shown = await runBeside(server, ["show", "--json", scene.target]);
        expect(documents(shown.stdout)).toMatchObject([{ procs_subtree: members.length }]);
        const listed = await runBeside(server, ["list", "--json", scene.target]);
        expect(documents(listed.stdout).find(({ path }) => path === `${scene.target}/c`)).toMatchObject({ procs: 1 });
        const frozen = await runBeside(server, ["freeze", "--json", scene.target]);
        expect([frozen.code, isFrozen(scene.target)]).toEqual([0, true]);
        const thawed = await runBeside(server, ["thaw", "--json", scene.target]);
        expect([thawed.code, isFrozen(scene.target)]).toEqual([0, false]);
        expectKilled(scene, await runBeside(server, [...KILL, scene.target]), members);
      });

      test.each([["show", "--json"], ["freeze", "--json"], ["thaw", "--json"], KILL])(
        "its server never answers: without the right to look beneath it is refused in time (%s)",
        async (...args) => {
          await using scene = await makeScene(version);
          await using stack = new AsyncDisposableStack();
          const server = await startServer(scene, stack);
          expectRefused(scene, await runBeside(server, [...args, scene.target], BOTH), `${scene.target}/c`);
        },
      );

      test("its server never answers: list answers in time without the right to look beneath", async () => {
        await using scene = await makeScene(version);
        await using stack = new AsyncDisposableStack();
        const server = await startServer(scene, stack);
        const ran = await runBeside(server, ["list", "--json", scene.target], BOTH);
        expect([0, 4]).toContain(ran.code as number);
        expect(ran.stdout + ran.stderr).toContain(`${scene.target}/c`);
      });

      test("its server never answers, and the covered child is named: killed or refused, in time", async () => {
        await using scene = await makeScene(version);
        await using stack = new AsyncDisposableStack();
        const server = await startServer(scene, stack);
        const ran = await runBeside(server, [...KILL, `${scene.path}/c`]);
        expectKilledOrRefused(scene, ran, [scene.members.c, scene.members.d], `${scene.target}/c`);
      });

      // Regression: it was asked whether it has a directory of that name.
      test("its server never answers, and a name below it is given: refused, in time", async () => {
        await using scene = await makeScene(version);
        await using stack = new AsyncDisposableStack();
        const server = await startServer(scene, stack);
        const args = [...KILL, "--ignore-missing", `${scene.target}/c/nowhere`];
        expectRefused(scene, await runBeside(server, args), `${scene.target}/c`);
      });

      test("its server is dead: the true members die", async () => {
        await using scene = await makeScene(version);
        const ran = await runAmong(scene, { mounts: DEAD }, [...KILL, scene.target]);
        expectKilled(scene, ran, Object.values(scene.members));
      });

      test("its server is dead: refused without the right to look beneath", async () => {
        await using scene = await makeScene(version);
        const ran = await runAmong(scene, { mounts: DEAD, without: BOTH }, [...KILL, scene.target]);
        expectRefused(scene, ran, `${scene.target}/c`);
      });
    },
  );
}
