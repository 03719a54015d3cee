// What a release says about itself: version, commit, date and maintainer. All of it comes from the commit, so that the
// same commit gives the same bytes.

import { readFileSync } from "node:fs";

import { $ } from "bun";

import packageJson from "../../package.json";

const root = `${import.meta.dir}/../..`;

export interface Facts {
  readonly version: string;
  /** The full hash, with `+dirty` if the working tree differs from it. */
  readonly commit: string;
  /** Of the commit, in seconds since 1970: the date of every file in every package. */
  readonly epoch: number;
  /** The author of the commit, as "name <address>". */
  readonly maintainer: string;
}

/** @throws Error  this is not a clone: a release must name its commit */
export async function readFacts(): Promise<Facts> {
  const log = await $`git log -1 ${"--format=%H%n%ct%n%an <%ae>"} HEAD`.cwd(root).quiet().nothrow();
  if (log.exitCode !== 0) throw new Error("a release must name its commit: make it in a clone of the repository");
  const [hash = "", seconds, maintainer = ""] = log.text().trim().split("\n");
  const isClean = (await $`git status --porcelain`.cwd(root).quiet().text()) === "";
  return { version: packageJson.version, commit: isClean ? hash : `${hash}+dirty`, epoch: Number(seconds), maintainer };
}

export interface Change {
  readonly version: string;
  /** YYYY-MM-DD */
  readonly date: string;
  readonly items: readonly string[];
}

/**
 * Read CHANGES.md, newest version first.
 *
 * @throws Error  the newest entry is not that of package.json
 */
export function readChanges(text: string = readFileSync(`${import.meta.dir}/CHANGES.md`, "utf8")): Change[] {
  const changes = text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const { version = "", date = "" } = /^(?<version>\S+) \((?<date>\d{4}-\d\d-\d\d)\)$/m.exec(section)?.groups ?? {};
      const items = section
        .split(/^- /m)
        .slice(1)
        .map((item) => item.trim().replace(/\s+/g, " "));
      if (version === "" || items.length === 0)
        throw new Error(`CHANGES.md: cannot read the entry ${section.slice(0, 40)}`);
      return { version, date, items };
    });
  if (changes[0]?.version !== packageJson.version)
    throw new Error(`CHANGES.md has no entry for ${packageJson.version}`);
  return changes;
}
