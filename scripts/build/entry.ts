// Adds the first instructions of the program, which run before Bun: they ask for a real-time priority, hide the
// environment variables that Bun would act on (hidden-variables.ts), notice which signals are ignored
// (ignored-signals.ts), and add variables of ours (engine-settings.ts).
//
// Bun runs for milliseconds before it reaches any TypeScript, and beside a fork bomb it waits in line for each of them:
// with a thousand busy processes on two cores that took four seconds. The priority that src/sys/start.ts asks for comes
// too late. So this file does what a linker would do with one more object file: it appends a few bytes to the code
// segment and moves the entry point there.
//
// The real-time priority is the highest: below real-time members that never wait, cgkill would get no processor at all,
// where an ordinary process still gets a twentieth of one. A v1 cgroup that divides processor time allows no real-time
// priority, and with a finite RLIMIT_RTTIME the kernel would end cgkill half-way (SIGXCPU): then the instructions ask for
// the highest nice value. If the kernel permits neither, nothing happens.

import { addArm64, addX64, STRINGS } from "./engine-settings.ts";
import { hideArm64, hideX64, TABLE } from "./hidden-variables.ts";
import { noteArm64, noteX64 } from "./ignored-signals.ts";

/**
 * If sched_getscheduler(0) is SCHED_OTHER: sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, { 99 }), provided that
 * RLIMIT_RTTIME is infinite. If it is not, or if that fails: setpriority(PRIO_PROCESS, 0, -20). Another policy is one that
 * the caller has chosen, and that `cgkill run` passes on. Leaves the stack and the registers that matter as the loader set
 * them.
 */
const PRIORITY_X64 = Buffer.from(
  [
    "52", // push rdx: the C library needs it
    "b891000000", // mov eax, 145
    "31ff", // xor edi, edi
    "0f05", // syscall
    "85c0", // test eax, eax
    "7f40", // jg to the last pop
    "6a63", // push 99: struct sched_param
    "5050", // push rax, twice: struct rlimit
    "b861000000", // mov eax, 97
    "bf0f000000", // mov edi, 15
    "4889e6", // mov rsi, rsp
    "0f05", // syscall
    "58", // pop rax: the soft limit
    "5f", // pop rdi: the hard limit, never lower
    "48ffc0", // inc rax: 0 if it was infinite
    "7515", // jnz to the nice value
    "b890000000", // mov eax, 144
    "31ff", // xor edi, edi
    "be02000040", // mov esi, 0x40000002
    "4889e2", // mov rdx, rsp
    "0f05", // syscall
    "85c0", // test eax, eax
    "7410", // jz to the last pops
    "b88d000000", // mov eax, 141
    "31ff", // xor edi, edi
    "31f6", // xor esi, esi
    "baecffffff", // mov edx, -20
    "0f05", // syscall
    "58", // pop rax
    "5a", // pop rdx
  ].join(""),
  "hex",
);
const PRIORITY_ARM64: readonly number[] = [
  0xf81f0fe0, // str x0, [sp, #-16]!: the C library needs it
  0xd2800000, // mov x0, #0
  0xd2800f08, // mov x8, #120: sched_getscheduler
  0xd4000001, // svc #0
  0x7100001f, // cmp w0, #0
  0x5400034c, // b.gt to the last ldr
  0xd2800c60, // mov x0, #99
  0xf81f0fe0, // str x0, [sp, #-16]!: struct sched_param
  0xa9bf7fff, // stp xzr, xzr, [sp, #-16]!: struct rlimit
  0xd2800000, // mov x0, #0
  0xd28001e1, // mov x1, #15
  0xd2800002, // mov x2, #0
  0x910003e3, // mov x3, sp
  0xd28020a8, // mov x8, #261: prlimit64
  0xd4000001, // svc #0
  0xa8c107e0, // ldp x0, x1, [sp], #16: the soft limit, and the hard limit, never lower
  0xb100041f, // cmn x0, #1: equal if it was infinite
  0x54000101, // b.ne to the nice value
  0xd2800000, // mov x0, #0
  0x52800041, // mov w1, #2
  0x72a80001, // movk w1, #0x4000, lsl #16
  0x910003e2, // mov x2, sp
  0xd2800ee8, // mov x8, #119
  0xd4000001, // svc #0
  0xb40000c0, // cbz x0 to the add
  0xd2800000, // mov x0, #0
  0xd2800001, // mov x1, #0
  0x92800262, // mov x2, #-20
  0xd2801188, // mov x8, #140
  0xd4000001, // svc #0
  0x910043ff, // add sp, sp, #16
  0xf84107e0, // ldr x0, [sp], #16
];
/** jmp, relative, with a 32-bit offset. */
const X64_JUMP = 0xe9;
/** b, with a 26-bit offset in words. */
const ARM64_JUMP = 0x14000000;
const ARM64_REACH = 2 ** 27;

