// The Kubernetes manifest asks for no more than it needs, and what it asks for is enough. There is no cluster here: the
// binary runs with the same uid, capabilities, no-new-privileges and read-only root, and so does the image by Podman.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import { canBeNobody, delegate, startAsNobody } from "../support/nobody.ts";
import { canStage, isAlive, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { BINARY, documents, type Ran, runCgkill } from "../support/run-cgkill.ts";

interface Container {
  readonly image: string;
  readonly securityContext: Readonly<Record<string, unknown>> & {
    readonly capabilities: { readonly drop: readonly string[]; readonly add: readonly string[] };
  };
  readonly volumeMounts: ReadonlyArray<{
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }>;
}
interface Pod {
  readonly containers: readonly [Container];
  readonly volumes: ReadonlyArray<{ readonly name: string; readonly hostPath: { readonly path: string } }>;
}

const text = readFileSync(`${import.meta.dir}/../../scripts/fleet/job.yaml`, "utf8");
const job = Bun.YAML.parse(text) as {
  readonly kind: string;
  readonly spec: { readonly template: { readonly spec: Pod } };
};
const pod = job.spec.template.spec;
const [{ image, securityContext, volumeMounts }] = pod.containers;
const { drop, add } = securityContext.capabilities;

/** Every pair of a key and a plain value, at any depth. */
function settingsOf(value: unknown): Array<readonly [string, unknown]> {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[key, inner] as const, ...settingsOf(inner)]);
}

describe("the manifest", () => {
  test("is one Job with exactly one container", () => {
    expect(job.kind).toBe("Job");
    expect(pod.containers).toHaveLength(1);
    expect(pod).not.toHaveProperty("initContainers");
  });

  test.each([
    ["privileged", true],
    ["allowPrivilegeEscalation", true],
    ["hostNetwork", true],
    ["hostIPC", true],
    ["shareProcessNamespace", true],
    ["automountServiceAccountToken", true],
    ["readOnlyRootFilesystem", false],
    ["type", "Unconfined"],
    ["procMount", "Unmasked"],
  ])("%s is not %p anywhere", (key, value) => {
    expect(settingsOf(job).filter(([name, set]) => name === key && set === value)).toEqual([]);
  });

  test("has no new privileges, a read-only root, and two capabilities", () => {
    expect(securityContext).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsUser: 0,
    });
    expect(drop).toEqual(["ALL"]);
    expect(add.toSorted()).toEqual(["DAC_OVERRIDE", "KILL"]);
  });

  test("names the image by digest", () => {
    expect(image).toMatch(/^[a-z0-9./-]+@sha256:[0-9a-f]{64}$/);
  });

  test("mounts only the cgroup file system of the host, and runs the program of the image", () => {
    expect(pod.volumes.map(({ hostPath }) => hostPath.path)).toEqual(["/sys/fs/cgroup"]);
    expect(volumeMounts.map(({ mountPath }) => mountPath)).toEqual(["/sys/fs/cgroup"]);
    expect(pod.containers[0]).not.toHaveProperty("command");
  });
});

/** Run like the process of the container: the binary by a descriptor, every mount read-only except those of cgroups. */
function asContainer(args: readonly string[], capabilities: readonly string[]): Promise<Ran> {
  const bounds = ["-all", ...capabilities.map((name) => `+${name.toLowerCase()}`)].join(",");
  const rights = ["setpriv", "--no-new-privs", `--bounding-set=${bounds}`, "--inh-caps=-all", "--ambient-caps=-all"];
  const under = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", 'mount -o remount,ro,bind / && exec "$@"', "sh", ...rights];
  return runCgkill(args, { under });
}

