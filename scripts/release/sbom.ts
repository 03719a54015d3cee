// The software bill of materials of one release file, as CycloneDX 1.6 in JSON. `npm sbom` knows neither the runtime nor
// what is in it, and writes a random number and the time; this one depends only on the file, the lock file and Bun.

import packageJson from "../../package.json";
import type { Facts } from "./facts.ts";
import { bundledPackages } from "./licenses/bundled.ts";
import type { Component } from "./licenses/component.ts";
import { runtimeComponents } from "./licenses/runtime.ts";
import { sha256 } from "./sums.ts";
import { runtimeIntegrity, type Target } from "./targets.ts";

interface Entry {
  readonly type: string;
  readonly "bom-ref": string;
  readonly name: string;
  readonly [key: string]: unknown;
}

/**
 * Describe a release file.
 *
 * @param name  of the file
 * @param target  the platform of the binary in it; `undefined` if it holds the library only
 */
export function renderSbom(name: string, bytes: Uint8Array, target: Target | undefined, facts: Facts): string {
  const sum = sha256(bytes);
  const packages = target === undefined ? [] : bundledPackages();
  const entries = packages.map((each) => npmEntry(each));
  const runtime = target === undefined ? [] : [runtimeEntry(target)];
  const main: Entry = {
    type: "application",
    "bom-ref": "cgkill",
    name: "cgkill",
    version: facts.version,
    description: packageJson.description,
    licenses: [{ license: { id: "MIT" } }],
    purl: `pkg:generic/cgkill@${facts.version}`,
    hashes: [{ alg: "SHA-256", content: sum }],
    properties: [
      { name: "cgkill:file", value: name },
      { name: "cgkill:commit", value: facts.commit },
    ],
  };
  const direct = Object.keys(packageJson.dependencies);
  const uses = [...runtime, ...entries.filter((entry) => direct.includes(entry.name))];
  const sbom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(sum)}`,
    version: 1,
    metadata: {
      timestamp: new Date(facts.epoch * 1000).toISOString(),
      authors: [{ name: facts.maintainer.replace(/ <.*/, "") }],
      component: main,
    },
    components: [...runtime, ...entries],
    dependencies: [
      { ref: "cgkill", dependsOn: uses.map((entry) => entry["bom-ref"]) },
      ...runtime.map((entry) => ({ ref: entry["bom-ref"] })),
      ...packages.map((each) => ({ ref: npmRef(each.name), dependsOn: each.dependencies.map(npmRef) })),
    ],
  };
  return `${JSON.stringify(sbom, undefined, 1)}\n`;
}

const npmRef = (name: string): string => `npm:${name}`;

function npmEntry({ name, version, license, integrity }: Component & { readonly integrity: string }): Entry {
  return {
    type: "library",
    "bom-ref": npmRef(name),
    name,
    version,
    licenses: licensesOf(license),
    purl: npmPurl(name, version),
    hashes: [hashOf(integrity)],
  };
}

/** The runtime, and what it consists of. */
function runtimeEntry(target: Target): Entry {
  const [bun, ...parts] = runtimeComponents() as [Component, ...Component[]];
  return {
    type: "platform",
    "bom-ref": "runtime",
    name: `@oven/${target.runtime}`,
    version: bun.version,
    description: "Bun, the runtime, as one executable",
    licenses: licensesOf(bun.license),
    purl: npmPurl(`@oven/${target.runtime}`, bun.version),
    hashes: [hashOf(runtimeIntegrity(target))],
    externalReferences: [{ type: "vcs", url: bun.url }],
    components: parts.map(({ name, version, license, url, source, note }) => ({
      type: "library",
      "bom-ref": `runtime:${name}`,
      name,
      ...(version === undefined ? {} : { version }),
      ...(note === undefined ? {} : { description: note }),
      licenses: licensesOf(license),
      ...(url === undefined ? {} : { externalReferences: [{ type: "website", url }] }),
      properties: [{ name: "cgkill:source", value: source }],
    })),
  };
}

const npmPurl = (name: string, version: string | undefined): string => `pkg:npm/${name.replace("@", "%40")}@${version}`;

/** "sha512-base64" */
function hashOf(integrity: string): object {
  const [, base64] = /^sha512-(.+)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`not a SHA-512: ${integrity}`);
  return { alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") };
}

const SPDX_IDS = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MPL-2.0"];

/** An SPDX identifier or expression, or prose as the vendor wrote it. */
function licensesOf(license: string): object[] {
  if (SPDX_IDS.includes(license)) return [{ license: { id: license } }];
  return / (AND|OR|WITH) [A-Z]/.test(license) ? [{ expression: license }] : [{ license: { name: license } }];
}

/** A serial number that depends only on the file, in the form of a version 8 UUID. */
function uuidOf(sum: string): string {
  const hex = `${sum.slice(0, 12)}8${sum.slice(13, 16)}a${sum.slice(17, 32)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
