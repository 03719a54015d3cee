// What a release is made of, without building the four binaries: archives, texts, bills of materials, provenance.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import lock from "../../package-lock.json";
import packageJson from "../../package.json";
import { FLAGS } from "../../scripts/build/build.ts";
import { ar, tar } from "../../scripts/release/archive.ts";
import { readChanges } from "../../scripts/release/facts.ts";
import { bundledPackages } from "../../scripts/release/licenses/bundled.ts";
import { runtimeComponents } from "../../scripts/release/licenses/runtime.ts";
import { renderProvenance } from "../../scripts/release/provenance.ts";
import { renderSbom } from "../../scripts/release/sbom.ts";
import { sha256 } from "../../scripts/release/sums.ts";
import { TARGETS } from "../../scripts/release/targets.ts";
import { renderTexts } from "../../scripts/release/texts.ts";
import { FACTS } from "../support/installer.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("archives", () => {
  test("tar reads the names, modes, owners, dates and bytes of members of any length", async () => {
    const lengths = [0, 1, 511, 512, 513];
    const members = lengths.map((length) => ({
      path: `./a/b${length}`,
      mode: length === 1 ? 0o755 : 0o644,
      bytes: Buffer.alloc(length, "x"),
    }));
    writeFileSync(`${scratch}/a.tar`, tar(members, FACTS.epoch));
    const date = new Date(FACTS.epoch * 1000).toISOString().slice(0, 19).replace("T", " ");
    const listing = await $`tar --full-time --utc -tvf ${scratch}/a.tar`.text();
    expect(listing).toContain(`drwxr-xr-x root/root         0 ${date} ./a/`);
    expect(listing).toContain(`-rwxr-xr-x root/root         1 ${date} ./a/b1\n`);
    expect(listing).toContain(`-rw-r--r-- root/root       513 ${date} ./a/b513\n`);
    expect(listing.trimEnd().split("\n")).toHaveLength(2 + lengths.length);
    for (const { path, bytes } of members) {
      expect(Buffer.from(await $`tar -xOf ${scratch}/a.tar ${path}`.quiet().arrayBuffer())).toEqual(bytes);
    }
  });

  test("a path that does not fit is an error, not a shorter path", () => {
    const path = `./${"x".repeat(99)}`;
    expect(() => tar([{ path, mode: 0o644, bytes: Buffer.alloc(0) }], 0)).toThrow("too long");
  });

  test("ar: every member begins at an even offset", () => {
    const bytes = ar(
      [
        { path: "odd", bytes: Buffer.from("abc") },
        { path: "even", bytes: Buffer.from("ab") },
      ],
      0,
    );
    expect(bytes.subarray(0, 8).toString()).toBe("!<arch>\n");
    expect(bytes.indexOf("even")).toBe(8 + 60 + 4);
    expect(bytes).toHaveLength(8 + 60 + 4 + 60 + 2);
  });
});

describe("the texts", () => {
  test("the date of the man page is that of the commit, and only the date depends on it", () => {
    const page = renderTexts(FACTS)["cgkill.1"].toString();
    expect(page).toStartWith(`.TH CGKILL 1 "2025-11-24" "cgkill ${packageJson.version}"`);
    const later = renderTexts({ ...FACTS, epoch: 0 })["cgkill.1"].toString();
    expect(later).toBe(page.replace('"2025-11-24"', '"1970-01-01"'));
  });

  test("the key is written into the installer, and anything else is refused", () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==";
    const script = renderTexts(FACTS, key)["install.sh"].toString();
    expect(script).toContain(`\nbuilt_in_key='${key}'\n`);
    for (const bad of ["ssh-ed25519 A'; rm -rf /; '", "two lines\nof it", "three words here"]) {
      expect(() => renderTexts(FACTS, bad)).toThrow("not a public key");
    }
  });

  test("CHANGES has an entry for this version first", () => {
    expect(readChanges()[0]).toMatchObject({ version: packageJson.version, date: expect.stringMatching(/^\d{4}-/) });
    expect(() => readChanges("## 0.0.1 (2026-01-01)\n\n- x\n")).toThrow("has no entry for");
    expect(() => readChanges("## 0.0.1\n\n- x\n")).toThrow("cannot read");
  });
});

