// The generated texts that need no cgroups: `cgkill --help` in the manual, and four rows of the comparison in
// README.md. Writes them, or with --check fails if they are out of date.

import { renderHelp } from "../../src/cli/commands/help.ts";
import { asText, readBlock, replaceBlock, writeOrCheck } from "./blocks.ts";

const root = `${import.meta.dir}/../..`;
const README = `${root}/README.md`;
const MANUAL = `${root}/scripts/release/man/manual.md`;
const SCRIPTS = `${root}/scripts/README.md`;

/** The tools that README.md answers in its title, beside cgkill. The whole table is in scripts/README.md. */
const SHORT = [
  "`cgkill -r` on v2",
  "`echo 1 > cgroup.kill` on v2",
  "`pkill -9 --cgroup` on v2",
  "`systemctl kill -s KILL` on v2",
];

/** The head of the table and four of its rows. */
async function fourRows(): Promise<string> {
  const rows = readBlock(await Bun.file(SCRIPTS).text(), "compare")
    .trimEnd()
    .split("\n");
  const wanted = SHORT.map((tool) => {
    const row = rows.find((each) => each.startsWith(`| ${tool} |`));
    if (row === undefined) throw new Error(`scripts/README.md: the comparison has no row for ${tool}`);
    return row.replace(" on v2 |", " |");
  });
  return [...rows.slice(0, 2), ...wanted].join("\n");
}

const fresh = new Map([
  [MANUAL, replaceBlock(await Bun.file(MANUAL).text(), "help", asText(renderHelp()))],
  [README, replaceBlock(await Bun.file(README).text(), "compare", await fourRows())],
]);
if (!(await writeOrCheck(fresh, "bun scripts/readme/texts.ts"))) process.exit(1);
