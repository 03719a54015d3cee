// The documents that the tests of this folder check against the code.

import { readFileSync } from "node:fs";

export const root: string = `${import.meta.dir}/../..`;
const read = (file: string): string => readFileSync(`${root}/${file}`, "utf8");
export const README: string = read("README.md");
export const MANUAL: string = read("scripts/release/man/manual.md");
/** The texts by file. */
export const DOCS: ReadonlyMap<string, string> = new Map([
  ["README.md", README],
  ["scripts/release/man/manual.md", MANUAL],
  ...["src", "test", "scripts"].map((dir) => [`${dir}/README.md`, read(`${dir}/README.md`)] as const),
]);
export const ALL: string = [...DOCS.values()].join("\n");
/** Everything except code blocks. */
const prose = ALL.replace(/^```[\s\S]*?^```$/gm, "");
/** Inline code. */
export const spans: readonly string[] = [...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] as string);

/** The rows of the first table after a heading, cell by cell. */
export function tableAfter(text: string, heading: string): string[][] {
  const section = text.slice(text.indexOf(`\n${heading}\n`));
  const rows = section.slice(section.indexOf("\n|")).split("\n").slice(1);
  const end = rows.findIndex((row) => !row.startsWith("|"));
  return rows.slice(2, end).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
