// scripts/release/install.sh: sources and signatures of a release, and a removal that leaves a root directory as it was
// found.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";

import packageJson from "../../package.json";
import { gzip } from "../../scripts/release/packages/host-files.ts";
import { publicKeyOf, sign, sumsOf } from "../../scripts/release/sums.ts";
import {
  ALL,
  filesIn,
  INSTALL,
  install,
  type Installed,
  makePlaces,
  SMALL_BINARY,
  UNSIGNED,
} from "../support/installer.ts";
import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import { snapshot } from "../support/snapshot.ts";

const places = makePlaces();
const { make, release } = places;
afterAll(() => places[Symbol.dispose]());
const by = places.installers[0] as (typeof places.installers)[number];

const REFUSED = { code: 1, stdout: "" };
const canSign = Bun.which("ssh-keygen") !== null;
if (!canSign) console.warn("left out: signed releases (ssh-keygen is not installed)");

/** Make a key pair. @returns the file with the private key */
function makeKey(): string {
  const key = `${make()}/cgkill`;
  Bun.spawnSync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "the releaser", "-f", key]);
  return key;
}

async function signedRelease(key: string): Promise<string> {
  const at = release();
  await sign(`${at}/SHA256SUMS`, key);
  return at;
}

describe.if(canSign)("a signed release", () => {
  test("the right key, as a file or as text, is accepted", async () => {
    const key = makeKey();
    const at = await signedRelease(key);
    for (const given of [`${key}.pub`, publicKeyOf(key), readFileSync(`${key}.pub`, "utf8").trim()]) {
      const prefix = make();
      expect(install(by, prefix, [`--key=${given}`, at])).toEqual({
        code: 0,
        stdout: "cgkill of a test\n",
        stderr: "",
      });
      expect(filesIn(prefix)).toEqual(ALL);
    }
  });

  test("without a key the installer says that it checked no signature", async () => {
    const { code, stderr } = install(by, make(), [await signedRelease(makeKey())]);
    expect(stderr).toBe("install.sh: the signature was not checked: no key (--key=KEY)\n");
    expect(code).toBe(0);
  });

  test("regenerated sums of a foreign binary are refused", async () => {
    const key = makeKey();
    const at = await signedRelease(key);
    const signature = readFileSync(`${at}/SHA256SUMS.sig`);
    release(Buffer.from("#!/bin/sh\necho foreign\n"), at);
    writeFileSync(`${at}/SHA256SUMS.sig`, signature);
    const prefix = `${make()}/prefix`;
    const refused = install(by, prefix, [`--key=${key}.pub`, at]);
    expect(refused).toEqual({ ...REFUSED, stderr: expect.stringContaining("the signature is wrong") });
    expect(existsSync(prefix)).toBe(false);
  });

  test.each([
    ["a signature by another key", async () => await signedRelease(makeKey()), "the signature is wrong"],
    ["no signature", async () => release(), "the release is not signed, but a key was given"],
    [
      "a signature for another purpose",
      async (key: string) => {
        const at = release();
        Bun.spawnSync(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", "git", `${at}/SHA256SUMS`]);
        return at;
      },
      "the signature is wrong",
    ],
    [
      "a signature of the same sums with something after them",
      async (key: string) => {
        const at = await signedRelease(key);
        writeFileSync(`${at}/SHA256SUMS`, `${readFileSync(`${at}/SHA256SUMS`, "utf8")}${"0".repeat(64)}  cgkill.1\n`);
        return at;
      },
      "the signature is wrong",
    ],
  ])("%s is refused, and nothing is left behind", async (_, stage, message) => {
    const key = makeKey();
    const prefix = `${make()}/prefix`;
    const refused = install(by, prefix, [`--key=${key}.pub`, await stage(key)]);
    expect(refused).toEqual({ ...REFUSED, stderr: expect.stringContaining(message) });
    expect(existsSync(prefix)).toBe(false);
  });

  test.each([["two\nkeys"], ["ssh-ed25519 A\ncgkill ssh-ed25519 B"], ["no key"], [""]])(
    "%j as a key is refused",
    async (text) => {
      const file = `${make()}/key.pub`;
      writeFileSync(file, text);
      const refused = install(by, make(), [`--key=${file}`, await signedRelease(makeKey())]);
      expect(refused).toMatchObject(REFUSED);
    },
  );

  test("an installer of a signed release has its key and accepts no other", async () => {
    const key = makeKey();
    const script = `${make()}/install.sh`;
    const text = readFileSync(INSTALL, "utf8");
    writeFileSync(script, text.replace("built_in_key=''", `built_in_key='${publicKeyOf(key)}'`));
    const run = (at: string): number =>
      Bun.spawnSync([...by.argv, script, at], { env: { PATH: by.path, PREFIX: make() } }).exitCode;
    expect(run(await signedRelease(key))).toBe(0);
    expect(run(await signedRelease(makeKey()))).toBe(1);
    expect(run(release())).toBe(1);
  });

  test("without ssh-keygen, the release is refused", async () => {
    const busybox = places.installers.find(({ shell }) => shell === "busybox");
    if (busybox === undefined) return console.warn("left out: no busybox");
    const key = makeKey();
    const refused = install(busybox, make(), [`--key=${key}.pub`, await signedRelease(key)]);
    expect(refused).toEqual({
      ...REFUSED,
      stderr: expect.stringContaining("without ssh-keygen; nothing was installed"),
    });
  });
});

/** Serve directories over HTTP. The installer is asynchronous here, because the server is this process. */
function serve(dir: string): Disposable & { readonly url: string; readonly asked: string[] } {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async ({ url }) => {
      const { pathname } = new URL(url);
      asked.push(pathname);
      const file = Bun.file(`${dir}${pathname}`);
      return (await file.exists()) ? new Response(file) : new Response("not found", { status: 404 });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, asked, [Symbol.dispose]: () => void server.stop(true) };
}

async function installAsync(
  prefix: string,
  args: readonly string[],
  env = {},
  { argv, path } = by,
): Promise<Installed> {
  const tmp = make();
  const child = Bun.spawn([...argv, INSTALL, ...args], {
    env: { PATH: path, PREFIX: prefix, TMPDIR: tmp, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(readdirSync(tmp)).toEqual([]);
  return { code, stdout, stderr };
}

describe.if(canSign)("a release at a URL", () => {
  /** As on a server, add the binaries in compressed form. */
  const compress = (at: string): void => {
    const files = readdirSync(at)
      .filter((file) => file !== "SHA256SUMS")
      .map((file) => [file, readFileSync(`${at}/${file}`)] as const);
    const packed = files
      .filter(([file]) => file.startsWith("cgkill-linux-"))
      .map(([file, bytes]) => [`${file}.gz`, gzip(bytes)] as const);
    for (const [file, bytes] of packed) writeFileSync(`${at}/${file}`, bytes);
    writeFileSync(`${at}/SHA256SUMS`, sumsOf(new Map([...files, ...packed])));
  };
  const publish = async (key: string, version: string, binary = SMALL_BINARY): Promise<string> => {
    const dir = make();
    release(binary, `${dir}/${version}`);
    compress(`${dir}/${version}`);
    await sign(`${dir}/${version}/SHA256SUMS`, key);
    return dir;
  };

  for (const tool of ["curl", "wget"]) {
    const isThere = Bun.which(tool) !== null;
    if (!isThere) console.warn(`left out: the installer with ${tool}, which is not installed`);
    test.if(isThere)(`is downloaded compressed by ${tool}, checked and installed`, async () => {
      const key = makeKey();
      using server = serve(await publish(key, "v"));
      // Link every program except the other downloader.
      const other = tool === "curl" ? "wget" : "curl";
      const path = make();
      for (const dir of (process.env["PATH"] ?? "").split(":").filter(existsSync)) {
        for (const name of readdirSync(dir)) {
          if (name !== other && !existsSync(`${path}/${name}`)) symlinkSync(`${dir}/${name}`, `${path}/${name}`);
        }
      }
      const prefix = make();
      const done = await installAsync(prefix, [`--key=${key}.pub`, `${server.url}/v/`], {}, { ...by, path });
      expect(done).toEqual({ code: 0, stdout: "cgkill of a test\n", stderr: "" });
      expect(filesIn(prefix)).toEqual(ALL);
      expect(server.asked.filter((name) => name.includes("linux"))).toEqual([
        expect.stringMatching(/^\/v\/cgkill-linux-.*\.gz$/),
      ]);
    });
  }

  test("a version is a directory below CGKILL_URL, and the binary must be of that version", async () => {
    const key = makeKey();
    const binary = Buffer.from(`#!/bin/sh\necho "cgkill ${packageJson.version} (a test)"\n`);
    const dir = await publish(key, packageJson.version, binary);
    using server = serve(dir);
    const env = { CGKILL_URL: server.url };
    const prefix = make();
    expect(await installAsync(prefix, [`--key=${key}.pub`, packageJson.version], env)).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(filesIn(prefix)).toEqual(ALL);
    // An old release, correctly signed, under the name of a newer one.
    symlinkSync(packageJson.version, `${dir}/9.9.9`);
    const old = await installAsync(make(), [`--key=${key}.pub`, "9.9.9"], env);
    expect(old).toEqual({ ...REFUSED, stderr: expect.stringContaining("not 9.9.9; nothing was installed") });
    const unknown = await installAsync(make(), [`--key=${key}.pub`, "9.9.8"], env);
    expect(unknown).toEqual({ ...REFUSED, stderr: expect.stringContaining("9.9.8/SHA256SUMS: cannot be downloaded") });
    const nowhere = await installAsync(make(), ["9.9.9"]);
    expect(nowhere).toEqual({ ...REFUSED, stderr: expect.stringContaining("CGKILL_URL") });
  });

  test("plain HTTP without a key is refused before anything is requested", async () => {
    using server = serve(release());
    const refused = await installAsync(make(), [server.url]);
    expect(refused).toEqual({ ...REFUSED, stderr: expect.stringContaining("without a key only https is safe") });
    expect(server.asked).toEqual([]);
  });

  test.each(["cgkill.1", "THIRD-PARTY", "binary"])(
    "a changed %s is refused, and nothing is left behind",
    async (what) => {
      const key = makeKey();
      const dir = await publish(key, "v");
      for (const file of readdirSync(`${dir}/v`)) {
        if (file === what || (what === "binary" && file.endsWith(".gz"))) writeFileSync(`${dir}/v/${file}`, "other");
      }
      using server = serve(dir);
      const prefix = `${make()}/prefix`;
      const refused = await installAsync(prefix, [`--key=${key}.pub`, `${server.url}/v`]);
      expect(refused).toEqual({ ...REFUSED, stderr: expect.stringContaining("its checksum is wrong or missing") });
      expect(existsSync(prefix)).toBe(false);
    },
  );
});

describe("a removal", () => {
  const occupied = (): string => {
    const root = make();
    mkdirSync(`${root}/usr/local/bin`, { recursive: true });
    mkdirSync(`${root}/usr/local/share/man/man1`, { recursive: true });
    mkdirSync(`${root}/usr/local/share/zsh`);
    writeFileSync(`${root}/usr/local/bin/other`, "another program");
    symlinkSync("share/man", `${root}/usr/local/man`);
    return root;
  };

  test.each(["/usr/local", "/opt/tools/cgkill", "/usr/local/ a b*"])(
    "after installation and upgrade leaves the root as it was: PREFIX %s",
    (below) => {
      const root = occupied();
      const before = snapshot(root);
      const prefix = `${root}${below}`;
      expect(install(by, prefix, [release()]).code).toBe(0);
      const upgrade = release(Buffer.from("#!/bin/sh\necho newer\n"));
      expect(install(by, prefix, [upgrade])).toEqual({ code: 0, stdout: "newer\n", stderr: UNSIGNED });
      expect(install(by, prefix, [upgrade]).code).toBe(0);
      expect(snapshot(root)).not.toBe(before);
      expect(install(by, prefix, ["--uninstall"]).code).toBe(0);
      expect(snapshot(root)).toBe(before);
    },
  );

  test("without an installation changes nothing", () => {
    const root = occupied();
    const before = snapshot(root);
    expect(install(by, `${root}/usr/local`, ["--uninstall"]).code).toBe(0);
    expect(snapshot(root)).toBe(before);
  });

  test("a record that names other directories removes none of them", () => {
    const root = occupied();
    const prefix = `${root}/usr/local`;
    install(by, prefix, [release()]);
    mkdirSync(`${root}/empty`);
    writeFileSync(`${prefix}/share/doc/cgkill/.directories`, `${root}/empty\n${prefix}/share/../../../empty\n\n/\n*\n`);
    expect(install(by, prefix, ["--uninstall"]).code).toBe(0);
    expect(existsSync(`${root}/empty`)).toBe(true);
  });

  test("directories that contain something else by then are kept", () => {
    const prefix = `${make()}/prefix`;
    install(by, prefix, [release()]);
    writeFileSync(`${prefix}/share/man/man1/other.1`, "another page");
    expect(install(by, prefix, ["--uninstall"]).code).toBe(0);
    expect(filesIn(prefix)).toEqual(["other.1"]);
    expect(existsSync(`${prefix}/bin`)).toBe(false);
  });
});

/** A pid that the kernel never assigns. */
const NO_PID = 2 ** 22 + 1;

describe("an upgrade", () => {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.warn("left out: an upgrade that fails half-way (needs root, for a mount)");
  test.if(isRoot)("that fails at the last file leaves every file of the older version", () => {
    const prefix = make();
    install(by, prefix, [release()]);
    const man = `${prefix}/share/man/man1/cgkill.1`;
    writeFileSync(man, "the older page");
    const before = snapshot(prefix);
    // The binary, which is put last, cannot be replaced.
    const script = 'mount --bind "$PREFIX/bin/cgkill" "$PREFIX/bin/cgkill" && exec "$@"';
    const newer = release(Buffer.from("#!/bin/sh\necho newer\n"));
    const argv = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", script, "sh", ...by.argv, INSTALL, newer];
    const ran = Bun.spawnSync(argv, { env: { PATH: by.path, PREFIX: prefix } });
    expect(ran.stderr.toString()).toContain("cgkill");
    expect(ran.exitCode).not.toBe(0);
    expect(readFileSync(man, "utf8")).toBe("the older page");
    expect(snapshot(prefix)).toBe(before);
  });

  test("removes what a killed installer left behind, and nothing of a running one", () => {
    const prefix = make();
    const dead = Bun.spawnSync(["true"]).pid;
    mkdirSync(`${prefix}/bin/.cgkill-install.${dead}`, { recursive: true });
    writeFileSync(`${prefix}/bin/.cgkill-install.${dead}/new-cgkill`, "half");
    mkdirSync(`${prefix}/bin/.cgkill-install.${process.pid}`);
    mkdirSync(`${prefix}/bin/.cgkill-install.x`);
    symlinkSync("/", `${prefix}/bin/.cgkill-install.${NO_PID}`);
    expect(install(by, prefix, [release()]).code).toBe(0);
    const left = [`.cgkill-install.${process.pid}`, ".cgkill-install.x", `.cgkill-install.${NO_PID}`, "cgkill"];
    expect(readdirSync(`${prefix}/bin`).sort()).toEqual(left.sort());
    expect(readlinkSync(`${prefix}/bin/.cgkill-install.${NO_PID}`)).toBe("/");
  });
});
