// The stack that the first instructions leave to the C library, on each machine: a tiny program that has these
// instructions only prints it. The other machine is emulated.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { addArm64, addX64, SETTINGS, STRINGS } from "../../scripts/build/engine-settings.ts";
import { hideArm64, hideX64, TABLE } from "../../scripts/build/hidden-variables.ts";
import { noteArm64, NOTES, noteX64 } from "../../scripts/build/ignored-signals.ts";
import { NOTED_SIGNALS } from "../../src/sys/signals.ts";

const dir = mkdtempSync(`${tmpdir()}/cgkill-stack-`);
afterAll(() => rmSync(dir, { recursive: true }));

const BASE = 0x400000;
const HEADERS = 64 + 56;
/** Two words: `environ`, and the stack pointer. */
const ENVIRON = BASE + 0x800;

// Writes the two words, then the stack, page by page until there is none.
const PRINT_X64 = Buffer.from(
  [
    "4889242508084000", // mov [0x400808], rsp
    "b801000000bf01000000be00084000ba100000000f05", // write(1, 0x400800, 16)
    "4889e6", // mov rsi, rsp
    "89f281e2ff0f0000f7da81c200100000", // page: edx = the rest of the page
    "b8010000000f05", // write(1, rsi, edx)
    "4885c07e054801c6ebdf", // if rax > 0: rsi += rax, next page
    "31ffb8e70000000f05", // exit_group(0)
  ].join(""),
  "hex",
);
const PRINT_ARM64 = [
  ...[0x910003e9, 0x5281000a, 0x72a0080a, 0xf9000549], // str sp, [0x400808]
  ...[0xd2800808, 0xd2800020, 0xaa0a03e1, 0xd2800202, 0xd4000001], // write(1, 0x400800, 16)
  ...[0x910003e1, 0xd2820003], // mov x1, sp; mov x3, #4096
  ...[0x92402c22, 0xcb020062, 0xd2800020, 0xd4000001], // page: write(1, x1, the rest of the page)
  ...[0xf100001f, 0x5400006d, 0x8b000021, 0x17fffff9], // if x0 > 0: x1 += x0, next page
  ...[0xd2800000, 0xd2800bc8, 0xd4000001], // exit_group(0)
];

function codeX64(): Buffer {
  const add = addX64(PRINT_X64.length + TABLE.length, ENVIRON);
  const note = noteX64();
  return Buffer.concat([hideX64(note.length + add.length + PRINT_X64.length), note, add, PRINT_X64]);
}

function codeArm64(): Buffer {
  const add = addArm64(PRINT_ARM64.length * 4 + TABLE.length, ENVIRON);
  const note = noteArm64();
  const hide = hideArm64((note.length + add.length + PRINT_ARM64.length) * 4);
  return Buffer.from(Uint32Array.from([...hide, ...note, ...add, ...PRINT_ARM64]).buffer);
}

interface MachineCode {
  readonly arch: string;
  readonly emulator: string;
  /** e_machine */
  readonly machine: number;
  readonly code: Buffer;
}

function toElf({ machine, code }: MachineCode): Buffer {
  const headers = Buffer.alloc(HEADERS);
  headers.write("\u007fELF\u0002\u0001\u0001", 0, "latin1");
  headers.writeUInt16LE(2, 16); // executable
  headers.writeUInt16LE(machine, 18);
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(BigInt(BASE + HEADERS), 24); // entry
  headers.writeBigUInt64LE(64n, 32); // program headers
  headers.writeUInt16LE(64, 52);
  headers.writeUInt16LE(56, 54);
  headers.writeUInt16LE(1, 56);
  headers.writeUInt32LE(1, 64); // PT_LOAD
  headers.writeUInt32LE(7, 68); // readable, writable and executable
  headers.writeBigUInt64LE(BigInt(BASE), 80);
  headers.writeBigUInt64LE(0x1000n, 96); // in the file
  headers.writeBigUInt64LE(0x1000n, 104); // in memory
  headers.writeBigUInt64LE(0x1000n, 112); // alignment
  return Buffer.concat([headers, code, TABLE, STRINGS], 0x1000);
}

const AT_PAGESZ = 6n;

test.each<MachineCode>([
  { arch: "x64", emulator: "qemu-x86_64", machine: 62, code: codeX64() },
  { arch: "arm64", emulator: "qemu-aarch64", machine: 183, code: codeArm64() },
])("$arch: variables are hidden and added; arguments, order and auxiliary vector stay", (machine) => {
  const isNative = process.arch === machine.arch;
  const emulator = Bun.which(machine.emulator);
  if (!isNative && emulator === null) return console.warn(`left out: the stack on ${machine.arch} (no emulator)`);
  const program = `${dir}/${machine.arch}`;
  const elf = toElf(machine);
  writeFileSync(program, elf, { mode: 0o755 });
  const command = [...(isNative || emulator === null ? [] : [emulator]), program, "first", "second"];
  const variables = ["A=1", "BUN_X=1", "EMPTY=", "mimalloc_x=1", "BU=1", "CGKILL_IGNORED=1"];
  const seen = ["A=1", "UN_X=1", "EMPTY=", "imalloc_x=1", "BU=1", "GKILL_IGNORED=1"];
  // The number of variables is also the set of signals that are ignored.
  for (const [count, note] of NOTES.entries()) {
    const noted = NOTED_SIGNALS.filter((_, index) => (count >> index) % 2 === 1);
    const ignoring = noted.length === 0 ? 'exec "$@"' : `trap '' ${noted.join(" ")}; exec "$@"`;
    const { stdout } = Bun.spawnSync([
      "sh",
      "-c",
      ignoring,
      "sh",
      "env",
      "-i",
      ...variables.slice(0, count),
      ...command,
    ]);
    const stack = stdout.subarray(16);
    const [environ, pointer] = [stdout.readBigUInt64LE(0), stdout.readBigUInt64LE(8)];
    expect(pointer % 16n).toBe(0n);
    const text = (address: bigint): string => {
      const [bytes, base] = address < pointer ? [elf, BigInt(BASE)] : [stack, pointer];
      const at = Number(address - base);
      return bytes.toString("latin1", at, bytes.indexOf(0, at));
    };
    let at = 0;
    const next = (): bigint => stack.readBigUInt64LE((at += 8) - 8);
    const texts = (): string[] => {
      const found: string[] = [];
      for (let address = next(); address !== 0n; address = next()) found.push(text(address));
      return found;
    };
    expect(next()).toBe(3n);
    expect(texts()).toEqual([program, "first", "second"]);
    expect(environ).toBe(pointer + BigInt(at));
    const given = seen.slice(0, count);
    // The emulator reverses the order.
    expect(texts()).toEqual([...(isNative ? given : given.reverse()), ...SETTINGS, note]);
    const auxiliary = new Map<bigint, bigint>();
    for (let type = next(); type !== 0n; type = next()) auxiliary.set(type, next());
    expect([4096n, 16_384n, 65_536n]).toContain(auxiliary.get(AT_PAGESZ) ?? 0n);
  }
});
