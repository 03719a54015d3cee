// What the cases share: a scratch directory, daemons that are ended by pid, cgkill, and a workload out of control.

import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";

import { destroyEverywhere } from "../../test/support/containers.ts";
import { IN_MOUNTS_OF_ITS_OWN } from "../../test/support/layout.ts";
import { isAlive, liveMembers, until } from "../../test/support/real-cgroup.ts";
import { BINARY, documents } from "../../test/support/run-cgkill.ts";

/** One line of the table. */
export interface Row {
  /** What `cgkill list` calls it; "–" without a label. */
  readonly label: string;
  readonly killed: string;
  /** What the client says afterwards. */
  readonly says: string;
  /** What a finished kill says about a restart, and whether that was tried; "–" for nothing. */
  readonly restart: string;
}

export interface Case {
  readonly client: string;
  /** Programs that must be installed. */
  readonly programs: readonly string[];
  readonly packages: string;
  readonly run: (stage: Stage) => Promise<Row>;
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Daemon {
  readonly pid: number;
  readonly log: () => string;
}

/** Thrown by a case: the client contradicts what was expected of it, or of cgkill. */
export class Contradiction extends Error {}

export function expectThat(isSo: boolean, what: string, seen: unknown = ""): void {
  if (!isSo) throw new Contradiction(`${what}: ${typeof seen === "string" ? seen : JSON.stringify(seen)}`);
}

/** Fifty loops that ignore every polite signal and start a process each second. */
export const RUNAWAY: string =
  "trap '' TERM HUP INT QUIT; i=0; while [ $i -lt 50 ]; do (while :; do sleep 1; done) & i=$((i+1)); done; " +
  "while :; do sleep 1; done";
/** Its processes, without the sleepers that come and go. */
export const RUNAWAY_LOOPS: number = 51;

const END_MS: number = 10_000;

export class Stage implements AsyncDisposable {
  readonly scratch: string = mkdtempSync("/var/tmp/cgkill-test-");
  /** Unique on this host, and safe as an id of any client. */
  readonly name: string;
  #enter: readonly string[] = [];
  readonly #daemons: number[] = [];
  readonly #undo: (() => void | Promise<void>)[] = [];

  constructor(client: string) {
    this.name = `cgkill-test-${process.pid}-${client.replace(/[^a-z0-9]/gi, "")}`;
    Bun.spawnSync(["chmod", "755", this.scratch]);
  }

  /** From now on, run everything in mounts of our own, where the configuration of a client is another one. */
  async enterMounts(mounts: string): Promise<void> {
    const ready = `${this.scratch}/mounted`;
    const holder = this.start([...IN_MOUNTS_OF_ITS_OWN, "sh", "-ec", `${mounts}\n: >${ready}; exec sleep 100000`]);
    await until("the mounts", () => existsSync(ready)).catch(() => expectThat(false, "mounts", holder.log()));
    this.#enter = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "--"];
  }

  /** Run a program to its end. */
  run(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Ran {
    const child = Bun.spawnSync([...this.#enter, ...argv], {
      cwd: this.scratch,
      stdin: "ignore",
      env: { ...process.env, ...env },
    });
    return { code: child.exitCode, stdout: child.stdout.toString(), stderr: child.stderr.toString() };
  }

  /** The same; it must succeed. @returns its output */
  must(argv: readonly string[], env: Readonly<Record<string, string>> = {}): string {
    const { code, stdout, stderr } = this.run(argv, env);
    expectThat(code === 0, argv.join(" "), stderr || stdout);
    return stdout;
  }

  /** Start a daemon in the foreground, in a session of its own. It is ended with the stage. */
  start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Daemon {
    const log = `${this.scratch}/${this.#daemons.length}.log`;
    const fd = openSync(log, "w");
    const child = Bun.spawn(["setsid", ...this.#enter, ...argv], {
      cwd: this.scratch,
      stdio: ["ignore", fd, fd],
      env: { ...process.env, ...env },
    });
    closeSync(fd);
    child.unref();
    this.#daemons.push(child.pid);
    return { pid: child.pid, log: () => readFileSync(log, "utf8") };
  }

  /** End a process that was not started by `start`. */
  adopt(pid: number): void {
    this.#daemons.push(pid);
  }

  /** Register what has to be undone, last first, before the daemons are ended. */
  undo(work: () => void | Promise<void>): void {
    this.#undo.push(work);
  }

  cgkill(...args: readonly string[]): Ran {
    return this.run([BINARY, ...args]);
  }

  /** The row of `cgkill list` for a cgroup, by its path. */
  listed(path: string): Readonly<Record<string, unknown>> | undefined {
    return documents(this.cgkill("list", "--all", "--json").stdout).find(({ cgroup }) => cgroup === path);
  }

  label(path: string): string {
    const row = this.listed(path);
    expectThat(row !== undefined, `${path} is not listed`);
    return typeof row?.["label"] === "string" ? `\`${row["label"]}\`` : "–";
  }

  /** Kill by name; it must be proven. @returns how many died, and what is said about a restart */
  async killByName(pattern: string, atLeast: number): Promise<{ killed: string; restart: string; stop: string[] }> {
    const shown = documents(this.cgkill("show", "--json", "--name", pattern).stdout);
    const { code, stdout, stderr } = this.cgkill("kill", "--json", "--name", pattern);
    const outcomes = documents(stdout);
    const count = outcomes.reduce((sum, { killed_count }) => sum + Number(killed_count), 0);
    expectThat(code === 0 && count >= atLeast, `kill --name ${pattern}`, stdout + stderr);
    const isProven = outcomes.every(({ proven, survivors }) => proven === true && (survivors as []).length === 0);
    expectThat(isProven, "proven", stdout);
    const sentence = /: ([^:]* may start it again)/.exec(stderr)?.[1]?.replace(/ \(pid \d+\)/, "") ?? "–";
    const stop = (shown[0]?.["commands"] as string[][] | undefined)?.[0] ?? [];
    return { killed: `${count}, \`${pattern.replace(this.name, "NAME")}\``, restart: sentence, stop };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const work of this.#undo.reverse()) {
      try {
        await work();
      } catch (error) {
        console.error(`${this.name}: ${error instanceof Error ? error.message : error}`);
      }
    }
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const living = this.#daemons.filter(isAlive);
      for (const pid of living) quietly(() => process.kill(pid, signal));
      const end = Date.now() + END_MS;
      while (living.some(isAlive) && Date.now() < end) await Bun.sleep(50);
    }
    await destroyEverywhere(this.name);
    for (const parent of PARENTS) this.run(["sh", "-c", `rmdir /sys/fs/cgroup/*/${parent} 2>/dev/null`]);
    rmSync(this.scratch, { recursive: true, force: true });
  }
}

/** Directories that clients make for all that is theirs; removed if they are empty. */
const PARENTS: readonly string[] = ["default", "docker", "lxc.pivot"];

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // It is gone.
  }
}

/** Wait until a cgroup has its processes. */
export async function untilRunaway(dir: string, ms = 60_000): Promise<void> {
  await until(`a runaway workload in ${dir}`, () => count(dir) >= RUNAWAY_LOOPS, ms);
}

/** How many processes are in a cgroup; none if it is gone. */
export function count(dir: string): number {
  try {
    return liveMembers(dir).length;
  } catch {
    return 0;
  }
}
