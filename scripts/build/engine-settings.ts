// The settings of the JavaScript engine, and the instructions that add them to the environment.
//
// The engine starts helper threads as its heap grows, and aborts if it cannot. On a host with a full process table, which
// is when cgkill is needed, that would happen in the middle of a kill. It works without them, but reads its settings only
// from environment variables, at its start. The entry code (entry.ts) runs before that. It copies what the kernel has put
// on the stack (argc, the pointers to arguments and variables, the auxiliary vector) further down, with these variables
// added. glibc has noted the old variables in `environ` by then, and musl takes the new ones from the stack.
//
// /proc/self/environ does not show them, and a command of `cgkill run` does not get them.

import { adr } from "./hidden-variables.ts";
import { NOTE_STRINGS } from "./ignored-signals.ts";

/**
 * A single thread: no pages prepared ahead, no concurrent collector, no concurrent compiler, and of the compilers only the
 * first, which is quick. A flag of the build turns that off too, except for a list (cli/commands/list.ts).
 */
export const SETTINGS: readonly string[] = [
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_numberOfGCMarkers=1",
  "BUN_JSC_useConcurrentJIT=0",
  "BUN_JSC_useDFGJIT=0",
];

/** Each setting takes this many bytes, with NULs at its end. */
const STRIDE = 32;

export const STRINGS: Buffer = Buffer.concat([
  ...SETTINGS.map((setting) => {
    if (setting.length >= STRIDE) throw new Error(`${setting}: too long`);
    return Buffer.concat([Buffer.from(setting, "latin1")], STRIDE);
  }),
  NOTE_STRINGS,
]);

/** The settings, and one of the notes. */
const POINTERS = (SETTINGS.length + 1) * 8;

/**
 * Follows the instructions of hidden-variables.ts, which leave r8 at the end of the environment, and of
 * ignored-signals.ts, which leave in rbx how far the note is from the first one.
 *
 * @param gap      how many bytes are between these instructions and the strings
 * @param environ  the address of the variable of this name
 */
export function addX64(gap: number, environ: number): Buffer {
  const toStrings = Buffer.alloc(4);
  toStrings.writeInt32LE(0x31 + gap);
  const at = Buffer.alloc(4);
  at.writeInt32LE(environ);
  return Buffer.from(
    [
      "4d8d4808", // lea r9, [r8 + 8]: the auxiliary vector
      "4c89ce", // mov rsi, r9
      "48ad", // pair: lodsq
      "4883c608", // add rsi, 8
      "4885c0", // test rax, rax
      "75f5", // jnz pair
      "4989e2", // mov r10, rsp
      "4889e7", // mov rdi, rsp
      "4801ff", // add rdi, rdi
      "4829f7", // sub rdi, rsi: as far below rsp as the end is above it
      `4883ef${POINTERS.toString(16)}`, // sub rdi, the size of the new pointers
      "4883e7f0", // and rdi, -16
      "4889fc", // mov rsp, rdi
      "4c89d6", // mov rsi, r10
      "4c89c1", // mov rcx, r8
      "4829f1", // sub rcx, rsi
      "48c1e903", // shr rcx, 3
      "f348a5", // rep movsq: argc, arguments, variables
      `488d05${toStrings.toString("hex")}`, // lea rax, [rip + …]: the strings
      `b9${SETTINGS.length.toString(16).padStart(2, "0")}000000`, // mov ecx, their number
      "48ab", // setting: stosq
      `4883c0${STRIDE.toString(16)}`, // add rax, their size
      "e2f8", // loop setting
      "4801d8", // add rax, rbx: the note
      "48ab", // stosq
      "48a5", // movsq: NULL
      "488b06", // next: mov rax, [rsi]
      "48a5", // movsq
      "48a5", // movsq
      "4885c0", // test rax, rax
      "75f4", // jnz next
      "488b0424", // mov rax, [rsp]: argc
      "488d44c410", // lea rax, [rsp + rax * 8 + 16]: envp
      `48890425${at.toString("hex")}`, // mov [environ], rax
    ].join(""),
    "hex",
  );
}

/** The same for arm64, with x10 at the end of the environment, and x15. */
export const addArm64 = (gap: number, environ: number): number[] => [
  0x9100214b, // add x11, x10, #8: the auxiliary vector
  0xaa0b03ec, // mov x12, x11
  0xf8410589, // pair: ldr x9, [x12], #16
  0xb5ffffe9, // cbnz x9, pair
  0x910003ed, // mov x13, sp
  0xd37ff9ae, // lsl x14, x13, #1
  0xcb0c01ce, // sub x14, x14, x12: as far below sp as the end is above it
  0xd10001ce | (POINTERS << 10), // sub x14, x14, the size of the new pointers
  0x927cedce, // and x14, x14, #-16
  0x910001df, // mov sp, x14
  0xf84085a9, // old: ldr x9, [x13], #8
  0xf80085c9, // str x9, [x14], #8
  0xeb0a01bf, // cmp x13, x10
  0x54ffffa1, // b.ne old
  adr(12, 0x48 + gap), // adr x12, the strings
  0x52800009 | (SETTINGS.length << 5), // mov w9, their number
  0xf80085cc, // setting: str x12, [x14], #8
  0x9100018c | (STRIDE << 10), // add x12, x12, their size
  0x51000529, // sub w9, w9, #1
  0x35ffffa9, // cbnz w9, setting
  0x8b0f018c, // add x12, x12, x15: the note
  0xf80085cc, // str x12, [x14], #8
  0xf80085df, // str xzr, [x14], #8
  0xa8c13169, // next: ldp x9, x12, [x11], #16
  0xa88131c9, // stp x9, x12, [x14], #16
  0xb5ffffc9, // cbnz x9, next
  0xf94003e9, // ldr x9, [sp]: argc
  0x8b296fe9, // add x9, sp, x9, lsl #3
  0x91004129, // add x9, x9, #16: envp
  0x5280000a | ((environ & 0xffff) << 5), // mov w10, the lower half of the address of environ
  0x72a0000a | ((environ >>> 16) << 5), // movk w10, its upper half
  0xf9000149, // str x9, [x10]
];
