// The packages of a release, read by the tools that read them on a host. Each is installed into a scratch root,
// upgraded and removed, and leaves the root as it was.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import packageJson from "../../package.json";
import { debianPackage } from "../../scripts/release/packages/debian.ts";
import { hasRpmbuild, rpmPackage } from "../../scripts/release/packages/rpm.ts";
import { tarball } from "../../scripts/release/packages/tarball.ts";
import { renderTexts } from "../../scripts/release/texts.ts";
import { FACTS, SMALL_BINARY, UNSIGNED } from "../support/installer.ts";
import { snapshot } from "../support/snapshot.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const texts = renderTexts(FACTS);
const NEWER = { ...FACTS, version: "99.0.0" };
const NEWER_BINARY = Buffer.from("#!/bin/sh\necho newer\n");
const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C" };

/** A root directory with other files, because dpkg removes an empty directory that no other package owns. */
function makeRoot(name: string): string {
  const root = `${scratch}/${name}`;
  for (const dir of ["usr/bin", "usr/share/man/man1", "usr/share/doc"]) {
    mkdirSync(`${root}/${dir}`, { recursive: true });
    writeFileSync(`${root}/${dir}/other`, "another file");
  }
  return root;
}

describe("the Debian package", () => {
  const deb = `${scratch}/cgkill.deb`;
  writeFileSync(deb, debianPackage("amd64", SMALL_BINARY, texts, FACTS));

  test("the same inputs give the same bytes", () => {
    expect(debianPackage("amd64", SMALL_BINARY, texts, FACTS)).toEqual(readFileSync(deb));
  });

  const hasReader = Bun.which("dpkg-deb") !== null;
  if (!hasReader) console.warn("left out: the package as dpkg reads it (dpkg-deb is not installed)");
  test.if(hasReader)("dpkg-deb reads its fields and files", async () => {
    const info = await $`dpkg-deb --field ${deb}`.text();
    expect(info).toContain(`Package: cgkill\nVersion: ${packageJson.version}\nArchitecture: amd64\n`);
    expect(info).toMatch(/^Installed-Size: [1-9]\d*$/m);
    expect(info).toContain(`Maintainer: ${FACTS.maintainer}\n`);
    const into = `${scratch}/unpacked`;
    await $`dpkg-deb --extract ${deb} ${into}`.quiet();
    expect(readFileSync(`${into}/usr/bin/cgkill`)).toEqual(SMALL_BINARY);
    expect(statSync(`${into}/usr/bin/cgkill`).mode & 0o7777).toBe(0o755);
    const unzipped = (file: string): Buffer => Buffer.from(Bun.gunzipSync(readFileSync(`${into}/usr/share/${file}`)));
    expect(unzipped("man/man1/cgkill.1.gz")).toEqual(texts["cgkill.1"]);
    expect(unzipped("doc/cgkill/THIRD-PARTY.gz")).toEqual(texts["THIRD-PARTY"]);
    expect(unzipped("doc/cgkill/changelog.gz").toString()).toStartWith(`cgkill (${packageJson.version}) unstable;`);
    expect(readFileSync(`${into}/usr/share/bash-completion/completions/cgkill`)).toEqual(texts["cgkill.bash"]);
    const list = await $`dpkg-deb --contents ${deb}`.text();
    expect(list.split("\n").filter((line) => line !== "" && !line.includes(" root/root "))).toEqual([]);
  });

  const hasLintian = Bun.which("lintian") !== null;
  if (!hasLintian) console.warn("left out: lintian (not installed)");
  test.if(hasLintian)("lintian finds only what is wrong with a script in place of the binary", async () => {
    const ran = await $`lintian --allow-root --fail-on none --display-level pedantic ${deb}`.env(env).quiet().nothrow();
    const found = ran
      .text()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("N:"));
    const expected =
      /unused-override|mismatched-override|script-|arch-dep-package-has-big-usr-share|executable-is-not-world-readable/;
    expect(found.filter((line) => !expected.test(line))).toEqual([]);
  });

  const canInstall = Bun.which("dpkg") !== null && isRoot;
  if (!canInstall) console.warn("left out: the package as dpkg installs it (no dpkg, or not root)");
  test.if(canInstall)("dpkg installs, upgrades and purges it: the root is as it was", async () => {
    const into = makeRoot("debian");
    for (const dir of ["info", "updates"]) mkdirSync(`${into}/var/lib/dpkg/${dir}`, { recursive: true });
    for (const file of ["status", "available"]) writeFileSync(`${into}/var/lib/dpkg/${file}`, "");
    const dpkg = async (...args: string[]) => {
      const host = [`--root=${into}`, `--log=${scratch}/dpkg.log`, "--force-depends", "--force-architecture"];
      const ran = await $`dpkg ${host} ${args}`.env(env).quiet().nothrow();
      return { code: ran.exitCode, text: `${ran.stdout}${ran.stderr}` };
    };
    const before = snapshot(into, ["var/lib/dpkg"]);
    expect(await dpkg("--install", deb)).toMatchObject({ code: 0 });
    expect((await dpkg("--status", "cgkill")).text).toContain("Status: install ok installed");
    expect(await $`${into}/usr/bin/cgkill`.text()).toContain("cgkill of a test\n");
    expect(await dpkg("--verify", "cgkill")).toEqual({ code: 0, text: "" });
    const newer = `${scratch}/newer.deb`;
    writeFileSync(newer, debianPackage("amd64", NEWER_BINARY, texts, NEWER));
    expect(await dpkg("--install", newer)).toMatchObject({ code: 0 });
    expect(await $`${into}/usr/bin/cgkill`.text()).toBe("newer\n");
    expect(await dpkg("--purge", "cgkill")).toMatchObject({ code: 0 });
    expect(snapshot(into, ["var/lib/dpkg"])).toBe(before);
  });
});

