// Checks THIRD-PARTY against what is in the file: the modules of the bundle, what the runtime reports about itself,
// the tools that the binary names, and the names of well-known libraries in its bytes.

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import packageJson from "../../package.json";
import { build } from "../../scripts/build/build.ts";
import { bundledPackages } from "../../scripts/release/licenses/bundled.ts";
import { FOUND, runtimeComponents, vendorPage, VERSION_KEYS } from "../../scripts/release/licenses/runtime.ts";
import { renderThirdParty } from "../../scripts/release/licenses/third-party.ts";
import { BINARY, runCgkill } from "../support/run-cgkill.ts";

const root = `${import.meta.dir}/../..`;
const text = renderThirdParty();
const listed = runtimeComponents();
/** The binary without the list itself. */
const binary = readFileSync(BINARY).toString("latin1").replace(Buffer.from(text).toString("latin1"), "");
const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("cgkill --licenses", () => {
  test("prints the whole text, in every command", async () => {
    for (const argv of [["--licenses"], ["list", "--licenses"], ["kill", "--licenses", "x"]]) {
      expect(await runCgkill(argv)).toMatchObject({ code: 0, stdout: text, stderr: "" });
    }
  });

  test("a full disk is a failure, a reader that stops reading is not", () => {
    const run = (script: string): number =>
      Bun.spawnSync(["bash", "-o", "pipefail", "-c", script, BINARY], { stdio: ["ignore", "ignore", "ignore"] })
        .exitCode;
    expect(run('"$0" --licenses >/dev/full')).toBe(1);
    expect(run('"$0" --licenses | head -c 10')).toBe(0);
  });

  test("from source there is no text: a usage error says how to get it", () => {
    const ran = Bun.spawnSync([process.execPath, `${root}/src/main.ts`, "--licenses"]);
    expect(ran.stderr.toString()).toContain("npm run build && dist/cgkill --licenses");
    expect(ran.exitCode).toBe(2);
  });
});

describe("the bundle", () => {
  test("the packages whose modules are bundled are those listed, with version and licence text", async () => {
    const { metafile } = await Bun.build({
      entrypoints: [`${root}/src/main.ts`],
      target: "bun",
      splitting: true,
      metafile: true,
    });
    const modules = Object.keys(metafile?.inputs ?? {});
    const bundled = new Set(
      modules.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.slice(1, 2) ?? []),
    );
    const packages = bundledPackages();
    expect(packages.map(({ name }) => name)).toEqual([...bundled].sort());
    expect(packages.length).toBeGreaterThanOrEqual(Object.keys(packageJson.dependencies).length);
    for (const { name, version, text: own } of packages) {
      const installed: unknown = await Bun.file(`${root}/node_modules/${name}/package.json`).json();
      expect(installed).toMatchObject({ name, version });
      expect(own).toContain("opyright");
      expect(text).toContain(own);
    }
  });
});

/** Keys of process.versions that are not components of their own. */
const NO_COMPONENTS: Readonly<Record<string, string>> = {
  bun: "the runtime itself",
  openssl: "the version of OpenSSL's interface that BoringSSL has",
  v8: "the version of V8 that Bun's C interface imitates",
  napi: "the version of an interface",
  modules: "the version of an interface",
  unicode: "the version of ICU's data",
  zig: "the compiler of earlier versions",
};

/** Well-known libraries. Whatever of these the binary names must be listed, or explained below. */
const WELL_KNOWN = `openssl boringssl libressl mbedtls gnutls wolfssl libsodium libgcrypt nettle botan zlib zlib-ng zstd
  brotli lz4 snappy lzma bzip2 libdeflate miniz libarchive minizip sqlite lmdb leveldb rocksdb libuv libevent libev nghttp2
  nghttp3 ngtcp2 lsquic ls-qpack ls-hpack quiche c-ares curl llhttp picohttpparser http_parser http-parser expat libxml2
  libxslt pugixml gumbo lol-html lolhtml lexbor icu harfbuzz freetype pango skia libpng libspng libjpeg libjpeg-turbo mozjpeg
  libwebp libavif dav1d libaom giflib libtiff simdjson simdutf yyjson rapidjson jsoncpp fmtlib spdlog abseil absl protobuf
  flatbuffers capnproto pcre pcre2 re2 oniguruma jemalloc mimalloc tcmalloc rpmalloc libpas bmalloc luajit quickjs
  javascriptcore webkit webcore capstone zydis libunwind libbacktrace compiler-rt xxhash hdrhistogram hdr_histogram tinycc
  libtcc libtcc1 uwebsockets usockets libbase64 double-conversion md4c cmark libyaml tomlc99 esbuild oxc oxlint rolldown babel
  acorn terser prettier biome lightningcss cssparser argon2 bcrypt blake3 sqlcipher libpq mysqlclient hiredis ncurses libedit
  linenoise undici node-fetch minipass react-refresh typescript eslint dragonbox fast_float hashbrown encoding_rs
  parking_lot regex-automata aho-corasick tigerbeetle libgcc libstdc++ tinyxml stb_image lodepng nanosvg sha1dc siphash wyhash
  farmhash libffi asmjit binaryen wasmtime walrus`.split(/\s+/);

