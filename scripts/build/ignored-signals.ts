// The instructions that notice which signals were ignored when the program was started, as `trap '' INT`, the background
// jobs of a script and the services of systemd (SIGPIPE) ask.
//
// Bun changes some of them at its start, before TypeScript could find out what they were: it ignores PIPE, and on a
// terminal it handles INT and TERM. (It ignores XFSZ too, for which there was no room in the binary.) The entry code
// (entry.ts) runs before that. It blocks a signal that is ignored, because Bun changes no mask, and says so in a variable
// that it adds (engine-settings.ts). Then src/sys/signals.ts ignores the signal again, and blocks it no longer, even if the
// caller blocked it too.

import { IGNORED_VARIABLE, NOTED_SIGNALS } from "../../src/sys/signals.ts";

/** The variable, for each set of these signals: bit N is signal N of the list. Each takes `NOTE_BYTES`. */
const COUNT = 1 << NOTED_SIGNALS.length;
export const NOTES: readonly string[] = Array.from({ length: COUNT }, (_, bits) => `${IGNORED_VARIABLE}=${bits}`);
const NOTE_BYTES = 17;
export const NOTE_STRINGS: Buffer = Buffer.concat(
  NOTES.map((note) => {
    if (note.length >= NOTE_BYTES) throw new Error(`${note}: too long`);
    return Buffer.concat([Buffer.from(note, "latin1")], NOTE_BYTES);
  }),
);

/** One signal in each byte, the first in the lowest; then 0. */
const LIST = Buffer.concat([Buffer.from(NOTED_SIGNALS)], 4);

/**
 * Leaves in rbx how far the right string is from the first one. Of the registers that matter, it changes none.
 *
 * @see rt_sigaction(2), rt_sigprocmask(2): struct kernel_sigaction has 32 bytes, and starts with the handler
 */
export const noteX64 = (): Buffer =>
  Buffer.from(
    [
      "52", // push rdx: the C library needs it
      "6a006a006a006a00", // push 0, four times: struct kernel_sigaction
      "31db", // xor ebx, ebx
      "4531e4", // xor r12d, r12d: the signals to block
      `41bd${NOTE_BYTES.toString(16)}000000`, // mov r13d, the bytes for this signal
      `41be${LIST.toString("hex")}`, // mov r14d, the list
      "410fb6fe", // signal: movzx edi, r14b
      "b80d000000", // mov eax, 13
      "31f6", // xor esi, esi
      "4889e2", // mov rdx, rsp
      "41ba08000000", // mov r10d, 8
      "0f05", // syscall
      "48833c2401", // cmp qword [rsp], 1: SIG_IGN
      "7509", // jne next
      "4401eb", // add ebx, r13d
      "ffcf", // dec edi
      "410fabfc", // bts r12d, edi
      "4501ed", // next: add r13d, r13d
      "41c1ee08", // shr r14d, 8
      "75d1", // jnz signal
      "4c892424", // mov [rsp], r12
      "b80e000000", // mov eax, 14
      "31ff", // xor edi, edi: SIG_BLOCK
      "4889e6", // mov rsi, rsp
      "31d2", // xor edx, edx
      "41ba08000000", // mov r10d, 8
      "0f05", // syscall
      "4883c420", // add rsp, 32
      "5a", // pop rdx
    ].join(""),
    "hex",
  );

/** The same for arm64, in x15. */
export const noteArm64 = (): number[] => [
  0xf81f0fe0, // str x0, [sp, #-16]!: the C library needs it
  0xa9bf7fff, // stp xzr, xzr, [sp, #-16]!
  0xa9bf7fff, // stp xzr, xzr, [sp, #-16]!: struct kernel_sigaction
  0xd280000f, // mov x15, #0
  0xd2800011, // mov x17, #0: the signals to block, each one bit too far
  0xd280000e | (NOTE_BYTES << 5), // mov x14, the bytes for this signal
  0x52800010 | (LIST.readUInt16LE(0) << 5), // mov w16, the lower half of the list
  0x72a00010 | (LIST.readUInt16LE(2) << 5), // movk w16, its upper half
  0x92401e0b, // signal: and x11, x16, #0xff
  0xaa0b03e0, // mov x0, x11
  0xd2800001, // mov x1, #0
  0x910003e2, // mov x2, sp
  0xd2800103, // mov x3, #8
  0xd28010c8, // mov x8, #134
  0xd4000001, // svc #0
  0xf94003e9, // ldr x9, [sp]
  0xf100053f, // cmp x9, #1: SIG_IGN
  0x54000081, // b.ne next
  0x8b0e01ef, // add x15, x15, x14
  0x9acb2129, // lsl x9, x9, x11
  0xaa090231, // orr x17, x17, x9
  0x8b0e01ce, // next: add x14, x14, x14
  0x53087e10, // lsr w16, w16, #8
  0x35fffe30, // cbnz w16, signal
  0xd341fe31, // lsr x17, x17, #1
  0xf90003f1, // str x17, [sp]
  0xd2800000, // mov x0, #0: SIG_BLOCK
  0x910003e1, // mov x1, sp
  0xd2800002, // mov x2, #0
  0xd2800103, // mov x3, #8
  0xd28010e8, // mov x8, #135
  0xd4000001, // svc #0
  0x910083ff, // add sp, sp, #32
  0xf84107e0, // ldr x0, [sp], #16
];
