// Starts one adversary: bun run.ts NAME COUNT SECONDS DIR [OTHER]. See adversaries.c for what each does.

import { cc, ptr } from "bun:ffi";

const [name = "", count = "1", seconds = "60", dir = "", other = ""] = process.argv.slice(2);
const { symbols } = cc({
  source: `${import.meta.dir}/adversaries.c`,
  symbols: { adversary: { args: ["ptr", "i32", "i32", "ptr", "ptr"], returns: "i32" } },
});
const text = (value: string) => ptr(Buffer.from(`${value}\0`));
symbols.adversary(text(name), Number(count), Number(seconds), text(dir), text(other));
