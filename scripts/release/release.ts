// Makes dist/release, everything that goes onto hosts: a binary for every Linux that Bun has a runtime for, plain,
// compressed and in packages, with man page, completions and licences; an SBOM for each, the provenance, and sums. The
// runtimes come from the npm registry and are checked against package-lock.json. The same commit gives the same bytes.
//
//   npm run build -- --release [--sign=KEY]    KEY: for ssh-keygen; a file with the private key, and KEY.pub beside it

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { type Facts, readFacts } from "./facts.ts";
import { libraryFiles } from "./npm/library.ts";
import { debianPackage } from "./packages/debian.ts";
import { gzip } from "./packages/host-files.ts";
import { mainTgz, platformPackage, platformTgz, tgzName } from "./packages/npm.ts";
import { hasRpmbuild, rpmPackage } from "./packages/rpm.ts";
import { tarball } from "./packages/tarball.ts";
import { renderProvenance } from "./provenance.ts";
import { renderSbom } from "./sbom.ts";
import { publicKeyOf, renderSums, sha256, sign } from "./sums.ts";
import { buildTarget, type Target, TARGETS } from "./targets.ts";
import { renderTexts, type Texts } from "./texts.ts";

const root = `${import.meta.dir}/../..`;

interface Output {
  /** SHA-256 by file name. */
  readonly sums: ReadonlyMap<string, string>;
  readonly write: (name: string, bytes: Buffer, mode?: number) => void;
  /** Write a file that contains code, and its SBOM. @param target  the platform of the binary in it, if it has one */
  readonly writeCode: (name: string, bytes: Buffer, target: Target | undefined, mode?: number) => void;
}

/** Re-create the release directory. */
function createOutput(dir: string, facts: Facts): Output {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(`${dir}/sbom`, { recursive: true });
  const sums = new Map<string, string>();
  const write: Output["write"] = (name, bytes, mode = 0o644) => {
    writeFileSync(`${dir}/${name}`, new Uint8Array(bytes), { mode });
    sums.set(name, sha256(bytes));
  };
  return {
    sums,
    write,
    writeCode(name, bytes, target, mode) {
      write(name, bytes, mode);
      write(`sbom/${name}.cdx.json`, Buffer.from(renderSbom(name, bytes, target, facts)));
      console.log(`${name}: ${(bytes.length / 1024 ** 2).toFixed(1)} MiB`);
    },
  };
}

/** @param key  to sign with; `undefined` leaves the release unsigned */
export async function release(into: string, key: string | undefined): Promise<void> {
  const facts = await readFacts();
  const publicKey = key === undefined ? "" : publicKeyOf(key);
  const texts = renderTexts(facts, publicKey);
  const output = createOutput(into, facts);
  for (const [name, bytes] of Object.entries(texts)) output.write(name, bytes, name.endsWith(".sh") ? 0o755 : 0o644);
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-release-`);
  try {
    for (const target of TARGETS) await writeTarget(target, await buildTarget(target, scratch), texts, facts, output);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  output.writeCode(tgzName("cgkill", facts.version), await mainTgz(texts, facts, await libraryFiles()), undefined);
  if (!hasRpmbuild()) console.log("left out: rpm packages (no rpmbuild; on Debian: apt-get install rpm)");
  output.write("provenance.json", Buffer.from(await renderProvenance(output.sums, facts, hasRpmbuild())));
  writeFileSync(`${into}/SHA256SUMS`, renderSums(output.sums));
  if (key !== undefined) {
    writeFileSync(`${into}/cgkill.pub`, `${publicKey}\n`);
    await sign(`${into}/SHA256SUMS`, key);
  }
  console.log(`${into}: ${output.sums.size} files, ${key === undefined ? "not signed (--sign=KEY)" : "signed"}`);
}

async function writeTarget(target: Target, binary: Buffer, texts: Texts, facts: Facts, output: Output): Promise<void> {
  const { name, debian, rpm } = target;
  const { version } = facts;
  output.writeCode(`cgkill-${name}`, binary, target, 0o755);
  output.writeCode(`cgkill-${name}.gz`, gzip(binary), target);
  output.writeCode(`cgkill-${version}-${name}.tar.gz`, tarball(name, binary, texts, facts), target);
  output.writeCode(tgzName(platformPackage(target), version), await platformTgz(target, binary, texts, facts), target);
  if (debian !== undefined) {
    output.writeCode(`cgkill_${version}_${debian}.deb`, debianPackage(debian, binary, texts, facts), target);
  }
  if (rpm !== undefined && hasRpmbuild()) {
    output.writeCode(`cgkill-${version}-1.${rpm}.rpm`, await rpmPackage(rpm, binary, texts, facts), target);
  }
}

if (import.meta.main) {
  const option = (name: string): string | undefined =>
    process.argv.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  await release(option("into") ?? `${root}/dist/release`, option("sign"));
}
