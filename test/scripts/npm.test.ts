// The npm packages, installed by npm from a registry of this test: the launcher, and the library under Bun and Node, with
// its types. To save time, the packed binary is a script that executes the built one; check-release.ts packs the real
// ones.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";

import { $, type Server } from "bun";

import packageJson from "../../package.json";
import { libraryFiles } from "../../scripts/release/npm/library.ts";
import { mainTgz, platformPackage, platformTgz, tgzName } from "../../scripts/release/packages/npm.ts";
import { type Target, TARGETS } from "../../scripts/release/targets.ts";
import { renderTexts } from "../../scripts/release/texts.ts";
import { FACTS } from "../support/installer.ts";
import { canStage, destroy, isAlive, makeCgroup, mountPoint, startSleeper, write } from "../support/real-cgroup.ts";
import { BINARY } from "../support/run-cgkill.ts";
import { snapshot } from "../support/snapshot.ts";

const root = `${import.meta.dir}/../..`;
const { version } = packageJson;
const texts = renderTexts(FACTS);
const NEWER = { ...FACTS, version: "99.0.0" };
const OURS = Buffer.from(`#!/bin/sh\nexec '${realpathSync(BINARY)}' "$@"\n`);
const OTHERS = Buffer.from("#!/bin/sh\necho another\n");
const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
const isMusl = !existsSync(`/lib${process.arch === "x64" ? "64/ld-linux-x86-64.so.2" : "/ld-linux-aarch64.so.1"}`);
const here = TARGETS.find(({ cpu, libc }) => cpu === process.arch && libc === (isMusl ? "musl" : "glibc")) as Target;

interface Published {
  readonly manifest: { readonly version: string };
  readonly tgz: Buffer;
}
/** By name and version. */
const published = new Map<string, Map<string, Published>>();
let server: Server<undefined>;

/** The part of npm's registry that an installation needs. */
function serveRegistry(): Server<undefined> {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => {
      const { origin, pathname } = new URL(url);
      const [name = "", file] = decodeURIComponent(pathname).slice(1).split("/-/");
      const found = published.get(name);
      if (found === undefined) return Response.json({ error: "not found" }, { status: 404 });
      const versions = [...found].map(([number, { manifest, tgz }]) => {
        const integrity = `sha512-${new Bun.CryptoHasher("sha512").update(new Uint8Array(tgz)).digest("base64")}`;
        const dist = { tarball: `${origin}/${name}/-/${tgzName(name, number)}`, integrity };
        return [number, { ...manifest, dist }] as const;
      });
      const asked = [...found.values()].find(({ manifest }) => tgzName(name, manifest.version) === file);
      if (asked !== undefined) return new Response(new Uint8Array(asked.tgz));
      return Response.json({ name, "dist-tags": { latest: version }, versions: Object.fromEntries(versions) });
    },
  });
}

async function publish(name: string, tgz: Buffer): Promise<void> {
  writeFileSync(`${scratch}/published.tgz`, new Uint8Array(tgz));
  const manifest: Published["manifest"] = await $`tar -xOzf ${scratch}/published.tgz package/package.json`.json();
  const versions = published.get(name) ?? new Map<string, Published>();
  published.set(name, versions.set(manifest.version, { manifest, tgz }));
}

let made = 0;
/** A new project. */
function makeProject(type = "module"): string {
  const dir = `${scratch}/project-${++made}`;
  mkdirSync(dir);
  writeFileSync(`${dir}/package.json`, JSON.stringify({ name: "project", private: true, type }));
  return dir;
}

