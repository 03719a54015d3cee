// Thousands of cgroups in chains, made and removed fast enough for a test.

import { mkdirSync, readdirSync, rmdirSync } from "node:fs";

const DEPTH = 250;

/** Chains of 250 below a directory; a path to the last one has 1,000 bytes more, as the names of real ones do. */
export function makeChains(dir: string, chains: number): void {
  for (let chain = 0; chain < chains; chain++) {
    let path = `${dir}/c${chain}`;
    for (let depth = 0; depth < DEPTH; depth++) {
      mkdirSync(path);
      path += "/dir";
    }
  }
}

/** Remove what is left of them; a part may be gone. */
export function removeChains(dir: string): void {
  for (const name of readdirSync(dir).filter((one) => /^c\d+$/.test(one))) {
    for (let depth = DEPTH - 1; depth >= 0; depth--) {
      try {
        rmdirSync(`${dir}/${name}${"/dir".repeat(depth)}`);
      } catch {
        // It is gone already.
      }
    }
  }
}
