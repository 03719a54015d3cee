// Where a release comes from, as an in-toto statement with SLSA provenance: commit, lock file, flags, tools and sums.

import { readFileSync } from "node:fs";

import { $ } from "bun";

import { FLAGS } from "../build/build.ts";
import type { Facts } from "./facts.ts";
import { sha256 } from "./sums.ts";
import { flagsOf, runtimeIntegrity, TARGETS } from "./targets.ts";

const root = `${import.meta.dir}/../..`;

/** @param sums  SHA-256 by file name. @param hasRpm  rpm packages were made */
export async function renderProvenance(
  sums: ReadonlyMap<string, string>,
  facts: Facts,
  hasRpm: boolean,
): Promise<string> {
  const lock = readFileSync(`${root}/package-lock.json`);
  const rpm = hasRpm ? (await $`rpmbuild --version`.quiet().text()).trim() : null;
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, sum]) => ({ name, digest: { sha256: sum } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: "urn:cgkill:release:1",
        externalParameters: { command: "npm ci && npm run build -- --release", version: facts.version },
        internalParameters: { flags: FLAGS, targets: TARGETS.map(flagsOf) },
        resolvedDependencies: [
          { name: "source", digest: { gitCommit: facts.commit } },
          { name: "package-lock.json", digest: { sha256: sha256(lock) } },
          ...TARGETS.map((target) => ({
            name: `@oven/${target.runtime}@${Bun.version}`,
            digest: { sha512: Buffer.from(runtimeIntegrity(target).replace("sha512-", ""), "base64").toString("hex") },
          })),
        ],
      },
      runDetails: {
        builder: {
          id: `urn:cgkill:builder:${facts.maintainer}`,
          version: { bun: Bun.version, npm: (await $`npm --version`.quiet().text()).trim(), rpmbuild: rpm ?? "none" },
        },
      },
    },
  };
  return `${JSON.stringify(statement, undefined, 1)}\n`;
}
