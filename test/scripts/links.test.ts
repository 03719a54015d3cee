// The size of the front page, and what the READMEs and the manual point to: links, npm scripts and files.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import packageJson from "../../package.json";
import { ALL, DOCS, README, root, spans } from "./docs.ts";

/** The largest size of the front page. */
const MAX_README_BYTES = 12 * 1024;

test("the front page is at most 12 KB", () => {
  expect(Buffer.byteLength(README)).toBeLessThanOrEqual(MAX_README_BYTES);
});

describe("links", () => {
  const links = [...DOCS].flatMap(([file, text]) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => [file, match[1] as string] as const),
  );
  const anchors = (text: string): string[] =>
    [...text.matchAll(/^#+ (.*)$/gm)].map((match) =>
      (match[1] ?? "")
        .toLowerCase()
        .replaceAll(/[^\w -]/g, "")
        .replaceAll(" ", "-"),
    );

  test.each(links.filter(([, link]) => !link.startsWith("https:")))("%s links to %s", (file, link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? join(root, file) : join(root, dirname(file), path);
    expect(existsSync(target)).toBe(true);
    if (anchor !== undefined) expect(anchors(readFileSync(target, "utf8"))).toContain(anchor);
  });
});

describe("npm scripts and files", () => {
  const scripts = [...ALL.matchAll(/\b(?:npm|bun) run ([a-z]+)/g)].map((match) => match[1] as string);
  test.each([...new Set(scripts)].map((name) => [name]))("run %s", (name) => {
    expect(Object.keys(packageJson.scripts)).toContain(name);
  });

  const paths = [...ALL.matchAll(/(?<![\w/.-])(?:scripts|src|test)\/[\w./-]*\w/g)].map((match) => match[0]);
  test.each([...new Set(paths)].map((path) => [path]))("%s", (path) => {
    expect(existsSync(`${root}/${path}`)).toBe(true);
  });

  const all = [...readdirSync(`${root}/test`, { recursive: true }), ...readdirSync(`${root}/src`, { recursive: true })];
  const files = all.map(String);
  const names = spans.flatMap((span) => span.match(/^[\w/-]+\.(?:test\.)?ts$/g) ?? []);
  test.each([...new Set(names)].map((name) => [name]))("%s", (name) => {
    const short = name.replace(/^(src|test|scripts)\//, "");
    const isThere = files.some((file) => file === short || file.endsWith(`/${short}`));
    expect(isThere || existsSync(`${root}/${name}`)).toBe(true);
  });
});