const npmEnv = (): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: scratch,
  npm_config_registry: `http://127.0.0.1:${server.port}/`,
  npm_config_cache: `${scratch}/cache`,
  npm_config_update_notifier: "false",
  npm_config_audit: "false",
  npm_config_fund: "false",
});
const npm = async (cwd: string, ...args: string[]) => {
  const ran = await $`npm ${args}`.cwd(cwd).env(npmEnv()).quiet().nothrow();
  return { code: ran.exitCode, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
};

const library = await libraryFiles();
const main = await mainTgz(texts, FACTS, library);

beforeAll(async () => {
  server = serveRegistry();
  await publish("cgkill", main);
  await publish("cgkill", await mainTgz(texts, NEWER, library));
  for (const target of TARGETS) {
    await publish(platformPackage(target), await platformTgz(target, target === here ? OURS : OTHERS, texts, FACTS));
    await publish(platformPackage(target), await platformTgz(target, OTHERS, texts, NEWER));
  }
});
afterAll(async () => {
  await server.stop(true);
  rmSync(scratch, { recursive: true, force: true });
});

test("the repository itself stays private, and nothing of dist/ is packed from it", async () => {
  expect(packageJson.private).toBe(true);
  const listed = await $`npm pack --dry-run --json --ignore-scripts`.cwd(root).quiet().json();
  const paths: string[] = listed[0].files.map(({ path }: { path: string }) => path);
  expect(paths.filter((path) => !/^(src\/|package\.json$|README\.md$|LICENSE$)/.test(path))).toEqual([]);
});

test("the same inputs give the same bytes", async () => {
  expect(await mainTgz(texts, FACTS, library)).toEqual(main);
});

describe("npm install cgkill", () => {
  test("installs the package of this platform alone, runs it, upgrades it, and leaves nothing behind", async () => {
    const project = makeProject();
    const prefix = `${scratch}/global`;
    mkdirSync(`${prefix}/lib/node_modules/other`, { recursive: true });
    mkdirSync(`${prefix}/bin`);
    const before = snapshot(prefix, ["share"]);
    expect((await npm(project, "install", "--global", "--prefix", prefix, "cgkill")).code).toBe(0);
    const installed = readdirSync(`${prefix}/lib/node_modules/cgkill/node_modules/@cgkill`);
    expect(installed).toEqual([here.name]);
    const told = await $`${prefix}/bin/cgkill --licenses`.text();
    expect(told).toBe(texts["THIRD-PARTY"].toString());
    expect((await npm(project, "install", "--global", "--prefix", prefix, "cgkill@99.0.0")).code).toBe(0);
    expect(await $`${prefix}/bin/cgkill`.text()).toBe("another\n");
    expect((await npm(project, "uninstall", "--global", "--prefix", prefix, "cgkill")).code).toBe(0);
    expect(snapshot(prefix, ["share"])).toBe(before);
  });

  test("npx cgkill", async () => {
    const { stdout } = await npm(makeProject(), "exec", "--yes", "--", "cgkill", "--version");
    expect(stdout).toStartWith(`cgkill ${version} `);
  });

  test("bun add cgkill, and bunx", async () => {
    const project = makeProject();
    const env = { ...npmEnv(), BUN_INSTALL_CACHE_DIR: `${scratch}/bun-cache` };
    const registry = `--registry=http://127.0.0.1:${server.port}/`;
    const added = await $`${process.execPath} add ${registry} cgkill`.cwd(project).env(env).quiet().nothrow();
    expect(added.stderr.toString()).not.toContain("error");
    const told = await $`${process.execPath} x cgkill --version`.cwd(project).env(env).quiet().nothrow();
    expect(told.stdout.toString()).toStartWith(`cgkill ${version} `);
  });

  test("without the optional packages the launcher says which one is missing", async () => {
    const project = makeProject();
    await npm(project, "install", "--omit=optional", "cgkill");
    const ran = await $`${project}/node_modules/.bin/cgkill --version`.quiet().nothrow();
    expect(ran.stderr.toString()).toContain(`the package ${platformPackage(here)} is not installed`);
    expect(ran.exitCode).toBe(1);
  });
});

describe("the launcher", () => {
  test.if(canStage("v2"))("becomes cgkill, with its pid, arguments, standard input and exit status", async () => {
    const project = `${makeProject()}/a 'b' $(c)`;
    mkdirSync(project);
    writeFileSync(`${project}/package.json`, "{}");
    expect((await npm(project, "install", "cgkill")).code).toBe(0);
    const launcher = `${project}/node_modules/.bin/cgkill`;
    await using cgroup = makeCgroup("v2");
    await using sleeper = await startSleeper(cgroup.dir);
    const child = Bun.spawn([launcher, "--json", "-"], { stdio: ["pipe", "pipe", "inherit"] });
    child.stdin.write(`${cgroup.dir}\n`);
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject({
      outcome: "killed",
      killed: [{ pid: sleeper.pid }],
    });
    expect(readFileSync(`/proc/${child.pid}/comm`, "utf8")).toBe("cgkill\n");
    child.kill("SIGHUP");
    await child.exited;
    expect(child.signalCode).toBe("SIGHUP");
    const missing = Bun.spawnSync([launcher, "kill", "no such * group"]);
    expect(missing.exitCode).toBe(3);
    expect(missing.stderr.toString()).toContain("no such * group");
    expect(isAlive(sleeper.pid)).toBe(false);
  });

  test("finds the package where pnpm puts it: beside the real directory of cgkill", async () => {
    const store = `${scratch}/pnpm/node_modules/.pnpm`;
    for (const [name, versions] of published) {
      const { tgz } = versions.get(version) as Published;
      const dir = `${store}/${name.replace("/", "+")}/node_modules/${name}`;
      mkdirSync(dir, { recursive: true });
      writeFileSync(`${scratch}/one.tgz`, new Uint8Array(tgz));
      await $`tar -xzf ${scratch}/one.tgz -C ${dir} --strip-components=1`;
    }
    mkdirSync(`${store}/cgkill/node_modules/@cgkill`);
    symlinkSync(
      `${store}/@cgkill+${here.name}/node_modules/@cgkill/${here.name}`,
      `${store}/cgkill/node_modules/@cgkill/${here.name}`,
    );
    symlinkSync(".pnpm/cgkill/node_modules/cgkill", `${scratch}/pnpm/node_modules/cgkill`);
    expect(await $`${scratch}/pnpm/node_modules/cgkill/bin/cgkill --version`.text()).toStartWith(`cgkill ${version} `);
  });
});

describe("the library", () => {
  const program = `
    import { createGroupKiller } from "cgkill";
    const seen = [];
    const log = { trace: (message) => seen.push(message), warn: (message) => seen.push("warn: " + message) };
    const killer = createGroupKiller(log, process.pid);
    const { outcome, killed } = await killer.killGroup({ path: process.argv[2] });
    const missing = await killer.killGroup(null).catch((error) => error.message);
    console.log(JSON.stringify({ outcome, killed: killed.map(({ pid }) => pid), missing, warned: seen.filter((each) => each.startsWith("warn")) }));
  `;
  let project = "";
  beforeAll(async () => {
    project = makeProject();
    await npm(project, "install", "cgkill");
    writeFileSync(`${project}/kill.js`, program);
  });

  for (const runtime of [process.execPath, Bun.which("node")]) {
    const name = runtime === process.execPath ? "Bun" : "Node";
    if (runtime === null) console.warn("left out: the library under Node (not installed)");
    for (const hierarchy of ["v1", "v2"] as const) {
      test.if(runtime !== null && canStage(hierarchy))(`${name} kills a cgroup on ${hierarchy}`, async () => {
        await using cgroup = makeCgroup(hierarchy);
        await using sleeper = await startSleeper(cgroup.dir);
        const ran = await $`${runtime} kill.js ${cgroup.dir}`.cwd(project).quiet().nothrow();
        expect(ran.stderr.toString()).toBe("");
        expect(JSON.parse(ran.stdout.toString())).toEqual({
          outcome: "killed",
          killed: [sleeper.pid],
          missing: "missing cgroup",
          warned: name === "Bun" ? [] : ["warn: using Node's API for system calls"],
        });
        expect(isAlive(sleeper.pid)).toBe(false);
      });
    }
  }

  describe("Node 20, the oldest that it is for", () => {
    const node = Bun.which("node");
    const canKill = node !== null && canStage("v1") && canStage("v2");
    const outcomeOf = async (path: string, options: string): Promise<string> => {
      const killing = `import { createGroupKiller } from "cgkill";
        const killer = createGroupKiller({ trace() {} }, process.pid, ${options});
        console.log((await killer.killGroup({ path: process.argv[2] })).outcome);`;
      writeFileSync(`${project}/node.js`, killing);
      const ran = await $`${node} node.js ${path}`.cwd(project).quiet().nothrow();
      return `${ran.stdout}${ran.stderr}`;
    };

    // Regression: the library called `Bun.concatArrayBuffers` and the methods of sets, which are newer than Node 20.
    test("it calls nothing that Node 20 does not have", () => {
      const code = library.get("node.js")?.toString() ?? "";
      const newer =
        /\bBun\.\w+|\.(?:union|intersection|(?:symmetricD|d)ifference|is(?:Subset|Superset|Disjoint)\w+)\(|\b(?:fromAsync|withResolvers|DisposableStack|groupBy)\b/g;
      expect(code).toContain("createGroupKiller");
      expect(code.match(newer)).toBeNull();
    });

    test.if(canKill)("it kills a cgroup with a child whose name is not UTF-8", async () => {
      await using cgroup = makeCgroup("v2");
      const child = Buffer.concat([Buffer.from(`${cgroup.dir}/`), Buffer.of(0x61, 0xff)]);
      mkdirSync(child);
      await using sleeper = await startSleeper(cgroup.dir);
      write(Buffer.concat([child, Buffer.from("/cgroup.procs")]), String(sleeper.pid));
      expect(await outcomeOf(cgroup.dir, "{ remove: true }")).toBe("killed\n");
      expect(isAlive(sleeper.pid)).toBe(false);
    });

    test.if(canKill)("it kills twins", async () => {
      await using cgroup = makeCgroup("v2");
      const twin = `${mountPoint("v1")}/${cgroup.dir.slice(cgroup.dir.lastIndexOf("/") + 1)}`;
      mkdirSync(twin);
      await using _ = { [Symbol.asyncDispose]: () => destroy(twin) };
      await using sleeper = await startSleeper(cgroup.dir);
      write(`${twin}/cgroup.procs`, String(sleeper.pid));
      expect(await outcomeOf(cgroup.path, "{}")).toBe("killed\n");
      expect(isAlive(sleeper.pid)).toBe(false);
    });

    test.if(canKill)("its outcome is interrupted if the signal was aborted", async () => {
      await using cgroup = makeCgroup("v2");
      await using sleeper = await startSleeper(cgroup.dir);
      expect(await outcomeOf(cgroup.dir, "{ abort: AbortSignal.abort() }")).toBe("interrupted\n");
      expect(isAlive(sleeper.pid)).toBe(true);
    });
  });

  test.each([
    ["nodenext", "nodenext"],
    ["preserve", "bundler"],
  ])("its types are found and strict with module %s", async (module, moduleResolution) => {
    const dir = makeProject();
    await npm(dir, "install", "cgkill");
    const compilerOptions = { strict: true, noEmit: true, module, moduleResolution, target: "esnext", types: [] };
    writeFileSync(`${dir}/tsconfig.json`, JSON.stringify({ compilerOptions, files: ["use.ts"] }));
    const use = `import { createGroupKiller, type KillOutcome } from "cgkill";
      const killer = createGroupKiller({ trace: (message: string) => void message }, 1, { timeoutMs: 5 });
      export const outcome: Promise<KillOutcome> = killer.killGroup({ path: "/a" });
      export const ends = async (): Promise<"killed" | undefined> => ((await outcome).outcome === "killed" ? "killed" : undefined);
      // @ts-expect-error a number is not a path; without types this line would be the error
      await killer.killGroup({ path: 1 });`;
    writeFileSync(`${dir}/use.ts`, use);
    const tsc = [Bun.which("node") ?? process.execPath, `${root}/node_modules/typescript/bin/tsc`];
    expect(await $`${tsc} -p .`.cwd(dir).quiet().nothrow().text()).toBe("");
  });

  test("what is not exported cannot be imported", async () => {
    const ran = await $`node -e ${'import("cgkill/lib/node.js").catch((e) => console.log(e.code))'}`
      .cwd(project)
      .quiet();
    expect(ran.text()).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED\n");
  });
});
