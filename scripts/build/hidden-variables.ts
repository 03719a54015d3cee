// The environment variables to hide from Bun, and the instructions that hide them.
//
// Bun and the libraries in it act on variables before the first line of TypeScript: BUN_BE_BUN=1 turns the program into
// a JavaScript interpreter, BUN_OPTIONS=--version ends it with exit status 0 and no kill, MIMALLOC_* and BUN_JSC_*
// write to standard error, abort or hang it. No build option disables them. The entry code (entry.ts) runs before all
// of that and moves the pointer to each such variable one byte forward: BUN_OPTIONS then appears as UN_OPTIONS, which
// nothing reads. The strings do not change, so /proc/self/environ still shows the caller's environment, and the
// auxiliary vector after the pointers stays where the C library looks for it.

import { SINGLE_THREADED } from "../../src/sys/start.ts";

/**
 * Prefixes of variables. They cover all names that Bun 1.4.5 passes to getenv at its start, and TZ. Exceptions are the
 * locale, FORCE_COLOR and NO_COLOR, which cgkill obeys, and three names without effect on Linux (DYLD_INSERT_LIBRARIES,
 * HYPERFINE_RANDOMIZED_ENVIRONMENT_OFFSET, LC_MESSAGES).
 */
export const HIDDEN: readonly string[] = [
  "BUN_",
  "NODE_",
  "JSC_",
  "JavaScriptCore",
  "WTF_",
  "WebKit",
  "Malloc",
  "SIMDUTF_",
  "GLIBCXX_",
  // Its value may name a file that Bun opens at its start, and a FIFO blocks that for ever. All our times are UTC.
  "TZ=",
];
/** mimalloc ignores case. */
export const HIDDEN_IN_ANY_CASE: readonly string[] = ["MIMALLOC_"];

const EXACTLY = 0xff;
/** Without the bit that distinguishes upper from lower case. */
const IN_ANY_CASE = 0xdf;
const IS_KEPT = 0x00;
const IS_HIDDEN = 0xff;

function row(mask: number, text: string, end: number): Buffer {
  return Buffer.concat([Buffer.from([mask]), Buffer.from(text, "latin1"), Buffer.from([end])]);
}

/**
 * Rows of a mask, the bytes to compare, and a final byte: IS_HIDDEN ends a prefix; IS_KEPT is compared too, as the NUL at
 * the end of the string, and so keeps exactly this string. The first row that matches decides. A mask of zero ends the
 * table.
 *
 * Settings that start.ts passes to itself are kept, and only with the values that it passes.
 */
export const TABLE: Buffer = Buffer.concat([
  ...SINGLE_THREADED.map((setting) => row(EXACTLY, setting, IS_KEPT)),
  ...HIDDEN.map((prefix) => row(EXACTLY, prefix, IS_HIDDEN)),
  ...HIDDEN_IN_ANY_CASE.map((prefix) => row(IN_ANY_CASE, prefix, IS_HIDDEN)),
  Buffer.from([0]),
]);

/** The size in bytes of the jump between the code and the table, per machine. */
const X64_JUMP = 5;
const ARM64_JUMP = 4;

/** Falls through to a jump, which the table follows. All registers but rdx are free at the entry point. */
export const HIDE_X64: Buffer = Buffer.from(
  [
    "488b0424", // mov rax, [rsp]: argc
    "4c8d44c410", // lea r8, [rsp + rax * 8 + 16]: envp
    "498b38", // variable: mov rdi, [r8]
    "4885ff", // test rdi, rdi
    "7437", // jz to the end
    `488d35${(0x30 + X64_JUMP).toString(16)}000000`, // lea rsi, [rip + …]: the table
    "498b38", // row: mov rdi, [r8]
    "ac", // lodsb: the mask
    "84c0", // test al, al
    "7422", // jz next
    "89c3", // mov ebx, eax
    "ac", // byte: lodsb
    "84c0", // test al, al
    "7818", // js hide
    "8a0f", // mov cl, [rdi]
    "48ffc7", // inc rdi
    "30c1", // xor cl, al
    "20d9", // and cl, bl
    "7506", // jnz rest
    "84c0", // test al, al
    "75ec", // jnz byte
    "eb0a", // jmp next: kept
    "84c0", // rest: test al, al
    "7edc", // jle row
    "ac", // lodsb
    "ebf9", // jmp rest
    "49ff00", // hide: inc qword [r8]
    "4983c008", // next: add r8, 8
    "ebc1", // jmp variable
  ].join(""),
  "hex",
);

export const HIDE_ARM64: readonly number[] = [
  0xf94003e9, // ldr x9, [sp]: argc
  0x8b296fea, // add x10, sp, x9, lsl #3
  0x9100414a, // add x10, x10, #16: envp
  0xf940014b, // variable: ldr x11, [x10]
  0xb40002cb, // cbz x11 to the end
  0x10000000 | (((0x54 + ARM64_JUMP) / 4) << 5) | 12, // adr x12, the table
  0xf940014b, // row: ldr x11, [x10]
  0x3840158d, // ldrb w13, [x12], #1: the mask
  0x3400020d, // cbz w13, next
  0x3840158e, // byte: ldrb w14, [x12], #1
  0x3738016e, // tbnz w14, #7, hide
  0x3840156f, // ldrb w15, [x11], #1
  0x4a0e01ef, // eor w15, w15, w14
  0x6a0d01ff, // tst w15, w13
  0x54000061, // b.ne rest
  0x35ffff4e, // cbnz w14, byte
  0x14000008, // b next: kept
  0x34fffeae, // rest: cbz w14, row
  0x373ffe8e, // tbnz w14, #7, row
  0x3840158e, // ldrb w14, [x12], #1
  0x17fffffd, // b rest
  0xf940014b, // hide: ldr x11, [x10]
  0x9100056b, // add x11, x11, #1
  0xf900014b, // str x11, [x10]
  0x9100214a, // next: add x10, x10, #8
  0x17ffffea, // b variable
];
