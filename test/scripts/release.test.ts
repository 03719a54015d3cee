// The files of a release, without building the four binaries: the packages are read back by the tools that read them on
// a host.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import packageJson from "../../package.json";
import { commitDate } from "../../scripts/build/commit.ts";
import { ar, tar } from "../../scripts/release/archive.ts";
import { debianPackage, writeTexts } from "../../scripts/release/release.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const BINARY = Buffer.from("#!/bin/sh\necho cgkill of a test\n");

describe("archives", () => {
  test("tar reads the names, modes, owners and bytes of members of any length", async () => {
    const lengths = [0, 1, 511, 512, 513];
    const members = lengths.map((length) => ({
      path: `./a/b${length}`,
      mode: length === 1 ? 0o755 : 0o644,
      bytes: Buffer.alloc(length, "x"),
    }));
    writeFileSync(`${scratch}/a.tar`, tar(members));
    const listing = await $`tar --full-time --utc -tvf ${scratch}/a.tar`.text();
    expect(listing).toContain("drwxr-xr-x root/root         0 1970-01-01 00:00:00 ./a/");
    expect(listing).toContain("-rwxr-xr-x root/root         1 1970-01-01 00:00:00 ./a/b1\n");
    expect(listing).toContain("-rw-r--r-- root/root       513 1970-01-01 00:00:00 ./a/b513\n");
    expect(listing.trimEnd().split("\n")).toHaveLength(2 + lengths.length);
    for (const { path, bytes } of members) {
      expect(Buffer.from(await $`tar -xOf ${scratch}/a.tar ${path}`.quiet().arrayBuffer())).toEqual(bytes);
    }
  });

  test("ar: every member begins at an even offset", () => {
    const bytes = ar([
      { path: "odd", bytes: Buffer.from("abc") },
      { path: "even", bytes: Buffer.from("ab") },
    ]);
    expect(bytes.subarray(0, 8).toString()).toBe("!<arch>\n");
    expect(bytes.indexOf("even")).toBe(8 + 60 + 4);
    expect(bytes).toHaveLength(8 + 60 + 4 + 60 + 2);
  });
});

test("the date of the man page is that of the commit, and only the date depends on it", async () => {
  const date = await commitDate();
  // A copy without its repository has no date.
  expect(date).toMatch(existsSync(`${import.meta.dir}/../../.git`) ? /^\d{4}-\d\d-\d\d$/ : /^$/);
  const pages = [date, date, "1970-01-01"].map((day) => writeTexts(new Map(), day).man.toString());
  expect(pages[0]).toStartWith(`.TH CGKILL 1 "${date}" "cgkill ${packageJson.version}"`);
  expect(pages[1]).toBe(pages[0] as string);
  expect(pages[2]).toBe((pages[0] as string).replace(`"${date}"`, '"1970-01-01"'));
});

describe("the Debian package", () => {
  const files = new Map<string, Buffer<ArrayBuffer>>();
  const texts = writeTexts(files);
  const deb = `${scratch}/cgkill.deb`;
  writeFileSync(deb, debianPackage("amd64", BINARY, texts));

  test("the same inputs give the same bytes", () => {
    expect(debianPackage("amd64", BINARY, texts)).toEqual(readFileSync(deb));
  });

  const reader = Bun.which("dpkg-deb");
  if (reader === null) console.warn("left out: the package as dpkg reads it (dpkg-deb is not installed)");
  test.skipIf(reader === null)("dpkg-deb reads its fields and files", async () => {
    const info = await $`dpkg-deb --field ${deb}`.text();
    expect(info).toContain(`Package: cgkill\nVersion: ${packageJson.version}\nArchitecture: amd64\n`);
    expect(info).toMatch(/^Installed-Size: [1-9]\d*$/m);
    const into = `${scratch}/unpacked`;
    await $`dpkg-deb --extract ${deb} ${into}`.quiet();
    expect(readFileSync(`${into}/usr/bin/cgkill`)).toEqual(BINARY);
    expect(statSync(`${into}/usr/bin/cgkill`).mode & 0o7777).toBe(0o755);
    const man = Bun.gunzipSync(readFileSync(`${into}/usr/share/man/man1/cgkill.1.gz`));
    expect(Buffer.from(man)).toEqual(files.get("cgkill.1") as Buffer<ArrayBuffer>);
    const bash = readFileSync(`${into}/usr/share/bash-completion/completions/cgkill`);
    expect(bash).toEqual(files.get("cgkill.bash") as Buffer<ArrayBuffer>);
    const list = await $`dpkg-deb --contents ${deb}`.text();
    expect(list.split("\n").filter((line) => line !== "" && !line.includes(" root/root "))).toEqual([]);
  });

  const canInstall = Bun.which("dpkg") !== null && process.getuid?.() === 0;
  if (!canInstall) console.warn("left out: the package as dpkg installs it (no dpkg, or not root)");
  test.if(canInstall)("dpkg installs it into a root directory and removes it again", async () => {
    const into = `${scratch}/host`;
    for (const dir of ["info", "updates"]) mkdirSync(`${into}/var/lib/dpkg/${dir}`, { recursive: true });
    for (const file of ["status", "available"]) writeFileSync(`${into}/var/lib/dpkg/${file}`, "");
    const dpkg = async (...args: string[]) => {
      const host = [`--root=${into}`, `--log=${into}/log`, "--force-depends", "--force-architecture"];
      const ran = await $`dpkg ${host} ${args}`
        .env({ PATH: process.env["PATH"] ?? "", LC_ALL: "C" })
        .quiet()
        .nothrow();
      return { code: ran.exitCode, text: `${ran.stdout}${ran.stderr}` };
    };
    expect(await dpkg("--install", deb)).toMatchObject({ code: 0 });
    expect((await dpkg("--status", "cgkill")).text).toContain("Status: install ok installed");
    expect(await $`${into}/usr/bin/cgkill`.text()).toBe("cgkill of a test\n");
    expect(await dpkg("--verify", "cgkill")).toEqual({ code: 0, text: "" });
    expect(await dpkg("--purge", "cgkill")).toMatchObject({ code: 0 });
    expect(existsSync(`${into}/usr/bin/cgkill`)).toBe(false);
    expect(existsSync(`${into}/usr/share/doc/cgkill`)).toBe(false);
  });
});
