// `cgkill --licenses`: the text that the build embeds as a file, which nothing else reads.

import { UsageError } from "../args/usage-error.ts";

/** @throws UsageError  this is not a built binary */
export async function readLicenses(): Promise<string> {
  if (!Bun.isStandaloneExecutable) {
    throw new UsageError("the licences are listed when cgkill is built", "npm run build && dist/cgkill --licenses");
  }
  return await Bun.file(`${import.meta.dir}/THIRD-PARTY`).text();
}
