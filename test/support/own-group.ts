// Runs a program in its own process group: bun own-group.ts PROGRAM [ARGUMENT...]. The parent stays in another group of
// the session, so that the group is not orphaned: SIGTSTP does not stop members of an orphaned group.

import { dlopen, ptr } from "bun:ffi";

const { symbols: c } = dlopen("libc.so.6", {
  setpgid: { args: ["i32", "i32"], returns: "i32" },
  execv: { args: ["ptr", "ptr"], returns: "i32" },
});

const strings = process.argv.slice(2).map((word) => Buffer.from(`${word}\0`));
const argv = new BigUint64Array([...strings.map((string) => BigInt(ptr(string))), 0n]);
if (c.setpgid(0, 0) !== 0) throw new Error("setpgid failed");
c.execv(ptr(strings[0] as Buffer), ptr(argv));
throw new Error(`cannot execute ${process.argv[2]}`);
