// The programs that check a release. On Debian, as root, missing ones are installed.

import { $ } from "bun";

/** By program: the Debian package that has it. */
const TOOLS: Readonly<Record<string, string>> = {
  git: "git",
  npm: "npm",
  node: "nodejs",
  lintian: "lintian",
  rpmbuild: "rpm",
  rpm: "rpm",
  dpkg: "dpkg",
  "ssh-keygen": "openssh-client",
  sha256sum: "coreutils",
  curl: "curl",
};

/** @throws Error  some are missing and cannot be installed; the message names them and their packages */
export async function ensureTools(): Promise<void> {
  const missing = (): string[] => Object.keys(TOOLS).filter((tool) => Bun.which(tool) === null);
  const before = missing();
  if (before.length === 0) return;
  const packages = [...new Set(before.map((tool) => TOOLS[tool] as string))];
  if (process.getuid?.() === 0 && Bun.which("apt-get") !== null) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await $`apt-get -qq update && apt-get -qq install -y --no-install-recommends ${packages}`
      .env(env)
      .quiet()
      .nothrow();
  }
  const left = missing();
  if (left.length > 0) throw new Error(`missing: ${left.join(", ")}; on Debian: apt-get install ${packages.join(" ")}`);
}
