// In place of a week of standby: many kills through one `cgkill -`, half of them on each version. Its memory must not
// grow by more than 2 MiB after the first thousand, and it must leak no descriptor.
//
//   bun scripts/bench/many-kills.ts [KILLS]

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

import { canStage, mountPoint } from "../../test/support/real-cgroup.ts";
import { BINARY } from "../../test/support/run-cgkill.ts";

const LIMIT_KIB = 2048;
const SETTLED = 1000;

const kills = Number(process.argv[2] ?? 100_000);
const parents = (["v1", "v2"] as const).filter(canStage).map((version) => {
  const parent = `${mountPoint(version)}/cgkill-test-many-${process.pid}`;
  mkdirSync(parent);
  return parent;
});

const standby = Bun.spawn([BINARY, "--json", "--remove", "-"], { stdio: ["pipe", "pipe", "inherit"] });
const answers = standby.stdout.getReader();

async function answer(): Promise<string> {
  let text = "";
  while (!text.endsWith("\n")) text += new TextDecoder().decode((await answers.read()).value);
  return text;
}

async function killOne(dir: string): Promise<void> {
  mkdirSync(dir);
  const sleeper = Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
  writeFileSync(`${dir}/cgroup.procs`, String(sleeper.pid));
  standby.stdin.write(`${dir}\n`);
  await standby.stdin.flush();
  const text = await answer();
  await sleeper.exited;
  if (!text.includes('"outcome":"killed"') || existsSync(dir)) throw new Error(`${dir}: ${text}`);
}

const rssKib = (): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${standby.pid}/status`, "utf8"))?.[1]);
const descriptors = (): number => readdirSync(`/proc/${standby.pid}/fd`).length;

let settled = { rss: 0, open: 0 };
let peak = 0;
const start = performance.now();
try {
  for (let n = 1; n <= kills; n++) {
    await killOne(`${parents[n % parents.length]}/${n}`);
    if (n === SETTLED) settled = { rss: rssKib(), open: descriptors() };
    if (n % SETTLED === 0) peak = Math.max(peak, rssKib());
    if (n % (10 * SETTLED) === 0 || n === SETTLED || n === kills) {
      console.log(
        `${n} kills: ${rssKib()} KiB, ${descriptors()} descriptors, ${Math.round((performance.now() - start) / 1000)} s`,
      );
    }
  }
  const grown = peak - settled.rss;
  const isGood = grown <= LIMIT_KIB && descriptors() <= settled.open;
  console.log(`${isGood ? "flat" : "NOT FLAT"}: at most ${grown} KiB more than after ${SETTLED} kills`);
  process.exitCode = isGood ? 0 : 1;
} finally {
  standby.kill("SIGKILL");
  for (const parent of parents) rmdirSync(parent);
}
