// The npm packages: `cgkill` with launcher and library, and one optional dependency per platform with the binary. Their
// manifests are generated; the one of the repository stays private. `npm pack` makes the files.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import packageJson from "../../../package.json";
import { member, writeMembers } from "../archive.ts";
import type { Facts } from "../facts.ts";
import { type Target, TARGETS } from "../targets.ts";
import type { Texts } from "../texts.ts";

const npmDir = `${import.meta.dir}/../npm`;

export const platformPackage = ({ name }: Pick<Target, "name">): string => `@cgkill/${name}`;

const common = ({ version, maintainer }: Facts): object => ({
  version,
  description: packageJson.description,
  author: maintainer,
});

/** The package of one platform. It holds only the binary and its licences. */
export async function platformTgz(target: Target, binary: Buffer, texts: Texts, facts: Facts): Promise<Buffer> {
  const { cpu, libc } = target;
  const manifest = {
    name: platformPackage(target),
    ...common(facts),
    license: "SEE LICENSE IN THIRD-PARTY",
    description: `${packageJson.description}: the binary for ${target.name}`,
    os: ["linux"],
    cpu: [cpu],
    libc: [libc],
    // The launcher executes a file, so the package must not stay an archive.
    preferUnplugged: true,
    bin: { [`cgkill-${target.name}`]: "bin/cgkill" },
  };
  const readme = `# ${manifest.name}\n\nThe binary of [cgkill](https://www.npmjs.com/package/cgkill) for ${target.name}. Install \`cgkill\` instead.\n`;
  return await pack(
    manifest,
    new Map([["bin/cgkill", binary], ["README.md", Buffer.from(readme)], ...licences(texts)]),
  );
}

/** The main package. @param library  the files of lib/, by name */
export async function mainTgz(texts: Texts, facts: Facts, library: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const manifest = {
    name: "cgkill",
    ...common(facts),
    license: packageJson.license,
    type: "module",
    bin: { cgkill: "bin/cgkill" },
    man: "./man/cgkill.1",
    exports: {
      ".": { types: "./lib/index.d.ts", bun: "./lib/bun.js", default: "./lib/node.js" },
      "./package.json": "./package.json",
    },
    types: "./lib/index.d.ts",
    os: ["linux"],
    engines: { node: ">=20" },
    optionalDependencies: Object.fromEntries(TARGETS.map((target) => [platformPackage(target), facts.version])),
  };
  const files = new Map<string, Buffer>([
    ["bin/cgkill", readFileSync(`${npmDir}/launcher.sh`)],
    ...[...library].map(([name, bytes]) => [`lib/${name}`, bytes] as const),
    ["man/cgkill.1", texts["cgkill.1"]],
    ["README.md", readFileSync(`${npmDir}/README.md`)],
    ["CHANGES.md", texts["CHANGES.md"]],
    ["SECURITY.md", texts["SECURITY.md"]],
    ...licences(texts),
  ]);
  return await pack(manifest, files);
}

const licences = (texts: Texts): [string, Buffer][] => [
  ["LICENSE", texts.LICENSE],
  ["THIRD-PARTY", texts["THIRD-PARTY"]],
];

async function pack(manifest: object, files: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-npm-`);
  try {
    const members = [...files].map(([name, bytes]) => member(name, bytes, name.startsWith("bin/") ? 0o755 : 0o644));
    writeMembers(`${scratch}/package`, members);
    const all = { ...manifest, files: [...files.keys()] };
    writeFileSync(`${scratch}/package/package.json`, `${JSON.stringify(all, undefined, 2)}\n`);
    const packed = await $`npm pack --silent --ignore-scripts --pack-destination ${scratch}`
      .cwd(`${scratch}/package`)
      .quiet();
    return readFileSync(`${scratch}/${packed.text().trim()}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** As `npm pack` names it. */
export const tgzName = (name: string, version: string): string =>
  `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
