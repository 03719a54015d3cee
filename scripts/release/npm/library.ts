// The library as JavaScript and declarations: src/index.ts in one file for Bun and one for Node, which has no bun:ffi.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { $, type BunPlugin } from "bun";

const root = `${import.meta.dir}/../../..`;
const ENTRY = `${root}/src/index.ts`;

/** Fail as Bun does without FFI; the library then uses Node's calls. */
const WITHOUT_FFI: BunPlugin = {
  name: "without-ffi",
  setup(build) {
    build.onResolve({ filter: /^bun:ffi$/ }, ({ path }) => ({ path, namespace: "without-ffi" }));
    build.onLoad({ filter: /.*/, namespace: "without-ffi" }, () => ({
      loader: "js",
      contents: `export const dlopen = () => { throw new Error("bun:ffi: not in Node"); };
        export const ptr = dlopen, read = {};`,
    }));
  },
};

/** @returns the files of lib/, by name */
export async function libraryFiles(): Promise<Map<string, Buffer>> {
  const bundle = async (target: "bun" | "node"): Promise<Buffer> => {
    const plugins = target === "node" ? [WITHOUT_FFI] : [];
    const built = await Bun.build({ entrypoints: [ENTRY], target, plugins, throw: true });
    const [output] = built.outputs;
    if (output === undefined || built.outputs.length > 1) throw new Error("the library is not one file");
    return Buffer.from(await output.arrayBuffer());
  };
  const declared = await declarations();
  return new Map([["bun.js", await bundle("bun")], ["node.js", await bundle("node")], ...declared]);
}

/**
 * Emit the declarations of src/index.ts, and of what it names.
 *
 * @throws Error  tsc found an error, with its output
 */
async function declarations(): Promise<Map<string, Buffer>> {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-types-`);
  try {
    const compilerOptions = {
      noEmit: false,
      emitDeclarationOnly: true,
      outDir: `${scratch}/out`,
      rootDir: `${root}/src`,
      typeRoots: [`${root}/node_modules/@types`, `${root}/node_modules`],
      // Only the declarations are needed: `bun check` already checks the types.
      noCheck: true,
    };
    const project = { extends: `${root}/tsconfig.json`, compilerOptions, include: [], files: [ENTRY] };
    writeFileSync(`${scratch}/tsconfig.json`, JSON.stringify(project));
    const tsc = await $`${Bun.which("node") ?? process.execPath} ${root}/node_modules/typescript/bin/tsc -p ${scratch}`
      .quiet()
      .nothrow();
    if (tsc.exitCode !== 0) throw new Error(`tsc failed:\n${tsc.stdout}`);
    const files = new Map<string, Buffer>();
    const add = (path: string): void => {
      if (files.has(path)) return;
      const text = readFileSync(`${scratch}/out/${path}`, "utf8");
      const imports = [...text.matchAll(/(?<=from |import\()"(\.[^"]*)\.ts"/g)].map((match) => match[1] ?? "");
      files.set(path, Buffer.from(text.replace(/((?:from |import\()"\.[^"]*)\.ts"/g, '$1.js"')));
      for (const name of imports) add(`${join(dirname(path), name)}.d.ts`);
    };
    add("index.d.ts");
    return files;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
