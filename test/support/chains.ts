// Thousands of cgroups in chains, made and removed fast enough for a test.

import { mkdirSync, readdirSync, rmdirSync } from "node:fs";

const DEPTH = 250;

/** Make chains of 250 nested cgroups below a directory. The path of the last one is 1,000 bytes longer. */
export function makeChains(dir: string, chains: number): void {
  for (let chain = 0; chain < chains; chain++) {
    let path = `${dir}/c${chain}`;
    for (let depth = 0; depth < DEPTH; depth++) {
      mkdirSync(path);
      path += "/dir";
    }
  }
}

/** Remove the chains, of which a part may be gone already. */
export function removeChains(dir: string): void {
  for (const name of readdirSync(dir).filter((one) => /^c\d+$/.test(one))) {
    for (let depth = DEPTH - 1; depth >= 0; depth--) {
      try {
        rmdirSync(`${dir}/${name}${"/dir".repeat(depth)}`);
      } catch {
        // Already gone.
      }
    }
  }
}
