// scripts/release/install.sh when it must refuse or is interrupted: nothing is left behind.

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

import { ALL, filesIn, INSTALL, install, installMounted, makePlaces, SMALL_BINARY } from "../support/installer.ts";
import { until } from "../support/real-cgroup.ts";

const places = makePlaces();
const { make, release } = places;
afterAll(() => places[Symbol.dispose]());
const by = places.installers[0] as (typeof places.installers)[number];
const { argv: shell, path } = by;

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("left out: the installer on file systems of its own (needs root)");
const binariesIn = (at: string): string[] => readdirSync(at).filter((name) => name.startsWith("cgkill-linux-"));
const edit = (file: string, what: RegExp, other: string): void =>
  writeFileSync(file, readFileSync(file, "utf8").replace(what, other));

describe("install.sh", () => {
  test("a binary that does not run is refused, and the older one is kept", () => {
    const prefix = make();
    mkdirSync(`${prefix}/bin`);
    writeFileSync(`${prefix}/bin/cgkill`, "older");
    const { code, stderr } = install(by, prefix, [release(Buffer.from("#!/bin/sh\nexit 3\n"))]);
    expect(stderr).toContain("does not run");
    expect(code).toBe(1);
    expect(readFileSync(`${prefix}/bin/cgkill`, "utf8")).toBe("older");
    expect(readdirSync(prefix)).toEqual(["bin"]);
  });

  test.if(isRoot)("running out of inodes at the last completion leaves nothing behind", () => {
    // The root, bin and the older binary; then enough for everything but the last file.
    const { left, stderr } = installMounted(by, "size=1m,nr_inodes=27", make(), release());
    expect(stderr).toContain("nothing was installed");
    expect(left).toBe("1 . ./bin ./bin/cgkill\n");
  });

  test("reaching a limit on the size of files leaves nothing behind", () => {
    const prefix = `${make()}/prefix`;
    const large = Buffer.concat([SMALL_BINARY, Buffer.alloc(200_000, "#")]);
    expect(install(by, prefix, [release(large)], "ulimit -f 8").code).not.toBe(0);
    expect(existsSync(prefix)).toBe(false);
  });

  test.each(["HUP", "INT", "TERM"])("SIG%s while the new binary is tried leaves nothing behind", async (signal) => {
    const prefix = `${make()}/prefix`;
    const slow = release(Buffer.from('#!/bin/sh\n: >"$PREFIX/tried"; sleep 0.5\n'));
    const argv = ["env", `PATH=${path}`, `PREFIX=${prefix}`, ...shell, INSTALL, slow];
    const child = Bun.spawn(argv, { stdout: "ignore", stderr: "ignore" });
    await until("its turn", () => existsSync(`${prefix}/tried`));
    rmSync(`${prefix}/tried`);
    child.kill(`SIG${signal}` as "SIGHUP");
    expect(await child.exited).not.toBe(0);
    expect(existsSync(prefix)).toBe(false);
  });

  test("a full standard output does not prevent the installation", () => {
    const prefix = `${make()}/prefix`;
    expect(install(by, prefix, [release()], "exec >/dev/full").code).toBe(0);
    expect(filesIn(prefix)).toEqual(ALL);
  });

  test.each([[["--help"]], [["a", "b"]], [["-x"]]])("%j is a usage error", (args) => {
    const { code, stderr } = install(by, make(), args);
    expect(stderr).toStartWith("usage: ");
    expect(code).toBe(2);
  });

  test("a PREFIX with a newline is refused", () => {
    const { code, stderr } = install(by, `${make()}/a\nb`, [release()]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "install.sh: PREFIX: contains a newline\n" });
  });

  test.each([
    [
      "a binary that was changed",
      (at: string) => binariesIn(at).map((name) => writeFileSync(`${at}/${name}`, "other")),
    ],
    ["a completion that was changed", (at: string) => writeFileSync(`${at}/cgkill.fish`, "other")],
    ["a file without a sum", (at: string) => edit(`${at}/SHA256SUMS`, /^.*cgkill\.1\n/m, "")],
    ["a malformed sum", (at: string) => edit(`${at}/SHA256SUMS`, /^[0-9a-f]+(?= {2}cgkill\.1$)/m, "0")],
    ["a missing file", (at: string) => rmSync(`${at}/cgkill.zsh`)],
    ["a missing binary", (at: string) => binariesIn(at).map((name) => rmSync(`${at}/${name}`))],
    ["no sums at all", (at: string) => rmSync(`${at}/SHA256SUMS`)],
  ])("%s is refused, and nothing is left behind", (_, spoil) => {
    const at = release();
    spoil(at);
    const prefix = `${at}-prefix`;
    const { code, stderr } = install(by, prefix, [at]);
    expect(stderr).toStartWith("install.sh: ");
    expect(code).toBe(1);
    expect(existsSync(prefix)).toBe(false);
  });

  test("a destination that cannot be written fails, and no partial file is left", () => {
    const prefix = make();
    mkdirSync(`${prefix}/bin`, { recursive: true });
    writeFileSync(`${prefix}/bin/cgkill`, "older");
    chmodSync(`${prefix}/bin/cgkill`, 0o755);
    writeFileSync(`${prefix}/share`, "a file, where a directory must be");
    expect(install(by, prefix, [release()]).code).not.toBe(0);
    expect(filesIn(`${prefix}/bin`)).toEqual(["cgkill"]);
  });
});
