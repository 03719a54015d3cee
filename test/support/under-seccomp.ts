// Runs a program under a seccomp filter: bun under-seccomp.ts SYSCALL ERRNO PROGRAM [ARGUMENT...]. The system call with
// that number fails with that errno, as under the profile of a container runtime that does not know it.

import { dlopen, ptr } from "bun:ffi";

const { symbols: c } = dlopen("libc.so.6", {
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  execv: { args: ["ptr", "ptr"], returns: "i32" },
});

const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2n;
const PR_SET_NO_NEW_PRIVS = 38;
const RET_ERRNO = 0x50000;
const RET_ALLOW = 0x7fff0000;

const [syscall = "", errno = "", ...words] = process.argv.slice(2);
/** The instructions: code, jump if true, jump if false, operand. @see linux: struct sock_filter, bpf_common.h */
const filter = new Uint32Array([
  ...[0x20, 0], // load the number of the call
  ...[0x15 | (1 << 24), Number(syscall)], // is it that one? If not, skip an instruction.
  ...[0x06, RET_ERRNO | Number(errno)],
  ...[0x06, RET_ALLOW],
]);
const program = new BigUint64Array([BigInt(filter.length / 2), BigInt(ptr(filter))]);

const strings = words.map((word) => Buffer.from(`${word}\0`));
const argv = new BigUint64Array([...strings.map((string) => BigInt(ptr(string))), 0n]);

if (c.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw new Error("no PR_SET_NO_NEW_PRIVS");
if (c.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, BigInt(ptr(program)), 0n, 0n) !== 0) throw new Error("no seccomp");
c.execv(ptr(strings[0] as Buffer), ptr(argv));
throw new Error(`cannot execute ${words[0]}`);
