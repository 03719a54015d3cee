// The text behind `cgkill --licenses` and of the file THIRD-PARTY in every package: whose work is in the binary, under
// which terms, and how to replace the parts that are under the LGPL.

import { readFileSync } from "node:fs";

import packageJson from "../../../package.json";
import { bundledPackages } from "./bundled.ts";
import type { Component } from "./component.ts";
import { runtimeComponents } from "./runtime.ts";

const root = `${import.meta.dir}/../../..`;

/** SPDX identifiers of the licences that the components name, in the order of the appendix. */
const TEXTS = [
  "MIT",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "Zlib",
  "Apache-2.0",
  "MPL-2.0",
  "LGPL-2.0-only",
  "LGPL-2.1-only",
  "OpenSSL",
  "ICU",
  "Unicode-3.0",
  "IJG",
  "libpng-2.0",
] as const;

/**
 * Render the whole text. It depends only on the lock file and the runtime's version, not on the platform.
 *
 * @throws Error  this is not the Bun that package.json pins
 */
export function renderThirdParty(): string {
  const pinned = packageJson.devDependencies.bun;
  if (Bun.version !== pinned) throw new Error(`the licences of Bun ${pinned} cannot be listed by Bun ${Bun.version}`);
  const bundled = bundledPackages();
  return [
    `Third-party software in cgkill ${packageJson.version}`,
    paragraph(
      "cgkill itself is under the MIT licence, whose text comes first. Its file also contains the npm packages and the " +
        "runtime listed here. The runtime is as its vendor distributes it, except that a few instructions of cgkill run first.",
    ),
    heading("cgkill"),
    readFileSync(`${root}/LICENSE`, "utf8").trim(),
    heading("npm packages"),
    list(bundled),
    ...bundled.map(({ name, version, text }) => `--- ${name} ${version}\n\n${text}`),
    heading(`The runtime, Bun ${Bun.version}`),
    paragraph(
      "The list is that of the page on licences in Bun's documentation, plus what was found in the binary by name. " +
        "Versions are those that the runtime reports. Its vendor distributes no copyright notices with the binary: " +
        "those of each part are at its address.",
    ),
    list(runtimeComponents()),
    heading("Replacing the parts under the LGPL"),
    RELINKING,
    heading("Licence texts"),
    ...TEXTS.map((id) => `--- ${id}\n\n${spdxText(id)}`),
    "",
  ].join("\n\n");
}

const RELINKING = [
  paragraph(
    "JavaScriptCore, other parts of WebKit, and tinycc are linked statically and are under the LGPL, which entitles you " +
      "to use cgkill with a version of them that you changed. This is done with the source code of cgkill, which is " +
      "complete, and with that of Bun and WebKit, which its vendor publishes:",
  ),
  `1. git clone https://github.com/oven-sh/bun, at the tag bun-v${Bun.version}
2. git clone https://github.com/oven-sh/WebKit vendor/WebKit
3. bun sync-webkit-source; then change what you want to change
4. bun run build:local, which compiles JavaScriptCore and links a new bun
5. in the source of cgkill: npm ci && bun scripts/build/build.ts --runtime=PATH, with the path of that bun`,
  paragraph("Steps 2 to 4 are the vendor's own; you may reverse-engineer the result to debug your changes."),
].join("\n\n");

const heading = (text: string): string => `${"=".repeat(78)}\n${text}\n${"=".repeat(78)}`;

/** "name version: licence (note)", then the address. */
function list(components: readonly Component[]): string {
  return components
    .map(({ name, version, license, url, note }) => {
      const what = version === undefined ? name : `${name} ${version}`;
      return [`* ${what}: ${license}${note === undefined ? "" : ` (${note})`}`, url === undefined ? [] : `  ${url}`]
        .flat()
        .join("\n");
    })
    .join("\n");
}

/** Fill lines up to 78 columns. */
function paragraph(text: string): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) as string;
    if (line !== "" && line.length + word.length >= 78) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}

function spdxText(id: string): string {
  const file = `${root}/node_modules/spdx-license-list/licenses/${id}.json`;
  return (JSON.parse(readFileSync(file, "utf8")) as { licenseText: string }).licenseText.trim();
}
