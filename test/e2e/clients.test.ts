// Containers of real runtimes, killed from outside: the runtime then finds them gone and cleans up.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { destroyEverywhere, has, type Ran, run, start, SYSTEM, writeBundle } from "../support/containers.ts";
import { cannotStage, dirIn, inLayout, type Layout, pointIn } from "../support/layout.ts";
import { canStage, isAlive, liveMembers, makeCgroup, mountPoint, startSleeper, until } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

type Version = "v1" | "v2";

/** The layouts for each client. The host is hybrid as it is, where runc uses v1 and crun starts nothing. */
interface Host {
  readonly client: string;
  readonly version: Version;
  readonly layout: Layout;
}
/** Hybrid hosts: a container is in the freezer and in v2, and is killed in both. */
const HYBRID: readonly Host[] = [
  { client: "runc", version: "v1", layout: "as-is" },
  { client: "crun", version: "v1", layout: "as-is" },
];
const RUNTIMES: readonly Host[] = [
  { client: "runc", version: "v1", layout: "as-is" },
  { client: "runc", version: "v2", layout: "unified" },
  { client: "crun", version: "v1", layout: "legacy" },
  { client: "crun", version: "v2", layout: "unified" },
];
const CLIENTS: readonly Host[] = [
  { client: "podman", version: "v1", layout: "as-is" },
  { client: "podman", version: "v2", layout: "unified" },
];

function isPossible({ version, layout }: Host): boolean {
  const problem = cannotStage(layout);
  if (problem !== undefined) console.warn(`left out: clients on a host of layout ${layout} (${problem})`);
  return canStage(version) && problem === undefined;
}

/** The init of a pid namespace leaves its cgroup a moment before it is dead, because it reaps the others first. */
const untilDead = (pids: readonly number[]): Promise<void> => until("their death", () => !pids.some(isAlive));

interface Stage extends AsyncDisposable {
  readonly scratch: string;
  readonly name: string;
  /** The directory of the container's cgroup, as seen by a client in the layout and by this test. */
  readonly inside: string;
  readonly outside: string;
  readonly client: (...args: readonly string[]) => Ran;
}

