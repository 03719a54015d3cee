// Lists what Bun's runtime, which is most of every binary, consists of: the page on licences in its documentation, and
// what else was found in the binary by name. The vendor's packages contain no list and no licence text.

import { readFileSync } from "node:fs";

import type { Component } from "./component.ts";

const root = `${import.meta.dir}/../../..`;
const PAGE = `${root}/node_modules/bun-types/docs/project/license.mdx`;

/** The names under which `process.versions` has the version or commit of a component. */
export const VERSION_KEYS: Readonly<Record<string, string>> = {
  "A fork of uWebsockets": "uwebsockets",
  boringssl: "boringssl",
  "c-ares": "ares",
  JavaScriptCore: "webkit",
  libarchive: "libarchive",
  libdeflate: "libdeflate",
  libicu: "icu",
  libuv: "uv",
  llhttp: "llhttp",
  "lol-html": "lolhtml",
  "ls-hpack": "lshpack",
  mimalloc: "mimalloc",
  "Node.js": "node",
  picohttp: "picohttpparser",
  sqlite: "sqlite",
  tinycc: "tinycc",
  TypeScript: "typescript",
  uSockets: "usockets",
  "zlib-ng": "zlib",
  zstd: "zstd",
};

/**
 * Found in the binary, and not on the vendor's page. `seen` is a text of the binary that shows it; a test looks for it.
 * Other parts may be compiled in without leaving a name.
 */
export const FOUND: readonly (Omit<Component, "version" | "source"> & { readonly seen: string })[] = [
  {
    name: "Node.js",
    license: "MIT",
    url: "https://github.com/nodejs/node",
    note: "parts of its library in JavaScript; its C interface",
    seen: "internal/cluster/round_robin_handle",
  },
  { name: "llhttp", license: "MIT", url: "https://github.com/nodejs/llhttp", seen: "llhttp" },
  {
    name: "TypeScript",
    license: "Apache-2.0",
    url: "https://github.com/microsoft/TypeScript",
    note: "the type checker behind `bun check`",
    seen: "is not valid TypeScript syntax",
  },
  { name: "xxHash", license: "BSD-2-Clause", url: "https://github.com/Cyan4973/xxHash", seen: "xxHash64" },
  {
    name: "libtcc1",
    license: "GPL-2.0-or-later WITH GCC-exception-2.0",
    url: "https://github.com/tinycc/tinycc",
    note: "a part of tinycc; its licence permits unlimited linking",
    seen: "Free Software Foundation gives you unlimited permission to link the",
  },
  {
    name: "Mozilla's root certificates",
    license: "MPL-2.0",
    url: "https://www.mozilla.org/about/governance/policies/security-group/certs/",
    seen: "root_certs.cpp",
  },
  {
    name: "Rust standard library and crates",
    license: "MIT OR Apache-2.0",
    url: "https://github.com/rust-lang/rust",
    note: "the binary names its compiler, but neither the crates nor their versions",
    seen: "rustc version",
  },
  {
    name: "argon2",
    license: "MIT OR Apache-2.0",
    url: "https://crates.io/crates/rust-argon2",
    seen: "context.memory_blocks",
  },
  {
    name: "bcrypt",
    license: "MIT",
    url: "https://crates.io/crates/bcrypt",
    seen: "the salt part is not valid base64",
  },
  {
    name: "LLVM runtime libraries",
    license: "Apache-2.0 WITH LLVM-exception",
    url: "https://github.com/llvm/llvm-project",
    note: "the binary names compiler and linker",
    seen: "clang version",
  },
  {
    name: "GCC runtime libraries",
    license: "GPL-3.0-or-later WITH GCC-exception-3.1",
    url: "https://gcc.gnu.org/",
    note: "libgcc, and libstdc++ if it is not a library of the host; the binary names the compiler",
    seen: "GCC: (",
  },
];

/** The text of the vendor's page. */
export const vendorPage = (): string => readFileSync(PAGE, "utf8");

/**
 * List the runtime and its parts.
 *
 * @throws Error  the page does not have the form that this code expects
 */
export function runtimeComponents(page: string = vendorPage()): Component[] {
  if (!page.includes("Bun itself is MIT-licensed.") || !page.includes("statically links JavaScriptCore (and WebKit)")) {
    throw new Error(`${PAGE}: not the page that scripts/release/licenses/runtime.ts was written for; read it again`);
  }
  const parts: Component[] = [
    {
      name: "Bun",
      license: "MIT",
      url: "https://github.com/oven-sh/bun",
      source: "vendor's page",
      version: Bun.version,
    },
    {
      name: "JavaScriptCore",
      license: "LGPL-2.0-or-later AND BSD-2-Clause",
      url: "https://github.com/oven-sh/WebKit",
      source: "vendor's page",
      version: versionOf("JavaScriptCore"),
      note: "with WTF, bmalloc and parts of WebCore",
    },
    ...tableRows(page),
    ...FOUND.map(({ seen: _, ...rest }) => ({
      ...rest,
      version: versionOf(rest.name),
      source: "found in the binary" as const,
    })),
    ...credits(page),
  ];
  if (parts.length < 50) throw new Error(`${PAGE}: only ${parts.length} components found`);
  return parts;
}

function versionOf(name: string): string | undefined {
  const key = VERSION_KEYS[name];
  const version = key === undefined ? undefined : (process.versions as Record<string, string | undefined>)[key];
  if (key !== undefined && version === undefined) throw new Error(`process.versions has no ${key}`);
  return version;
}

const plain = (markdown: string): string => markdown.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/`/g, "");

/** The rows of the two tables: "| [`name`](url) more | licence |". */
function tableRows(page: string): Component[] {
  const rows = [...page.matchAll(/^\| (?<what>.*?) +\| (?<license>.*?) +\|$/gm)];
  return rows
    .map(({ groups }) => ({ what: groups?.["what"]?.trim() ?? "", license: groups?.["license"]?.trim() ?? "" }))
    .filter(({ what }) => what.includes("]("))
    .map(({ what, license }) => {
      const link = /\]\((?<url>[^)]*)\)/.exec(what)?.groups?.["url"];
      const [, name = "", note] = /^(.*?)(?: (\(.*\)|\d+))?$/.exec(plain(what)) ?? [];
      const more = note === undefined || /^\d+$/.test(note) ? {} : { note: note.slice(1, -1) };
      return {
        name,
        license: plain(license),
        url: link,
        source: "vendor's page" as const,
        version: versionOf(name),
        ...more,
      };
    });
}

/** The projects whose code was ported or derived: "[Lightning CSS](https://…)" in the list of credits. */
function credits(page: string): Component[] {
  const section = page.split("## Additional credits")[1] ?? "";
  const licenses: Readonly<Record<string, string>> = { esbuild: "MIT", "Lightning CSS": "MPL-2.0", Servo: "MPL-2.0" };
  return [...section.matchAll(/\[(?<name>[^@\]]+)\]\((?<url>[^)]*)\)/g)].map(({ groups }) => {
    const name = groups?.["name"] ?? "";
    const license = licenses[name];
    if (license === undefined) throw new Error(`${PAGE}: a new credit, ${name}`);
    return {
      name,
      license,
      url: groups?.["url"],
      source: "vendor's page",
      version: undefined,
      note: "ported or derived code",
    };
  });
}
