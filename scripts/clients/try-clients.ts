// Tries cgkill with programs that make cgroups, set up as their operators would. Each starts a runaway workload: `list`
// labels it, cgkill kills it by name, the client itself reports that it is gone, and the hint about a restart is
// followed. Prints a table. Needs root and a host with v1 and v2; everything is in scratch directories.
//
//   bun scripts/clients/try-clients.ts [--install] [CLIENT...]

import { BINARY } from "../../test/support/run-cgkill.ts";
import { ansible } from "./cases/ansible.ts";
import { cgrules } from "./cases/cgrules.ts";
import { containerd } from "./cases/containerd.ts";
import { cron, monit } from "./cases/cron.ts";
import { docker } from "./cases/docker.ts";
import { lxc } from "./cases/lxc.ts";
import { podman } from "./cases/podman.ts";
import { crun, runc } from "./cases/runtimes.ts";
import { slurms } from "./cases/slurm.ts";
import { supervisors } from "./cases/supervisors.ts";
import { type Case, type Row, Stage } from "./stage.ts";

const CASES: readonly Case[] = [
  ...slurms,
  runc,
  crun,
  podman,
  docker,
  containerd,
  lxc,
  ...supervisors,
  cron,
  monit,
  cgrules,
  ansible,
];

const [isInstall, wanted] = [
  process.argv.includes("--install"),
  process.argv.slice(2).filter((word) => word !== "--install"),
];

if (!(await Bun.file(BINARY).exists())) throw new Error(`${BINARY} is missing: bun scripts/build/build.ts`);

/** @returns why a case cannot be tried; `undefined` if it can */
function lacking({ programs, packages }: Case): string | undefined {
  const isMissing = (): boolean => programs.some((program) => Bun.which(program) === null);
  if (isMissing() && isInstall) {
    const install = ["apt-get", "install", "-y", "--no-install-recommends", ...packages.split(" ")];
    Bun.spawnSync(install, { stdio: ["ignore", "ignore", "inherit"] });
  }
  return isMissing() ? `not installed: ${packages}` : undefined;
}

async function tryCase(one: Case): Promise<Row | string> {
  const lack = lacking(one);
  if (lack !== undefined) return lack;
  await using stage = new Stage(one.client);
  return await one.run(stage);
}

let failed = 0;
console.log("| client | label | killed, by `--name` | the client says | may start it again |");
console.log("| --- | --- | --- | --- | --- |");
for (const one of CASES) {
  if (wanted.length > 0 && !wanted.some((word) => one.client.toLowerCase().includes(word.toLowerCase()))) continue;
  try {
    const row = await tryCase(one);
    if (typeof row === "string") console.log(`| ${one.client} | not tried: ${row} | | | |`);
    else console.log(`| ${one.client} | ${row.label} | ${row.killed} | ${row.says} | ${row.restart} |`);
  } catch (error) {
    failed++;
    console.log(`| ${one.client} | **failed**: ${error instanceof Error ? error.message : error} | | | |`);
  }
}
process.exit(failed === 0 ? 0 : 1);
