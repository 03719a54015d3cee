// Makes a Debian binary package, an `ar` archive of three members, without Debian's tools. lintian checks it.

import packageJson from "../../../package.json";
import { ar, member, tar, type TarMember } from "../archive.ts";
import { type Change, type Facts, readChanges } from "../facts.ts";
import type { Texts } from "../texts.ts";
import { gzip, hostFiles } from "./host-files.ts";

export const DESCRIPTION: readonly string[] = [
  "One file that kills a cgroup and everything below it, on cgroup v1 and v2:",
  "exit status 0 means that the kernel itself reports it empty. Processes that",
  "do not die are reported, with what they are blocked on and what to do about",
  "it. Nothing outside the cgroup is signalled, and nothing stays frozen.",
];

/** What lintian must not report, each with its reason. */
const OVERRIDES = `# Stripping cuts off the program that the runtime executes: the file would no longer start.
cgkill: unstripped-binary-or-object [usr/bin/cgkill]
# Bun's runtime is one executable with everything linked statically; THIRD-PARTY.gz lists it.
cgkill: embedded-library *
# The runtime is compiled by its vendor, at fixed addresses and without these.
cgkill: hardening-no-pie *
cgkill: hardening-no-relro *
cgkill: hardening-no-bindnow *
# Words in the texts of the runtime.
cgkill: spelling-error-in-binary *
`;

/** @param architecture  Debian's name for it */
export function debianPackage(architecture: string, binary: Buffer, texts: Texts, facts: Facts): Buffer<ArrayBuffer> {
  const data: readonly TarMember[] = [
    ...hostFiles(binary, texts),
    member("./usr/share/doc/cgkill/copyright", Buffer.from(copyright(texts))),
    member("./usr/share/doc/cgkill/changelog.gz", gzip(Buffer.from(changelog(readChanges(), facts)))),
    member("./usr/share/lintian/overrides/cgkill", Buffer.from(OVERRIDES)),
  ];
  const installedKib = data.reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 1024), 0);
  const control = [
    "Package: cgkill",
    `Version: ${facts.version}`,
    `Architecture: ${architecture}`,
    `Maintainer: ${facts.maintainer}`,
    `Installed-Size: ${installedKib}`,
    "Depends: libc6 (>= 2.17)",
    "Section: admin",
    "Priority: optional",
    `Description: ${packageJson.description.replace(/^K/, "k")}`,
    ...DESCRIPTION.map((line) => ` ${line}`),
    "",
  ].join("\n");
  const sums = data
    .map(({ path, bytes }) => `${Bun.MD5.hash(new Uint8Array(bytes), "hex")}  ${path.slice(2)}\n`)
    .join("");
  const about = [member("./control", Buffer.from(control)), member("./md5sums", Buffer.from(sums))];
  return ar(
    [
      { path: "debian-binary", bytes: Buffer.from("2.0\n") },
      { path: "control.tar.gz", bytes: gzip(tar(about, facts.epoch)) },
      { path: "data.tar.gz", bytes: gzip(tar(data, facts.epoch)) },
    ],
    facts.epoch,
  );
}

/** In Debian's machine-readable format. */
function copyright({ LICENSE }: Texts): string {
  const [, holder = "", ...terms] = LICENSE.toString().trim().split(/\n\n/);
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: cgkill
Comment:
 usr/bin/cgkill also contains Bun's runtime, with JavaScriptCore (LGPL-2.0-or-later), and npm packages.
 /usr/share/doc/cgkill/THIRD-PARTY.gz lists all of it, with the licences and the terms of the LGPL.

Files: *
Copyright: ${holder.replace("Copyright (c) ", "")}
License: Expat
${terms
  .join("\n\n")
  .split("\n")
  .map((line) => (line === "" ? " ." : ` ${line}`))
  .join("\n")}
`;
}

/** In Debian's format. The newest entry has the date of the commit. */
function changelog(changes: readonly Change[], { epoch, maintainer }: Facts): string {
  return changes
    .map(({ version, date, items }, index) => {
      const when = (index === 0 ? new Date(epoch * 1000) : new Date(`${date}T00:00:00Z`)).toUTCString();
      const lines = items.map((item) => `  * ${item.replace(/(.{1,74})( |$)/g, "$1\n    ").trimEnd()}`);
      return `cgkill (${version}) unstable; urgency=medium\n\n${lines.join("\n")}\n\n -- ${maintainer}  ${when.replace("GMT", "+0000")}\n`;
    })
    .join("\n");
}