const DATA = Buffer.concat([TABLE, STRINGS]);

/** By e_machine: the code for address `at` that continues at address `next`. */
const CODE: Readonly<Record<number, (at: number, next: number, environ: number) => Buffer>> = {
  62: (at, next, environ) => {
    const jump = Buffer.alloc(5);
    jump.writeUInt8(X64_JUMP);
    const add = addX64(jump.length + TABLE.length, environ);
    const note = noteX64();
    const code = Buffer.concat([PRIORITY_X64, hideX64(note.length + add.length + jump.length), note, add]);
    jump.writeInt32LE(next - (at + code.length + jump.length), 1);
    return Buffer.concat([code, jump, DATA]);
  },
  183: (at, next, environ) => {
    const add = addArm64(4 + TABLE.length, environ);
    const note = noteArm64();
    const code = [...PRIORITY_ARM64, ...hideArm64((note.length + add.length) * 4 + 4), ...note, ...add];
    const far = next - (at + code.length * 4);
    if (Math.abs(far) >= ARM64_REACH) throw new Error("the entry point is too far from the added code");
    const words = Uint32Array.from([...code, ARM64_JUMP | ((far / 4) & 0x3ffffff)]);
    return Buffer.concat([Buffer.from(words.buffer), DATA]);
  },
};
/** Alignment of code, on both machines. */
const ALIGN = 16;
/** The largest page size of either. Inserting whole pages keeps every segment at the same offset within its page. */
const PAGE = 64 * 1024;

/** @see elf(5): Elf64_Ehdr, Elf64_Phdr, Elf64_Shdr */
const E_TYPE = 16;
const E_MACHINE = 18;
const E_ENTRY = 24;
const E_PHOFF = 32;
const E_SHOFF = 40;
const E_PHNUM = 56;
const E_SHNUM = 60;
const PHDR_BYTES = 56;
const P_FLAGS = 4;
const P_OFFSET = 8;
const P_VADDR = 16;
const P_FILESZ = 32;
const P_MEMSZ = 40;
const P_ALIGN = 48;
const ET_EXEC = 2;
const PT_LOAD = 1;
const PF_X = 1;
const SHDR_BYTES = 64;
const SH_TYPE = 4;
const SH_OFFSET = 24;
const SH_SIZE = 32;
const SH_LINK = 40;
const SHT_DYNSYM = 11;
const SYM_BYTES = 24;
const ST_VALUE = 8;
const ELF64_LITTLE_ENDIAN = "\u007fELF\u0002\u0001";

/**
 * The runtime that all this was tested on, and its segments by their flags: constants, code, data. With another one the
 * build stops, until a person has looked at it: the variables that Bun acts on are known by name (hidden-variables.ts).
 */
export const TESTED_ON = "1.4.5";
const TESTED_SEGMENTS = "4 5 6";

/** @throws Error  the runtime is not the one that the first instructions were tested on */
function checkRuntime(segments: string, version: string): void {
  if (version === TESTED_ON && segments === TESTED_SEGMENTS) return;
  throw new Error(
    `the first instructions were tested on Bun ${TESTED_ON} with segments ${TESTED_SEGMENTS}, not on Bun ${version} with ` +
      `segments ${segments}: compare the names that it passes to getenv with scripts/build/hidden-variables.ts, run ` +
      "test/scripts/entry.test.ts and scripts/release/try-targets.sh, and then change TESTED_ON in scripts/build/entry.ts",
  );
}

/**
 * The address of `environ`, which the C library keeps in the executable.
 *
 * @throws Error  it is not there, or not at a fixed address of 31 bits
 */
