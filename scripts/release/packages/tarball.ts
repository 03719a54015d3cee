// A tarball: one directory that is itself a release, for one platform. Its install.sh installs it.

import { member, tar } from "../archive.ts";
import type { Facts } from "../facts.ts";
import { sumsOf } from "../sums.ts";
import { installer, type TextName, type Texts } from "../texts.ts";
import { gzip } from "./host-files.ts";

/** @param target  such as linux-x64 */
export function tarball(target: string, binary: Buffer, texts: Texts, { version, epoch }: Facts): Buffer<ArrayBuffer> {
  const files = new Map<string, Buffer>([[`cgkill-${target}`, binary], ...Object.entries(texts)]);
  // The signature is on the sums of the whole release, which cover the tarball. The sums in it are not signed: an
  // installer with the key would refuse them.
  files.set("install.sh" satisfies TextName, installer(""));
  files.set("SHA256SUMS", Buffer.from(sumsOf(files)));
  const isExecutable = (name: string): boolean =>
    name === ("install.sh" satisfies TextName) || name === `cgkill-${target}`;
  const members = [...files].map(([name, bytes]) =>
    member(`cgkill-${version}-${target}/${name}`, bytes, isExecutable(name) ? 0o755 : 0o644),
  );
  return gzip(tar(members, epoch));
}
