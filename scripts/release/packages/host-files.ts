// The files that a distribution's package installs, and where: the same for deb and rpm.

import { member, type TarMember } from "../archive.ts";
import type { Texts } from "../texts.ts";

/** @returns paths that begin with `./usr/` */
export function hostFiles(binary: Buffer, texts: Texts): TarMember[] {
  return [
    member("./usr/bin/cgkill", binary, 0o755),
    member("./usr/share/man/man1/cgkill.1.gz", gzip(texts["cgkill.1"])),
    member("./usr/share/bash-completion/completions/cgkill", texts["cgkill.bash"]),
    member("./usr/share/zsh/vendor-completions/_cgkill", texts["cgkill.zsh"]),
    member("./usr/share/fish/vendor_completions.d/cgkill.fish", texts["cgkill.fish"]),
    member("./usr/share/doc/cgkill/THIRD-PARTY.gz", gzip(texts["THIRD-PARTY"])),
    member("./usr/share/doc/cgkill/SECURITY.md", texts["SECURITY.md"]),
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
