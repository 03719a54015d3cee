// scripts/release/install.sh run by three shells, with obstacles and planted files: it installs all or nothing, never
// follows a link, and says why it refuses.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

import { ALL, filesIn, install, installMounted, makePlaces, SMALL_BINARY, UNSIGNED } from "../support/installer.ts";

const places = makePlaces();
const { make, release } = places;
afterAll(() => places[Symbol.dispose]());

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("left out: the installer on file systems of its own (needs root)");
const works = { code: 0, stdout: "cgkill of a test\n", stderr: UNSIGNED };

for (const by of places.installers) {
  describe(`install.sh by ${by.shell}`, () => {
    test("installs binary, man page and completions below PREFIX over an older version; --uninstall removes them", () => {
      const prefix = `${make()}/a 'prefix' * $(touch x)`;
      mkdirSync(`${prefix}/bin`, { recursive: true });
      writeFileSync(`${prefix}/bin/cgkill`, "older");
      writeFileSync(`${prefix}/bin/other`, "another program");
      expect(install(by, prefix, [release()])).toEqual(works);
      expect(readFileSync(`${prefix}/bin/cgkill`)).toEqual(SMALL_BINARY);
      expect(filesIn(prefix)).toEqual([...ALL, "other"]);
      expect(install(by, prefix, ["--uninstall"]).code).toBe(0);
      expect(filesIn(prefix)).toEqual(["other"]);
    });

    test("accepts a relative directory, one that begins with a dash, and a relative PREFIX, whatever CDPATH says", () => {
      const at = make();
      const decoy = make();
      release(SMALL_BINARY, `${at}/-release`);
      mkdirSync(`${decoy}/-release`);
      mkdirSync(`${decoy}/prefix`);
      const before = `cd '${at}'`;
      expect(install(by, "prefix", ["./-release"], before, { CDPATH: decoy })).toEqual(works);
      expect(filesIn(`${at}/prefix`)).toEqual(ALL);
      release(SMALL_BINARY, `${at}/release`);
      expect(install(by, "-prefix", ["release"], before, { CDPATH: decoy })).toEqual(works);
      expect(filesIn(`${at}/-prefix`)).toEqual(ALL);
      expect(filesIn(decoy)).toEqual([]);
    });

    test.each(["000", "077", "777"])("with umask %s, modes are 755 and 644", (mask) => {
      const prefix = `${make()}/prefix`;
      expect(install(by, prefix, [release()], `umask ${mask}`)).toEqual(works);
      for (const file of readdirSync(prefix, { recursive: true })) {
        const stat = statSync(`${prefix}/${file}`);
        const expected = stat.isDirectory() || file === "bin/cgkill" ? "755" : "644";
        expect({ file, mode: (stat.mode & 0o7777).toString(8) }).toEqual({ file, mode: expected });
      }
    });

    test.each(["bin/cgkill", "share/man/man1/cgkill.1"])(
      "if %s is a directory, it is refused and nothing is installed",
      (file) => {
        const prefix = make();
        mkdirSync(`${prefix}/${file}`, { recursive: true });
        const { code, stderr } = install(by, prefix, [release()]);
        expect(stderr).toBe(`${UNSIGNED}install.sh: ${prefix}/${file}: is a directory; nothing was installed\n`);
        expect(code).toBe(1);
        expect(filesIn(prefix)).toEqual([]);
      },
    );

    test("if bin/cgkill is a symbolic link, the link is replaced and its target is not written", () => {
      const prefix = make();
      const victim = `${make()}/victim`;
      writeFileSync(victim, "precious");
      mkdirSync(`${prefix}/bin`);
      symlinkSync(victim, `${prefix}/bin/cgkill`);
      expect(install(by, prefix, [release()])).toEqual(works);
      expect(readFileSync(victim, "utf8")).toBe("precious");
      expect(lstatSync(`${prefix}/bin/cgkill`).isFile()).toBe(true);
    });

    test.each(["cgkill.new.$$", ".cgkill-install.$$", ".cgkill-install.$$/new"])(
      "a symbolic link planted as %s in a shared directory: not followed",
      (planted) => {
        const prefix = make();
        const victim = make();
        writeFileSync(`${victim}/new`, "precious");
        mkdirSync(`${prefix}/bin`);
        chmodSync(`${prefix}/bin`, 0o1777);
        const before = `at="$PREFIX/bin/${planted}"; case $at in */new) mkdir "\${at%/new}";; esac; ln -s '${victim}/new' "$at"`;
        const { code, stderr } = install(by, prefix, [release()], before);
        expect(readFileSync(`${victim}/new`, "utf8")).toBe("precious");
        if (planted.startsWith("cgkill")) expect(code).toBe(0);
        else {
          expect(stderr).toContain("nothing was installed");
          expect(code).toBe(1);
          expect(existsSync(`${prefix}/bin/cgkill`)).toBe(false);
        }
      },
    );

    test("a directory in which every user may replace files is refused", () => {
      const prefix = make();
      mkdirSync(`${prefix}/bin`);
      chmodSync(`${prefix}/bin`, 0o777);
      const { code, stderr } = install(by, prefix, [release()]);
      expect(stderr).toContain(`${prefix}/bin: every user may replace files in it`);
      expect(code).toBe(1);
      expect(filesIn(prefix)).toEqual([]);
    });

    test("a binary for another architecture is refused and never run as a script", () => {
      const prefix = `${make()}/prefix`;
      const ran = `${make()}/ran`;
      const elf = Buffer.alloc(200, "\n");
      elf.write("\u007fELF\u0002\u0001\u0001", 0, "latin1");
      elf.writeUInt16LE(2, 16);
      elf.writeUInt16LE(process.arch === "arm64" ? 62 : 183, 18);
      elf.write(`\n touch ${ran}\n`, 20, "latin1");
      const { code, stderr } = install(by, prefix, [release(elf)]);
      expect(stderr).toMatch(/is for another architecture; nothing was installed\n$/);
      expect(code).toBe(1);
      expect(existsSync(prefix)).toBe(false);
      expect(existsSync(ran)).toBe(false);
    });

    test.if(isRoot)("a PREFIX mounted noexec is refused and nothing is installed", () => {
      const prefix = make();
      const { left, stderr } = installMounted(by, "noexec,size=1m", prefix, release());
      expect(stderr).toContain(`does not run in ${prefix}/bin (mounted noexec`);
      expect(left).toBe("1 . ./bin ./bin/cgkill\n");
    });

    test.if(isRoot)("a disk that fills up half-way leaves nothing behind, not even a directory", () => {
      const large = Buffer.concat([SMALL_BINARY, Buffer.alloc(200_000, "#")]);
      const { left, stderr } = installMounted(by, "size=100k", make(), release(large));
      expect(stderr).toContain("cannot be written; nothing was installed");
      expect(left).toBe("1 . ./bin ./bin/cgkill\n");
    });
  });
}
