// A program of a few dozen bytes that executes itself forever from a thread that is not the leader. It must be a file,
// and test machines have no compiler that could write one, so it is assembled by hand for x86-64.

import { chmodSync, writeFileSync } from "node:fs";

/** r12 = the stack as it was at the start; clone a thread below it; the leader pauses, the thread execs argv[0]. */
const CODE = [
  [0x49, 0x89, 0xe4], //                   mov r12, rsp
  [0xb8, 0x38, 0, 0, 0], //                mov eax, 56 (clone)
  [0xbf, 0x00, 0x0f, 0x05, 0x00], //       mov edi, CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM
  [0x48, 0x8d, 0xb4, 0x24, 0x00, 0x00, 0xff, 0xff], // lea rsi, [rsp - 65536]
  [0x0f, 0x05], //                         syscall
  [0x85, 0xc0], //                         test eax, eax
  [0x74, 0x09], //                         jz thread
  [0xb8, 0x22, 0, 0, 0], //                leader: mov eax, 34 (pause)
  [0x0f, 0x05], //                         syscall
  [0xeb, 0xf7], //                         jmp leader
  [0x49, 0x8b, 0x7c, 0x24, 0x08], //       thread: mov rdi, [r12 + 8] (argv[0])
  [0x49, 0x8d, 0x74, 0x24, 0x08], //       lea rsi, [r12 + 8] (argv)
  [0x31, 0xd2], //                         xor edx, edx
  [0xb8, 0x3b, 0, 0, 0], //                mov eax, 59 (execve)
  [0x0f, 0x05], //                         syscall
  [0xb8, 0x3c, 0, 0, 0], //                mov eax, 60 (exit)
  [0x0f, 0x05], //                         syscall
].flat();

const BASE = 0x400000;
const HEADERS = 64 + 56;

export function writeExecStorm(path: string): void {
  const file = Buffer.alloc(HEADERS + CODE.length);
  file.write("\x7fELF\x02\x01\x01", 0, "latin1");
  file.writeUInt16LE(2, 16); // executable
  file.writeUInt16LE(62, 18); // x86-64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(BASE + HEADERS), 24); // entry
  file.writeBigUInt64LE(64n, 32); // program headers
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56); // one of them
  file.writeUInt32LE(1, 64); // PT_LOAD
  file.writeUInt32LE(5, 68); // read, execute
  file.writeBigUInt64LE(BigInt(BASE), 80);
  file.writeBigUInt64LE(BigInt(BASE), 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  Buffer.from(CODE).copy(file, HEADERS);
  writeFileSync(path, file);
  chmodSync(path, 0o755);
}
