// Installs, upgrades and removes every form of a release in scratch roots, which must then be as they were. The release
// is a real one, and is upgraded to itself.

import { mkdirSync, writeFileSync } from "node:fs";

import { $ } from "bun";

import { snapshot } from "../../../test/support/snapshot.ts";

export interface Place {
  /** The release directory. */
  readonly release: string;
  readonly version: string;
  /** An existing, empty directory. */
  readonly scratch: string;
  /** A file with the public key. */
  readonly key: string;
}

type Check = (place: Place, root: string) => Promise<void>;

const env = { PATH: process.env["PATH"] ?? "", LC_ALL: "C", HOME: "/nonexistent" };

async function expectVersion(binary: string, version: string): Promise<void> {
  const told = await $`${binary} --version`.env(env).text();
  if (!told.startsWith(`cgkill ${version} `)) throw new Error(`${binary} --version: ${told}`);
}

async function mustFail(what: string, ran: { readonly exitCode: number }): Promise<void> {
  if (ran.exitCode === 0) throw new Error(`${what}: accepted`);
}

const installer: Check = async ({ release, version, key, scratch }, root) => {
  const run = async (...args: string[]) =>
    await $`${release}/install.sh ${args}`
      .env({ ...env, PREFIX: `${root}/usr/local` })
      .quiet()
      .nothrow();
  for (const _ of ["install", "upgrade"]) {
    const ran = await run(`--key=${key}`, release);
    if (ran.exitCode !== 0 || ran.stderr.length > 0) throw new Error(`install.sh: ${ran.stderr}`);
  }
  await expectVersion(`${root}/usr/local/bin/cgkill`, version);
  await $`ssh-keygen -q -t ed25519 -N "" -f ${scratch}/foreign`.quiet();
  await mustFail("a foreign key", await run(`--key=${scratch}/foreign.pub`, release));
  await run("--uninstall");
};

const archive: Check = async ({ release, version, scratch }, root) => {
  await $`tar -xzf ${release}/cgkill-${version}-linux-x64.tar.gz -C ${scratch}`;
  const script = `${scratch}/cgkill-${version}-linux-x64/install.sh`;
  const prefix = { ...env, PREFIX: `${root}/opt/cgkill` };
  for (const _ of ["install", "upgrade"]) await $`sh ${script}`.env(prefix).quiet();
  await expectVersion(`${root}/opt/cgkill/bin/cgkill`, version);
  await $`sh ${script} --uninstall`.env(prefix).quiet();
};

const debian: Check = async ({ release, version }, root) => {
  for (const dir of ["info", "updates"]) mkdirSync(`${root}/var/lib/dpkg/${dir}`, { recursive: true });
  for (const file of ["status", "available"]) writeFileSync(`${root}/var/lib/dpkg/${file}`, "");
  const host = [`--root=${root}`, "--log=/dev/null", "--force-depends", "--force-architecture"];
  for (const architecture of ["amd64", "arm64"]) {
    for (const _ of ["install", "upgrade"])
      await $`dpkg ${host} --install ${release}/cgkill_${version}_${architecture}.deb`.env(env).quiet();
    if (architecture === "amd64") await expectVersion(`${root}/usr/bin/cgkill`, version);
    const verified = await $`dpkg ${host} --verify cgkill`.env(env).quiet().text();
    if (verified !== "") throw new Error(`dpkg --verify: ${verified}`);
    await $`dpkg ${host} --purge cgkill`.env(env).quiet();
  }
};

const redhat: Check = async ({ release, version }, root) => {
  const host = ["--root", root, "--dbpath", "/var/rpm", "--nodeps"];
  for (const architecture of ["x86_64", "aarch64"]) {
    const file = `${release}/cgkill-${version}-1.${architecture}.rpm`;
    await $`rpm ${host} --ignorearch -i ${file}`.env(env).quiet();
    await $`rpm ${host} --ignorearch -U --replacepkgs ${file}`.env(env).quiet();
    if (architecture === "x86_64") await expectVersion(`${root}/usr/bin/cgkill`, version);
    await $`rpm ${host} -e cgkill`.env(env).quiet();
  }
};

const npm: Check = async ({ release, version, scratch }, root) => {
  const npmEnv = {
    ...env,
    HOME: scratch,
    // Nothing is requested from the registry: the packages of other platforms are left out.
    npm_config_offline: "true",
    npm_config_update_notifier: "false",
    npm_config_audit: "false",
    npm_config_fund: "false",
  };
  const files = [`${release}/cgkill-linux-x64-${version}.tgz`, `${release}/cgkill-${version}.tgz`];
  const prefix = `${root}/usr`;
  mkdirSync(`${prefix}/lib/node_modules/other`, { recursive: true });
  const before = snapshot(root);
  for (const _ of ["install", "upgrade"]) await $`npm install --global --prefix ${prefix} ${files}`.env(npmEnv).quiet();
  await expectVersion(`${prefix}/bin/cgkill`, version);
  await $`npm uninstall --global --prefix ${prefix} cgkill @cgkill/linux-x64`.env(npmEnv).quiet();
  // npm leaves the empty directories of man pages and of a scope behind.
  await $`find ${prefix} -type d -empty -not -path ${`${prefix}/lib/node_modules/other`} -delete`.quiet().nothrow();
  if (snapshot(root) !== before) throw new Error(`npm uninstall left:\n${snapshot(root)}`);
};

const CHECKS: Readonly<Record<string, Check>> = { installer, tarball: archive, deb: debian, rpm: redhat, npm };

/** @throws Error  an installation failed, or left something behind */
export async function checkInstallations(place: Place): Promise<string> {
  for (const [name, check] of Object.entries(CHECKS)) {
    const root = `${place.scratch}/root-${name}`;
    for (const dir of ["usr/bin", "usr/share/man/man1", "usr/share/doc"]) {
      mkdirSync(`${root}/${dir}`, { recursive: true });
      writeFileSync(`${root}/${dir}/other`, "another file");
    }
    const databases = ["var", "usr/lib"];
    const before = snapshot(root, databases);
    await check(place, root);
    const after = snapshot(root, databases);
    if (after !== before) throw new Error(`${name} left the root changed:\n${before}\n${after}`);
  }
  return `installed, upgraded and removed: ${Object.keys(CHECKS).join(", ")}; each root as it was`;
}