const canRpm = hasRpmbuild();
if (!canRpm) console.warn("left out: the rpm package (rpmbuild is not installed)");
describe.if(canRpm)("the rpm package", () => {
  const rpm = `${scratch}/cgkill.rpm`;

  test("the same inputs give the same bytes, and rpm accepts its sums", async () => {
    const bytes = await rpmPackage("x86_64", SMALL_BINARY, texts, FACTS);
    await Bun.sleep(1100); // the bytes must not depend on the time
    expect(await rpmPackage("x86_64", SMALL_BINARY, texts, FACTS)).toEqual(bytes);
    writeFileSync(rpm, bytes);
    expect(await $`rpm -K ${rpm}`.env(env).text()).toContain("digests OK");
    const fields = await $`rpm -qp --qf ${"%{NAME} %{VERSION} %{ARCH} %{BUILDTIME} %{BUILDHOST}"} ${rpm}`
      .env(env)
      .text();
    expect(fields).toBe(`cgkill ${packageJson.version} x86_64 ${FACTS.epoch} reproducible`);
    expect(await $`rpm -qp --provides ${rpm}`.env(env).text()).toContain(`bundled(bun) = ${Bun.version}`);
  });

  test.if(isRoot)("rpm installs, upgrades and erases it: the root is as it was", async () => {
    const into = makeRoot("rpm");
    const rpmIn = async (...args: string[]) =>
      await $`rpm --root ${into} --dbpath /rpmdb --nodeps ${args}`.env(env).quiet().nothrow();
    await $`rpm --root ${into} --dbpath /rpmdb --initdb`.env(env).quiet();
    const database = ["rpmdb"];
    const before = snapshot(into, database);
    expect((await rpmIn("-i", "--ignorearch", rpm)).exitCode).toBe(0);
    // The root directory has no user database.
    expect((await rpmIn("-V", "--nouser", "--nogroup", "cgkill")).stdout.toString()).toBe("");
    expect(await $`${into}/usr/bin/cgkill`.text()).toContain("cgkill of a test\n");
    const page = Bun.gunzipSync(readFileSync(`${into}/usr/share/man/man1/cgkill.1.gz`));
    expect(Buffer.from(page)).toEqual(texts["cgkill.1"]);
    const newer = `${scratch}/newer.rpm`;
    writeFileSync(newer, await rpmPackage("x86_64", NEWER_BINARY, texts, NEWER));
    expect((await rpmIn("-U", "--ignorearch", newer)).exitCode).toBe(0);
    expect(await $`${into}/usr/bin/cgkill`.text()).toBe("newer\n");
    expect((await rpmIn("-e", "cgkill")).exitCode).toBe(0);
    expect(snapshot(into, database)).toBe(before);
  });
});

describe("the tarball", () => {
  const target = `linux-${process.arch === "arm64" ? "arm64" : "x64"}`;
  // Regression: in a signed release its installer had the key, and refused the unsigned sums beside it.
  const signed = renderTexts(FACTS, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==");
  const unpack = async (name: string, binary: Buffer): Promise<string> => {
    mkdirSync(`${scratch}/${name}`);
    writeFileSync(`${scratch}/${name}.tar.gz`, tarball(target, binary, signed, FACTS));
    await $`tar -xzf ${scratch}/${name}.tar.gz -C ${scratch}/${name}`;
    return `${scratch}/${name}/cgkill-${packageJson.version}-${target}`;
  };

  test("is a release directory with everything in it, licences included", async () => {
    const dir = await unpack("tarball", SMALL_BINARY);
    expect(await $`cd ${dir} && sha256sum --check --strict --quiet SHA256SUMS`.text()).toBe("");
    for (const file of ["LICENSE", "THIRD-PARTY", "CHANGES.md", "SECURITY.md"])
      expect(existsSync(`${dir}/${file}`)).toBe(true);
    expect(statSync(`${dir}/cgkill-${target}`).mode & 0o7777).toBe(0o755);
    expect(tarball(target, SMALL_BINARY, signed, FACTS)).toEqual(readFileSync(`${scratch}/tarball.tar.gz`));
  });

  test("its installer installs, upgrades and removes it: the root is as it was", async () => {
    const root = makeRoot("local");
    const before = snapshot(root);
    const run = async (dir: string, ...args: string[]) => {
      const ran = await $`${dir}/install.sh ${args}`
        .env({ ...env, PREFIX: `${root}/usr/local` })
        .quiet()
        .nothrow();
      return { code: ran.exitCode, stderr: ran.stderr.toString() };
    };
    const first = await unpack("first", SMALL_BINARY);
    expect(await run(first)).toEqual({ code: 0, stderr: UNSIGNED });
    expect(await run(await unpack("second", NEWER_BINARY))).toEqual({ code: 0, stderr: UNSIGNED });
    expect(await $`${root}/usr/local/bin/cgkill`.text()).toBe("newer\n");
    expect(readFileSync(`${root}/usr/local/share/doc/cgkill/THIRD-PARTY`)).toEqual(texts["THIRD-PARTY"]);
    expect(await run(first, "--uninstall")).toEqual({ code: 0, stderr: "" });
    expect(snapshot(root)).toBe(before);
  });
});