const canTry = canBeNobody() && canStage("v1") && canStage("v2") && canStage("memory");
describe.if(canTry)("its privileges, on a cgroup that is delegated to another user", () => {
  for (const [which, method] of [
    ["v2", "kill"],
    ["v1", "freezer"],
    ["memory", "sweep"],
  ] as const) {
    const stage = async (capabilities: readonly string[], timeout: string) => {
      await using top = makeCgroup(which);
      const dir = `${top.dir}/job`;
      mkdirSync(dir);
      delegate(top.dir);
      delegate(dir);
      await using sleeper = await startAsNobody(dir);
      const { code, stdout } = await asContainer(["--json", "-t", timeout, "--remove", dir], capabilities);
      const [document] = documents(stdout);
      return { code, outcome: document?.["outcome"], method: document?.["method"], lives: isAlive(sleeper.pid) };
    };

    test(`${method}: are enough`, async () => {
      expect(await stage(add, "20s")).toEqual({ code: 0, outcome: "killed", method, lives: false });
    });

    test(`${method}: without CAP_DAC_OVERRIDE the kill fails and says so`, async () => {
      // A sweep kills without writing there, but then cannot remove the cgroup.
      expect(await stage(["KILL"], "5s")).toMatchObject({ code: which === "memory" ? 7 : 5 });
    });

    if (method === "kill") continue;
    test(`${method}: without CAP_KILL the kill fails and says so`, async () => {
      expect(await stage(["DAC_OVERRIDE"], "500ms")).toMatchObject({ code: 5, lives: true });
    });
  }
});

const hasPodman = Bun.which("podman") !== null && Bun.which("runc") !== null && process.getuid?.() === 0;
if (!hasPodman) console.warn("left out: the image (needs Podman, runc and root)");
describe.if(hasPodman && canStage("v2"))("the image", () => {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const make = `${import.meta.dir}/../../scripts/containers/image/make-image.sh`;
  const storage = `[storage]\ndriver = "vfs"\ngraphroot = "${scratch}/graph"\nrunroot = "${scratch}/run"\n`;
  writeFileSync(`${scratch}/storage.conf`, storage);
  /** Podman makes this cgroup and leaves it behind. */
  const parent = `/cgkill-test-image-${process.pid}`;
  const env = { ...process.env, CONTAINERS_STORAGE_CONF: `${scratch}/storage.conf` };
  const digest = Bun.spawnSync([make, BINARY, "localhost/cgkill:test"], { env });
  const podman = (...args: readonly string[]) => Bun.spawnSync(["podman", "--runtime", "runc", ...args], { env });
  afterAll(() => {
    podman("rmi", "--force", "--all");
    Bun.spawnSync(["sh", "-c", 'find /sys/fs/cgroup/*"$0" /sys/fs/cgroup"$0" -depth -type d -exec rmdir {} +', parent]);
    rmSync(scratch, { recursive: true, force: true });
  });

  test("is made without a network, with the same digest each time", () => {
    expect(digest.stdout.toString()).toMatch(/^localhost\/cgkill@sha256:[0-9a-f]{64}\n$/);
    const again = Bun.spawnSync([make, BINARY, "localhost/cgkill:again"], { env });
    expect(again.stdout.toString()).toBe(digest.stdout.toString());
  });

  test("has the binary, the libraries and the licences, and nothing else", () => {
    const context = `${scratch}/context`;
    Bun.spawnSync([make, BINARY, context], { env: { ...env, ENGINE: "none" } });
    const files = readdirSync(`${context}/root`, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map(({ name }) => name.replace(/^ld.*/, "loader"));
    expect(files.sort()).toEqual(expect.arrayContaining(["LICENSE", "THIRD-PARTY", "cgkill", "libc.so.6", "loader"]));
    expect(
      files.filter((name) => !/^(LICENSE|THIRD-PARTY|cgkill|copyright|loader|lib[a-z+_]+\.so\.[0-9]+)$/.test(name)),
    ).toEqual([]);
  });

  for (const version of ["v1", "v2"] as const) {
    test.if(canStage(version))(`kills on ${version} with the privileges of the manifest`, async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const rights = [
        "--read-only",
        "--cap-drop=all",
        ...add.map((name) => `--cap-add=${name}`),
        "--security-opt=no-new-privileges",
      ];
      const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"];
      const mounts = volumeMounts.map(({ mountPath }) => `--volume=${mountPath}:${mountPath}:rslave`);
      const args = [
        "--rm",
        `--cgroup-parent=${parent}`,
        "--network=none",
        "--pid=host",
        ...rights,
        ...limits,
        ...mounts,
        "localhost/cgkill:test",
      ];
      const ran = podman("run", ...args, "--json", "--log-level=warn", "--", cgroup.dir);
      expect(ran.stderr.toString()).toBe("");
      expect(documents(ran.stdout.toString())).toMatchObject([{ outcome: "killed", killed: [{ pid: sleeper.pid }] }]);
      expect(isAlive(sleeper.pid)).toBe(false);
    });
  }
});
