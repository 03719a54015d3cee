// Writes the two archive formats of a Debian package, tar and ar. The same files give the same bytes: every member is
// owned by root and dated 1970.

export interface Member {
  readonly path: string;
  readonly bytes: Buffer;
}

export interface TarMember extends Member {
  readonly mode: number;
}

const TAR_BLOCK = 512;

/** POSIX ustar. Parent directories are added. */
export function tar(members: readonly TarMember[]): Buffer<ArrayBuffer> {
  const made = new Set<string>();
  const blocks: Buffer[] = [];
  for (const { path, mode, bytes } of members) {
    for (const parent of parentsOf(path)) {
      if (made.has(parent)) continue;
      made.add(parent);
      blocks.push(tarHeader(parent, 0o755, 0, "5"));
    }
    blocks.push(tarHeader(path, mode, bytes.length, "0"), bytes, Buffer.alloc(-bytes.length & (TAR_BLOCK - 1)));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * TAR_BLOCK)]);
}

/** "./usr/bin/x" → "./", "./usr/", "./usr/bin/" */
function parentsOf(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => `${names.slice(0, index + 1).join("/")}/`);
}

function tarHeader(path: string, mode: number, size: number, type: "0" | "5"): Buffer<ArrayBuffer> {
  const header = Buffer.alloc(TAR_BLOCK);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
  const put = (at: number, text: string): void => void header.write(text, at, "latin1");
  put(0, path);
  put(100, octal(mode, 8));
  put(108, octal(0, 8));
  put(116, octal(0, 8));
  put(124, octal(size, 12));
  put(136, octal(0, 12));
  put(148, " ".repeat(8));
  put(156, type);
  put(257, "ustar\u000000");
  put(265, "root");
  put(297, "root");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}

/** The common ar(5) format, as dpkg reads it. */
export function ar(members: readonly Member[]): Buffer<ArrayBuffer> {
  const parts: Buffer[] = [Buffer.from("!<arch>\n")];
  for (const { path, bytes } of members) {
    const header = `${path.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`;
    parts.push(Buffer.from(header), bytes, Buffer.from(bytes.length % 2 === 1 ? "\n" : ""));
  }
  return Buffer.concat(parts);
}
