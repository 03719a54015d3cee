// Makes an rpm package with rpmbuild from an existing binary: nothing is compiled, stripped or searched for
// dependencies. The same files and the same rpmbuild give the same bytes.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { $, Glob } from "bun";

import packageJson from "../../../package.json";
import { member, type TarMember, writeMembers } from "../archive.ts";
import { type Change, type Facts, readChanges } from "../facts.ts";
import { runtimeComponents } from "../licenses/runtime.ts";
import type { Texts } from "../texts.ts";
import { DESCRIPTION } from "./debian.ts";
import { hostFiles } from "./host-files.ts";

export const hasRpmbuild = (): boolean => Bun.which("rpmbuild") !== null;

/** Directories that a distribution may not have: owned together with any other packages that own them. */
const OWN_DIRECTORIES = [
  "/usr/share/doc/cgkill",
  "/usr/share/bash-completion",
  "/usr/share/bash-completion/completions",
  "/usr/share/zsh",
  "/usr/share/zsh/site-functions",
  "/usr/share/fish",
  "/usr/share/fish/vendor_completions.d",
];

const LICENSE =
  "MIT AND ISC AND Apache-2.0 AND BSD-2-Clause AND BSD-3-Clause AND Zlib AND ICU AND MPL-2.0 AND LGPL-2.0-or-later AND LGPL-2.1-only";

/**
 * @param architecture  rpm's name for it
 * @throws Error  rpmbuild failed, with its output
 */
export async function rpmPackage(
  architecture: string,
  binary: Buffer,
  texts: Texts,
  facts: Facts,
): Promise<Buffer<ArrayBuffer>> {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-rpm-`);
  try {
    const all = [
      ...hostFiles(binary, texts),
      ...(["LICENSE", "CHANGES.md"] as const).map((name) => member(`./usr/share/doc/cgkill/${name}`, texts[name])),
    ];
    // Distributions other than Debian look for zsh completions in site-functions.
    const placed = all.map((file) => ({ ...file, path: file.path.replace("vendor-completions", "site-functions") }));
    writeMembers(`${scratch}/files`, placed);
    await $`find ${scratch}/files -exec touch --no-dereference --date=@${facts.epoch} ${"{}"} +`.quiet();
    writeFileSync(`${scratch}/cgkill.spec`, spec(facts, `${scratch}/files`, placed));
    const built = await $`rpmbuild -bb --quiet --target=${architecture}-linux ${scratch}/cgkill.spec`
      .env({ PATH: process.env["PATH"] ?? "", HOME: scratch, LC_ALL: "C", SOURCE_DATE_EPOCH: String(facts.epoch) })
      .quiet()
      .nothrow();
    const [made] = [...new Glob("rpmbuild/RPMS/**/*.rpm").scanSync({ cwd: scratch, dot: true })];
    if (built.exitCode !== 0 || made === undefined) throw new Error(`rpmbuild failed:\n${built.stdout}${built.stderr}`);
    return readFileSync(`${scratch}/${made}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function spec(facts: Facts, from: string, files: readonly TarMember[]): string {
  const bundled = runtimeComponents()
    .filter(({ version, name }) => version !== undefined && /^[\w.+-]+$/.test(name))
    .map(({ name, version }) => `Provides: bundled(${name.toLowerCase()}) = ${version}`);
  return `# Without what Debian's or Fedora's macros would do to the file: strip it, look for debug information, compress.
%global debug_package %{nil}
%global __os_install_post %{nil}
%global __brp_strip %{nil}
%global _build_id_links none
%global _buildhost reproducible
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global source_date_epoch_from_changelog 0
%global _binary_payload w6.gzdio
%global _topdir %{getenv:HOME}/rpmbuild

Name: cgkill
Version: ${facts.version}
Release: 1
Summary: ${packageJson.description}
License: ${LICENSE}
Packager: ${facts.maintainer}
AutoReqProv: no
Requires: libc.so.6(GLIBC_2.17)(64bit)
${bundled.join("\n")}

%description
${DESCRIPTION.join("\n")}

%install
mkdir -p %{buildroot}
cp -a ${from}/. %{buildroot}/

%files
%defattr(-,root,root,-)
${OWN_DIRECTORIES.map((dir) => `%dir %attr(0755,root,root) ${dir}`).join("\n")}
${files.map(placedFile).join("\n")}

%changelog
${readChanges()
  .map((change) => changeEntry(change, facts))
  .join("\n\n")}
`;
}

function placedFile({ path, mode }: TarMember): string {
  const at = path.slice(1);
  const doc = at.startsWith("/usr/share/doc/") ? "%doc " : "";
  return `%attr(${mode.toString(8).padStart(4, "0")},root,root) ${doc}${at}`;
}

function changeEntry({ version, date, items }: Change, { maintainer }: Facts): string {
  const [weekday, day, month, year] = new Date(`${date}T00:00:00Z`).toUTCString().replace(",", "").split(" ");
  const lines = items.map((item) => `- ${item.replaceAll("%", "%%")}`);
  return [`* ${weekday} ${month} ${day} ${year} ${maintainer} - ${version}-1`, ...lines].join("\n");
}
