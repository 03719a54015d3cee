// The files that a distribution's package installs, and where: the same for deb and rpm.

import type { TarMember } from "../archive.ts";
import type { Texts } from "../texts.ts";

/** @returns paths that begin with `./usr/` */
export function hostFiles(binary: Buffer, texts: Texts): TarMember[] {
  const plain = (path: string, bytes: Buffer): TarMember => ({ path: `./usr/${path}`, mode: 0o644, bytes });
  return [
    { path: "./usr/bin/cgkill", mode: 0o755, bytes: binary },
    plain("share/man/man1/cgkill.1.gz", gzip(texts["cgkill.1"])),
    plain("share/bash-completion/completions/cgkill", texts["cgkill.bash"]),
    plain("share/zsh/vendor-completions/_cgkill", texts["cgkill.zsh"]),
    plain("share/fish/vendor_completions.d/cgkill.fish", texts["cgkill.fish"]),
    plain("share/doc/cgkill/THIRD-PARTY.gz", gzip(texts["THIRD-PARTY"])),
    plain("share/doc/cgkill/SECURITY.md", texts["SECURITY.md"]),
  ];
}

/** As `gzip -9n`: without name and date. */
export function gzip(bytes: Buffer): Buffer<ArrayBuffer> {
  const packed = Buffer.from(Bun.gzipSync(new Uint8Array(bytes), { level: 9 }));
  packed.writeUInt32LE(0, 4);
  // "best compression", "Unix"
  packed[8] = 2;
  packed[9] = 3;
  return packed;
}
