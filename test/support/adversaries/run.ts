// Starts one adversary: bun run.ts NAME COUNT SECONDS DIR [OTHER]. See adversaries.c, movers.c and fuse.c for what each
// does.

import { cc, ptr } from "bun:ffi";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

/** The C library of this process, to link with: only machines with development packages have a libc.so. */
const libc = /\/\S*\/(?:libc\.so\.6|ld-musl-\S+)$/m.exec(readFileSync("/proc/self/maps", "utf8"))?.[0];
if (libc === undefined) throw new Error("this process has no C library");

const [name = "", count = "1", seconds = "60", dir = "", other = ""] = process.argv.slice(2);
const MOVERS = ["relay", "shuttle", "renamer", "rescuer"];
const FUSE = ["fuse", "fuseself", "fuseleak", "fusetwo", "fuseexec", "fuseswap"];
const source = MOVERS.includes(name) ? "movers.c" : FUSE.includes(name) ? "fuse.c" : "adversaries.c";
const libraries = mkdtempSync(`${tmpdir()}/cgkill-test-`);
symlinkSync(libc, `${libraries}/libc.so`);
const { symbols } = cc({
  source: `${import.meta.dir}/${source}`,
  flags: `-L${libraries}`,
  symbols: { adversary: { args: ["ptr", "i32", "i32", "ptr", "ptr"], returns: "i32" } },
});
rmSync(libraries, { recursive: true });
// The parent of what is killed is reported, except one that is known to start nothing again.
writeFileSync("/proc/self/comm", "tini");
const text = (value: string) => ptr(Buffer.from(`${value}\0`));
symbols.adversary(text(name), Number(count), Number(seconds), text(dir), text(other));
