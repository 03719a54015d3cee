// What the working tree says about its commit, for the stamp of the binary.

import { $ } from "bun";

const root = `${import.meta.dir}/../..`;

async function git(...args: readonly string[]): Promise<string | undefined> {
  const ran = await $`git ${args}`.cwd(root).quiet().nothrow();
  return ran.exitCode === 0 ? ran.text().trim() : undefined;
}

/** The abbreviated hash of HEAD, with `+dirty` if anything differs from it; `unknown` outside a repository. */
export async function commitStamp(): Promise<string> {
  const hash = await git("rev-parse", "--short=12", "HEAD");
  if (hash === undefined) return "unknown";
  return `${hash}${(await git("status", "--porcelain")) === "" ? "" : "+dirty"}`;
}