const [target] = TARGETS as readonly [(typeof TARGETS)[number]];
const FILE = Buffer.from("a release file");
const sbom = JSON.parse(renderSbom("cgkill-linux-x64", FILE, target, FACTS)) as {
  readonly metadata: { readonly component: unknown };
  readonly components: readonly { readonly name: string; readonly components?: readonly { readonly name: string }[] }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
};

describe("the bill of materials", () => {
  test("names the file by its sum, and the commit", () => {
    expect(sbom.metadata.component).toMatchObject({
      name: "cgkill",
      version: packageJson.version,
      hashes: [{ alg: "SHA-256", content: sha256(FILE) }],
      properties: [
        { name: "cgkill:file", value: "cgkill-linux-x64" },
        { name: "cgkill:commit", value: FACTS.commit },
      ],
    });
  });

  test("has the runtime with all its parts, by the sum of the lock file, and every bundled package", () => {
    const [runtime, ...packages] = sbom.components;
    const pinned = lock.packages["node_modules/@oven/bun-linux-x64"].integrity.replace("sha512-", "");
    expect(runtime).toMatchObject({
      purl: `pkg:npm/%40oven/bun-linux-x64@${Bun.version}`,
      hashes: [{ alg: "SHA-512", content: Buffer.from(pinned, "base64").toString("hex") }],
    });
    expect(["Bun", ...(runtime?.components ?? []).map(({ name }) => name)]).toEqual(
      runtimeComponents().map(({ name }) => name),
    );
    expect(packages.map(({ name }) => name)).toEqual(bundledPackages().map(({ name }) => name));
  });

  test("every dependency is a component, and everything is reached from cgkill", () => {
    const all = new Map(sbom.dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]));
    const reached = new Set<string>();
    const visit = (ref: string): void => {
      expect(all.has(ref)).toBe(true);
      if (reached.has(ref)) return;
      reached.add(ref);
      all.get(ref)?.forEach(visit);
    };
    visit("cgkill");
    expect([...reached].sort()).toEqual([...all.keys()].sort());
  });

  test("the same file gives the same text; another file gives another serial number", () => {
    const again = renderSbom("cgkill-linux-x64", FILE, target, FACTS);
    expect(JSON.parse(again)).toEqual(sbom);
    const number = (bytes: Buffer): string => JSON.parse(renderSbom("f", bytes, target, FACTS)).serialNumber;
    expect(number(FILE)).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(number(Buffer.from("other"))).not.toBe(number(FILE));
  });

  test("the package of the library has no runtime", () => {
    expect(JSON.parse(renderSbom("cgkill.tgz", FILE, undefined, FACTS))).toMatchObject({ components: [] });
  });
});

test("the provenance names commit, lock file, flags, runtimes and the sum of every file", async () => {
  const sums = new Map([
    ["b", "2".repeat(64)],
    ["a", "1".repeat(64)],
  ]);
  const statement = JSON.parse(await renderProvenance(sums, FACTS, false));
  const lockSum = sha256(readFileSync(`${import.meta.dir}/../../package-lock.json`));
  expect(statement).toMatchObject({
    _type: "https://in-toto.io/Statement/v1",
    predicateType: "https://slsa.dev/provenance/v1",
    subject: [
      { name: "a", digest: { sha256: "1".repeat(64) } },
      { name: "b", digest: { sha256: "2".repeat(64) } },
    ],
    predicate: {
      buildDefinition: {
        internalParameters: { flags: FLAGS, targets: TARGETS.map(({ name }) => `--target=bun-${name}`) },
      },
    },
  });
  const { resolvedDependencies } = statement.predicate.buildDefinition;
  expect(resolvedDependencies).toHaveLength(2 + TARGETS.length);
  expect(resolvedDependencies.slice(0, 2)).toEqual([
    { name: "source", digest: { gitCommit: FACTS.commit } },
    { name: "package-lock.json", digest: { sha256: lockSum } },
  ]);
});
