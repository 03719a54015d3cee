// The demo of README.md: build, start a small fork bomb in a new cgroup, preview it, kill it, prove it, clean up. Runs
// as root on v2, hybrid and legacy hosts, and otherwise says what it needs.

import { existsSync, mkdirSync, readFileSync } from "node:fs";

import { destroy, liveMembers, mountPoint, startAdversary, until } from "../test/support/real-cgroup.ts";
import { build } from "./build/build.ts";

const PROCESSES = 12;

function say(text: string): void {
  console.log(`\n\x1b[1m${text}\x1b[0m`.replace(/\x1b\[\d*m/g, (code) => (Bun.enableANSIColors ? code : "")));
}

function fail(why: string): never {
  console.error(`demo: ${why}`);
  process.exit(1);
}

async function cgkill(...args: string[]): Promise<number> {
  console.log(`$ cgkill ${args.join(" ")}`);
  return await Bun.spawn([binary, ...args], { stdio: ["ignore", "inherit", "inherit"] }).exited;
}

if (process.getuid?.() !== 0)
  fail("needs root to make a cgroup: sudo npm run demo, or run it in a privileged container");
const which = mountPoint("v2") !== undefined ? "v2" : "v1";
const point = mountPoint(which) ?? fail("no cgroup hierarchy is mounted: mount -t cgroup2 none /sys/fs/cgroup");

say("1. Build the binary");
const binary = await build();
console.log(binary);

const name = `cgkill-demo-${process.pid}`;
const dir = `${point}/${name}`;
let isStopped = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    isStopped = true;
  });
}

let code = 1;
try {
  mkdirSync(dir);
  say(`2. Start a fork bomb of ${PROCESSES} processes in a new cgroup (${which}): each that dies is replaced`);
  await using _ = startAdversary("forkbomb", PROCESSES, dir);
  await until("the fork bomb", () => isStopped || liveMembers(dir).length >= PROCESSES);
  console.log(`${liveMembers(dir).length} processes in ${dir}`);

  if (!isStopped) {
    say("3. Preview: this changes nothing");
    await cgkill("show", dir);
    say("4. Kill it");
    code = await cgkill(dir);
    const left = liveMembers(dir).length;
    console.log(`exit status ${code}`);
    say("5. Check independently, right after the kill");
    const events = `${dir}/cgroup.events`;
    if (existsSync(events)) console.log(`${events}: ${readFileSync(events, "utf8").split("\n")[0]}`);
    console.log(existsSync(dir) ? `processes left in ${dir}: ${left}` : `${dir} is gone`);
    if (left > 0) code = 1;
  }
} catch (error) {
  code = 1;
  console.error(`demo: ${error instanceof Error ? error.message : error}`);
} finally {
  await destroy(dir);
}
if (code === 0) say("Done. Nothing is left behind.");
process.exit(code);