let staged = 0;
function stage({ client, version, layout }: Host, argv: (scratch: string) => readonly string[]): Stage {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const name = `cgkill-test-${process.pid}-${client}-${++staged}`;
  return {
    scratch,
    name,
    inside: `${pointIn(layout, version)}/${name}`,
    outside: `${mountPoint(version)}/${name}`,
    client: (...args) => run(layout, [...argv(scratch), ...args]),
    async [Symbol.asyncDispose]() {
      // While the container exists, there are mounts in the scratch directory.
      if (client === "podman") run(layout, [...argv(scratch), "rm", "--force", "--all", "--time=0"]);
      await destroyEverywhere(name);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

for (const host of RUNTIMES) {
  const { client, version, layout } = host;
  const command = (scratch: string): string[] => [client, "--root", `${scratch}/state`];
  const stateOf = ({ code, stdout }: Ran): string => (code === 0 ? JSON.parse(stdout).status : "unknown");

  describe.if(has(client) && isPossible(host))(`${client} on ${version}`, () => {
    test("a container killed from outside is gone for its runtime too", async () => {
      await using at = stage(host, command);
      await using beside = makeCgroup(version);
      await using canary = await startSleeper(beside.dir);
      writeBundle(at.scratch, { cgroup: `/${at.name}` });
      const argv = [...command(at.scratch), "run", "--detach", "--bundle", at.scratch, at.name];
      expect(start(layout, argv, `${at.scratch}/log`)).toBe("");
      await until("three processes", () => liveMembers(at.outside).length === 3);
      const { status, pid } = JSON.parse(at.client("state", at.name).stdout);
      expect(status).toBe("running");

      const killed = await runCgkill(["--json", at.inside], { layout });
      expect(killed).toMatchObject({ code: 0, stderr: "" });
      expect(documents(killed.stdout)).toMatchObject([{ outcome: "killed", killed_count: 3 }]);
      await untilDead([pid]);
      expect(isAlive(canary.pid)).toBe(true);

      expect(stateOf(at.client("state", at.name))).toBe("stopped");
      expect(at.client("list").stdout).toMatch(new RegExp(`^${at.name} .*stopped`, "m"));
      expect(at.client("delete", at.name)).toMatchObject({ code: 0 });
      expect(stateOf(at.client("state", at.name))).toBe("unknown");
      expect(existsSync(at.outside)).toBe(false);
    });

    test("a container in a container: both are gone", async () => {
      await using at = stage(host, command);
      const inner = `${at.scratch}/inner`;
      const nested = [client, "--root", `${inner}/state`];
      const script = `${nested.join(" ")} run --detach --bundle ${inner} nested >${at.scratch}/inner.log 2>&1 && exec sleep 1000`;
      writeBundle(inner, { cgroup: `/${at.name}/inner` });
      writeBundle(at.scratch, { cgroup: `/${at.name}/outer`, script, privileged: ["/sys", at.scratch] });
      const argv = [...command(at.scratch), "run", "--detach", "--bundle", at.scratch, at.name];
      expect(start(layout, argv, `${at.scratch}/log`)).toBe("");
      // The runtime that started the inner container is gone by then.
      const count = (part: string): number => liveMembers(`${at.outside}/${part}`).length;
      await until("both", () => count("inner") === 3 && count("outer") === 1);
      const pids = liveMembers(at.outside);

      const killed = await runCgkill(["--json", at.inside], { layout });
      expect(killed).toMatchObject({ code: 0, stderr: "" });
      expect(documents(killed.stdout)).toMatchObject([{ outcome: "killed", killed_count: pids.length }]);
      await untilDead(pids);

      expect(stateOf(at.client("state", at.name))).toBe("stopped");
      expect(at.client("delete", at.name)).toMatchObject({ code: 0 });
      expect(run(layout, [...nested, "delete", "--force", "nested"])).toMatchObject({ code: 0 });
    });
  });
}

for (const host of HYBRID) {
  const { client, layout } = host;
  // crun needs all controllers in v1; it does not find those that v2 has.
  const script = `mount --bind /dev/null ${mountPoint("v2")}/cgroup.controllers && exec crun "$@"`;
  const crun = ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "crun"];
  const command = (scratch: string): string[] => [
    ...(client === "crun" ? crun : [client]),
    "--root",
    `${scratch}/state`,
  ];
  const isHybrid = mountPoint("v1") !== undefined && mountPoint("v2") !== undefined;

  describe.if(has(client) && isPossible(host) && isHybrid)(`${client} on a hybrid host`, () => {
    test.each(["running", "paused", "frozen in both"])("a container, %s, dies by --name", async (state) => {
      await using at = stage(host, command);
      writeBundle(at.scratch, { cgroup: `/${at.name}` });
      const argv = [...command(at.scratch), "run", "--detach", "--bundle", at.scratch, at.name];
      expect(start(layout, argv, `${at.scratch}/log`)).toBe("");
      await until("three processes", () => liveMembers(at.outside).length === 3);
      const pids = liveMembers(at.outside);
      if (state === "paused") expect(at.client("pause", at.name)).toMatchObject({ code: 0 });
      if (state === "frozen in both") expect(await runCgkill(["freeze", "--name", at.name])).toMatchObject({ code: 0 });

      const killed = await runCgkill(["--json", "--name", at.name]);
      const twin = { path: at.outside, method: "freezer", removed: true };
      const path = `${mountPoint("v2")}/${at.name}`;
      expect(documents(killed.stdout)).toMatchObject([
        { outcome: "killed", killed_count: 3, path, hierarchy: "v2", removed: false, proven: true, twin },
      ]);
      expect(killed.code).toBe(0);
      await untilDead(pids);

      expect(at.client("list").stdout).toMatch(new RegExp(`^${at.name} .*stopped`, "m"));
      expect(at.client("delete", at.name)).toMatchObject({ code: 0 });
      expect([existsSync(at.outside), existsSync(path)]).toEqual([false, false]);
    });
  });
}

/** The machine's own Podman is not touched: storage, locks and settings belong to the test. */
const PODMAN_CONF = `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "none"
netns = "none"
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
lock_type = "file"
runtime = "runc"
`;

for (const host of CLIENTS) {
  const { version, layout } = host;
  const command = (scratch: string): string[] => [
    "env",
    `CONTAINERS_CONF=${scratch}/containers.conf`,
    "podman",
    "--storage-driver=vfs",
    ...["root", "runroot", "tmpdir"].map((word) => `--${word}=${scratch}/${word}`),
  ];
  /** Start a container with three processes below the stage's cgroup. @returns its id, once Podman knows it too */
  const startContainer = async (at: Stage): Promise<string> => {
    mkdirSync(`${at.scratch}/rootfs`);
    writeFileSync(`${at.scratch}/containers.conf`, PODMAN_CONF);
    const volumes = SYSTEM.map((dir) => `--volume=${dir}:${dir}:ro`);
    const script = "sleep 1000 & sleep 1000 & wait";
    const argv = ["run", "-d", `--cgroup-parent=/${at.name}`, ...volumes, "--rootfs", `${at.scratch}/rootfs`];
    const log = `${at.scratch}/log`;
    expect(start(layout, [...command(at.scratch), ...argv, "sh", "-c", script], log)).toBe("");
    const id = (await Bun.file(log).text()).trim();
    expect(at.client("ps", "-q", "--no-trunc").stdout.trim()).toBe(id);
    await until("three processes", () => liveMembers(`${at.outside}/libpod-${id}`).length === 3);
    return id;
  };

  describe.if(has("podman", "runc", "conmon") && isPossible(host))(`podman on ${version}`, () => {
    test("a container and its monitor are listed with their labels, and the container is found by its id", async () => {
      await using at = stage(host, command);
      const id = await startContainer(at);
      const label = `podman ${id.slice(0, 12)}`;
      const cgroup = `/${at.name}/libpod-${id}`;
      const monitors = `/${at.name}/conmon`;
      const pid = Number(at.client("inspect", "--format={{.State.ConmonPid}}", id).stdout);
      // On v2, Podman 4.3 makes a cgroup for the monitor but does not move the monitor; an empty cgroup is not listed.
      const isThere = readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`:${monitors}\n`);
      if (version === "v1") expect(isThere).toBe(true);

      const only = ["--json", "--hierarchy", version === "v1" ? "freezer" : "v2"];
      const { code, stdout } = await runCgkill(["list", ...only], { layout });
      expect(code).toBe(0);
      const below = documents(stdout).filter((row) => String(row["cgroup"]).startsWith(`/${at.name}/`));
      const monitor = { cgroup: monitors, label: "podman monitors", procs: 1 };
      expect(below).toMatchObject([...(isThere ? [monitor] : []), { cgroup, label, procs: 3 }]);

      for (const pattern of [id.slice(0, 12), id, `libpod-${id.slice(0, 6)}*`]) {
        const shown = await runCgkill(["show", ...only, "--name", pattern], { layout });
        expect(documents(shown.stdout)).toMatchObject([{ cgroup, label, procs: 3 }]);
        expect(shown.code).toBe(0);
      }
    });

    test("a container killed by its id from outside has exited for Podman, which removes it", async () => {
      await using at = stage(host, command);
      const id = await startContainer(at);

      // On a hybrid host no other option is needed.
      const wanted = ["--json", "--name", id.slice(0, 12)];
      const killed = await runCgkill(wanted, { layout });
      expect(killed).toMatchObject({ code: 0, stderr: expect.stringContaining(`podman stop ${id.slice(0, 12)}`) });
      const twin = layout === "as-is" && mountPoint("v2") !== undefined ? { removed: true } : null;
      expect(documents(killed.stdout)).toMatchObject([{ outcome: "killed", killed_count: 3, twin }]);

      expect(at.client("wait", id)).toMatchObject({ code: 0, stdout: "137\n" });
      expect(at.client("ps", "-q").stdout).toBe("");
      expect(at.client("rm", id)).toMatchObject({ code: 0 });
      expect(at.client("ps", "-aq").stdout).toBe("");
    });

    test("their parent, killed with the monitor inside: Podman removes the container when asked twice", async () => {
      await using at = stage(host, command);
      const id = await startContainer(at);
      const pids = liveMembers(at.outside);
      const isMonitorIn = pids.length === 4;
      if (version === "v1") expect(isMonitorIn).toBe(true);

      const killed = await runCgkill(["--json", at.inside], { layout });
      expect(killed).toMatchObject({ code: 0, stderr: "" });
      expect(documents(killed.stdout)).toMatchObject([{ outcome: "killed", killed_count: pids.length }]);
      await untilDead(pids);

      // Podman 4.3 does not know of the death, so its first attempt tries to kill the dead container.
      at.client("rm", "--force", "--time=0", id);
      at.client("rm", "--force", "--time=0", id);
      expect(at.client("ps", "-aq").stdout).toBe("");
    });
  });
}

const CGEXEC: readonly Host[] = [
  { client: "cgexec", version: "v1", layout: "as-is" },
  { client: "cgexec", version: "v2", layout: "unified" },
];

for (const host of CGEXEC) {
  const { client, version, layout } = host;

  describe.if(has(client) && isPossible(host))(`${client} on ${version}`, () => {
    test("what it has started is killed, with all descendants", async () => {
      await using cgroup = makeCgroup(version);
      const where = `${version === "v1" ? "freezer" : "*"}:${cgroup.path}`;
      const argv = inLayout(layout, [client, "-g", where, "sh", "-c", "sleep 1000 & sleep 1000"]);
      const child = Bun.spawn(argv, { stdio: ["ignore", "ignore", "ignore"] });
      await until("three processes", () => liveMembers(cgroup.dir).length === 3);
      const killed = await runCgkill(["--json", dirIn(layout, version, cgroup)], { layout });
      expect(documents(killed.stdout)).toMatchObject([{ outcome: "killed", killed_count: 3 }]);
      expect(killed).toMatchObject({ code: 0, stderr: "" });
      await child.exited;
      expect(child.signalCode).toBe("SIGKILL");
    });
  });
}
