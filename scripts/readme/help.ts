// Writes `cgkill --help` into README.md, or with --check fails if what stands there differs.

import { renderHelp } from "../../src/cli/commands/help.ts";

const README = `${import.meta.dir}/../../README.md`;
const BLOCK = /(<!-- help -->\n)[\s\S]*?(<!-- \/help -->)/;

const text = await Bun.file(README).text();
if (!BLOCK.test(text)) {
  console.error("README.md: the marks <!-- help --> and <!-- /help --> are missing");
  process.exit(1);
}
const fresh = text.replace(
  BLOCK,
  (_, open: string, close: string) => `${open}\`\`\`text\n${renderHelp()}\`\`\`\n${close}`,
);
if (process.argv.includes("--check")) {
  if (fresh !== text) {
    console.error("README.md: --help has changed; run: bun scripts/readme/help.ts");
    process.exit(1);
  }
} else {
  await Bun.write(README, fresh);
}
