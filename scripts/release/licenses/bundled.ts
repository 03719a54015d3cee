// The npm packages whose code is bundled: everything that `dependencies` leads to, according to package-lock.json, with
// the licence text in each package.

import { readdirSync, readFileSync } from "node:fs";

import lock from "../../../package-lock.json";
import type { Component } from "./component.ts";

const root = `${import.meta.dir}/../../..`;

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const PACKAGES: Readonly<Record<string, Locked>> = lock.packages;

export interface BundledPackage extends Component {
  readonly integrity: string;
  /** The names of the packages that it imports. */
  readonly dependencies: readonly string[];
  readonly text: string;
}

/**
 * List the bundled packages, sorted by name.
 *
 * @throws Error  a package is nested, or has no version, licence, sum or licence text
 */
export function bundledPackages(): BundledPackage[] {
  const found = new Map<string, BundledPackage>();
  const add = (name: string): void => {
    if (found.has(name)) return;
    const { version, license, integrity, dependencies = {} } = PACKAGES[`node_modules/${name}`] ?? {};
    if (version === undefined || license === undefined || integrity === undefined) {
      throw new Error(`${name}: package-lock.json has no version, licence or sum of it`);
    }
    found.set(name, {
      name,
      version,
      license,
      integrity,
      url: `https://www.npmjs.com/package/${name}`,
      source: "lock file",
      dependencies: Object.keys(dependencies),
      text: licenseText(name),
    });
    for (const dependency of Object.keys(dependencies)) add(dependency);
  };
  for (const name of Object.keys(PACKAGES[""]?.dependencies ?? {})) add(name);
  const nested = Object.keys(PACKAGES).find((path) =>
    [...found.keys()].some((name) => path.endsWith(`/node_modules/${name}`)),
  );
  if (nested !== undefined)
    throw new Error(`${nested}: two versions of one package, which this list cannot tell apart`);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function licenseText(name: string): string {
  const dir = `${root}/node_modules/${name}`;
  const file = readdirSync(dir).find((entry) => /^licen[cs]e(\.\w+)?$/i.test(entry));
  if (file === undefined) throw new Error(`${name}: the package has no licence text`);
  return readFileSync(`${dir}/${file}`, "utf8").trim();
}