/** Libraries with another name in the list. */
const ALIASES: Readonly<Record<string, string>> = {
  picohttpparser: "picohttp",
  http_parser: "llhttp",
  lolhtml: "lol-html",
  icu: "libicu",
  libjpeg: "libjpeg-turbo",
  zlib: "zlib-ng",
  libtcc: "tinycc",
  webkit: "javascriptcore",
  webcore: "javascriptcore",
  bmalloc: "javascriptcore",
  libpas: "javascriptcore",
  lightningcss: "lightning css",
  uwebsockets: "a fork of uwebsockets",
};

/** Libraries that the binary names, but does not contain. */
const NAMES_ONLY: Readonly<Record<string, string>> = {
  openssl: "BoringSSL's error texts; the name of an option",
  curl: "prints requests as a command of curl; the name of a user agent",
  nghttp2: "names of constants of Node's API",
  "http-parser": "the name of an option of Node",
  oxc: "rules of a linter, understood by name",
  oxlint: "its configuration file is understood",
  eslint: "its configuration file is understood",
  prettier: "its configuration file is understood",
  biome: "its configuration file is understood",
  undici: "a module of that name, which is Bun's own",
  "node-fetch": "a module of that name, which is Bun's own",
  "react-refresh": "a module that the bundler expects the project to have",
  wyhash: "a hash function of Bun's API",
  ...Object.fromEntries(
    "babel bzip2 cmark expat farmhash hiredis libpq lmdb lz4 lzma mozjpeg oniguruma re2 terser"
      .split(" ")
      .map((name) => [name, "a name in a list: npm packages, formats or file types"]),
  ),
};

describe("the runtime", () => {
  const names = new Set(listed.map(({ name }) => name.toLowerCase()));

  test("everything that process.versions names is listed with that version, or is not a component", () => {
    const keys = Object.keys(process.versions).filter((key) => NO_COMPONENTS[key] === undefined);
    expect(Object.values(VERSION_KEYS).sort()).toEqual(keys.sort());
    for (const [name, key] of Object.entries(VERSION_KEYS)) {
      expect(listed).toContainEqual(expect.objectContaining({ name, version: process.versions[key] }));
    }
  });

  test("every library and package on the vendor's page is listed", () => {
    const links = [...vendorPage().matchAll(/^\| (?:A fork of |Parts of )?\[`?([^`\]]+)/gm)].map(
      (match) => match[1] ?? "",
    );
    expect(links.length).toBeGreaterThan(45);
    expect(links.filter((link) => !listed.some(({ name }) => name.endsWith(link)))).toEqual([]);
    expect(() => runtimeComponents("Bun is under a licence.")).toThrow("not the page");
  });

  test("what was found in the binary is in it", () => {
    expect(FOUND.filter(({ seen }) => !binary.includes(seen)).map(({ name }) => name)).toEqual([]);
  });

  test("every well-known library that the binary names is listed, or is no more than a name", () => {
    const any = WELL_KNOWN.map((name) => name.replace(/\+/g, "\\+")).join("|");
    const word = new RegExp(`(?<![A-Za-z0-9])(?:${any})(?![A-Za-z0-9])`, "gi");
    const named = new Set([...binary.matchAll(word)].map(([match]) => match.toLowerCase()));
    expect(named.size).toBeGreaterThan(40);
    const missing = [...named].filter((name) => !names.has(ALIASES[name] ?? name) && NAMES_ONLY[name] === undefined);
    expect(missing).toEqual([]);
    expect(Object.keys(NAMES_ONLY).filter((name) => !named.has(name))).toEqual([]);
  });

  test("each licence that is named has its text, or an address", () => {
    for (const { name, url } of listed) expect({ name, url }).toEqual({ name, url: expect.stringMatching(/^https:/) });
    for (const title of ["GNU LIBRARY GENERAL PUBLIC LICENSE", "GNU LESSER GENERAL PUBLIC LICENSE", "Apache License"]) {
      expect(text.toLowerCase()).toContain(title.toLowerCase());
    }
  });
});

test("the LGPL: cgkill can be built with a changed runtime", async () => {
  const original = readFileSync(process.execPath);
  const [before, after] = ["Did your computer run out of memory?", "Did YOUR computer run out of memory?"];
  const at = original.indexOf(before);
  expect(at).toBeGreaterThan(0);
  original.write(after, at, "latin1");
  writeFileSync(`${scratch}/bun`, original);
  chmodSync(`${scratch}/bun`, 0o755);
  const flags = [`--compile-executable-path=${scratch}/bun`];
  const built = await build(`${root}/src/main.ts`, "cgkill", flags, `${scratch}/out`);
  expect(readFileSync(built).includes(after)).toBe(true);
  expect(Bun.spawnSync([built, "--licenses"]).stdout.toString()).toBe(text);
});