function findEnviron(elf: Buffer): number {
  const get = (at: number): number => Number(elf.readBigUInt64LE(at));
  const sections = Array.from({ length: elf.readUInt16LE(E_SHNUM) }, (_, index) => get(E_SHOFF) + index * SHDR_BYTES);
  for (const symbols of sections.filter((at) => elf.readUInt32LE(at + SH_TYPE) === SHT_DYNSYM)) {
    const names = get((sections[elf.readUInt32LE(symbols + SH_LINK)] as number) + SH_OFFSET);
    const end = get(symbols + SH_OFFSET) + get(symbols + SH_SIZE);
    for (let at = get(symbols + SH_OFFSET); at < end; at += SYM_BYTES) {
      const name = names + elf.readUInt32LE(at);
      const isFixed = elf.readUInt16LE(E_TYPE) === ET_EXEC && get(at + ST_VALUE) > 0 && get(at + ST_VALUE) < 2 ** 31;
      if (isFixed && elf.toString("latin1", name, elf.indexOf(0, name)) === "environ") return get(at + ST_VALUE);
    }
  }
  throw new Error("no variable `environ` at a fixed address");
}

const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/**
 * Add the first instructions to an executable.
 *
 * @param elf      an executable for x86-64 or arm64
 * @param version  of the runtime in it
 * @throws Error  it is not one, or its runtime is not the one that this was tested on
 */
export function startUrgently(elf: Buffer, version: string = Bun.version): Buffer {
  const get = (at: number): number => Number(elf.readBigUInt64LE(at));
  const code = CODE[elf.readUInt16LE(E_MACHINE)];
  if (elf.toString("latin1", 0, ELF64_LITTLE_ENDIAN.length) !== ELF64_LITTLE_ENDIAN || code === undefined) {
    throw new Error("not an ELF executable for x86-64 or arm64");
  }
  const headers = Array.from({ length: elf.readUInt16LE(E_PHNUM) }, (_, index) => get(E_PHOFF) + index * PHDR_BYTES);
  const loaded = headers.filter((at) => elf.readUInt32LE(at) === PT_LOAD);
  checkRuntime(loaded.map((at) => elf.readUInt32LE(at + P_FLAGS)).join(" "), version);
  const text = loaded.find((at) => (elf.readUInt32LE(at + P_FLAGS) & PF_X) !== 0);
  const after = loaded.find((at) => text !== undefined && get(at + P_VADDR) > get(text + P_VADDR));
  if (text === undefined || after === undefined) throw new Error("no code segment with another segment after it");

  const end = get(text + P_VADDR) + get(text + P_MEMSZ);
  const entry = roundUp(end, ALIGN);
  const added = Buffer.concat([Buffer.alloc(entry - end), code(entry, get(E_ENTRY), findEnviron(elf))]);
  const nextPage = get(after + P_VADDR) - (get(after + P_VADDR) % get(after + P_ALIGN));
  if (get(text + P_FILESZ) !== get(text + P_MEMSZ) || end + added.length > nextPage) {
    throw new Error("no room after the code segment");
  }
  if (loaded.some((at) => get(at + P_ALIGN) > PAGE))
    throw new Error("its segments are aligned to pages that are too large");

  const cut = get(text + P_OFFSET) + get(text + P_FILESZ);
  const longer = Buffer.concat([elf.subarray(0, cut), added, Buffer.alloc(PAGE - added.length), elf.subarray(cut)]);
  const moved = (at: number): number => (at >= cut ? at + PAGE : at);
  const set = (at: number, value: number): void => void longer.writeBigUInt64LE(BigInt(value), at);
  for (const at of headers) set(at + P_OFFSET, moved(get(at + P_OFFSET)));
  const sections = moved(get(E_SHOFF));
  for (let at = sections; at < sections + elf.readUInt16LE(E_SHNUM) * SHDR_BYTES; at += SHDR_BYTES) {
    set(at + SH_OFFSET, moved(Number(longer.readBigUInt64LE(at + SH_OFFSET))));
  }
  set(text + P_FILESZ, get(text + P_FILESZ) + added.length);
  set(text + P_MEMSZ, get(text + P_MEMSZ) + added.length);
  set(E_SHOFF, sections);
  set(E_ENTRY, entry);
  return longer;
}
