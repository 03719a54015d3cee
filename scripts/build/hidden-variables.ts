// The environment variables to hide from Bun, and the instructions that hide them.
//
// Bun and the libraries in it act on variables before the first line of TypeScript: BUN_BE_BUN=1 turns the program into
// a JavaScript interpreter, BUN_OPTIONS=--version ends it with exit status 0 and no kill, MIMALLOC_* and BUN_JSC_*
// write to standard error, abort or hang it. No build option disables them. The entry code (entry.ts) runs before all
// of that and moves the pointer to each such variable one byte forward: BUN_OPTIONS then appears as UN_OPTIONS, which
// nothing reads. The strings do not change, so /proc/self/environ still shows the caller's environment.

import { IGNORED_VARIABLE } from "../../src/sys/signals.ts";

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
  // A caller's would stand before ours (ignored-signals.ts).
  `${IGNORED_VARIABLE}=`,
];
/** mimalloc ignores case. */
export const HIDDEN_IN_ANY_CASE: readonly string[] = ["MIMALLOC_"];

const EXACTLY = 0xff;
/** Without the bit that distinguishes upper from lower case. */
const IN_ANY_CASE = 0xdf;
const END = 0xff;

const row = (mask: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([mask]), Buffer.from(text, "latin1"), Buffer.from([END])]);

/** Rows of a mask, the bytes to compare, and END. A mask of zero ends the table. */
export const TABLE: Buffer = Buffer.concat([
  ...HIDDEN.map((prefix) => row(EXACTLY, prefix)),
  ...HIDDEN_IN_ANY_CASE.map((prefix) => row(IN_ANY_CASE, prefix)),
  Buffer.from([0]),
]);

/**
 * Falls through with r8 at the end of the environment. All registers but rdx are free at the entry point.
 *
 * @param gap  how many bytes of code are between these instructions and the table
 */
export function hideX64(gap: number): Buffer {
  const toTable = Buffer.alloc(4);
  toTable.writeInt32LE(0x2a + gap);
  return Buffer.from(
    [
      "488b0424", // mov rax, [rsp]: argc
      "4c8d44c410", // lea r8, [rsp + rax * 8 + 16]: envp
      "498b38", // variable: mov rdi, [r8]
      "4885ff", // test rdi, rdi
      "7431", // jz to the end
      `488d35${toTable.toString("hex")}`, // lea rsi, [rip + …]: the table
      "498b38", // row: mov rdi, [r8]
      "ac", // lodsb: the mask
      "84c0", // test al, al
      "741c", // jz next
      "89c3", // mov ebx, eax
      "ac", // byte: lodsb
      "84c0", // test al, al
      "7812", // js hide
      "8a0f", // mov cl, [rdi]
      "48ffc7", // inc rdi
      "30c1", // xor cl, al
      "20d9", // and cl, bl
      "74f0", // jz byte
      "ac", // rest: lodsb
      "84c0", // test al, al
      "79fb", // jns rest
      "ebdf", // jmp row
      "49ff00", // hide: inc qword [r8]
      "4983c008", // next: add r8, 8
      "ebc7", // jmp variable
    ].join(""),
    "hex",
  );
}

/** The same, with x10 at the end of the environment; all registers but x0 are free. */
export const hideArm64 = (gap: number): number[] => [
  0xf94003e9, // ldr x9, [sp]: argc
  0x8b296fea, // add x10, sp, x9, lsl #3
  0x9100414a, // add x10, x10, #16: envp
  0xf940014b, // variable: ldr x11, [x10]
  0xb400026b, // cbz x11 to the end
  adr(12, 0x48 + gap), // adr x12, the table
  0xf940014b, // row: ldr x11, [x10]
  0x3840158d, // ldrb w13, [x12], #1: the mask
  0x340001ad, // cbz w13, next
  0x3840158e, // byte: ldrb w14, [x12], #1
  0x3738010e, // tbnz w14, #7, hide
  0x3840156f, // ldrb w15, [x11], #1
  0x4a0e01ef, // eor w15, w15, w14
  0x6a0d01ff, // tst w15, w13
  0x54ffff60, // b.eq byte
  0x3840158e, // rest: ldrb w14, [x12], #1
  0x363fffee, // tbz w14, #7, rest
  0x17fffff5, // b row
  0xf940014b, // hide: ldr x11, [x10]
  0x9100056b, // add x11, x11, #1
  0xf900014b, // str x11, [x10]
  0x9100214a, // next: add x10, x10, #8
  0x17ffffed, // b variable
];

/** `adr xREGISTER, .+BYTES`, for less than 1 MiB. */
export const adr = (register: number, bytes: number): number =>
  (0x10000000 | ((bytes & 3) << 29) | ((bytes >> 2) << 5) | register) >>> 0;
