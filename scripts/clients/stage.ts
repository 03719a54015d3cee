// What the cases share: a scratch directory, daemons that are killed by pid, cgkill, and a runaway workload.

import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";

import { destroyEverywhere, type Ran } from "../../test/support/containers.ts";
import { IN_MOUNTS_OF_ITS_OWN } from "../../test/support/layout.ts";
import { isAlive, liveMembers, mountPoint, quietly, until } from "../../test/support/real-cgroup.ts";
import { BINARY, documents } from "../../test/support/run-cgkill.ts";

/** One line of the table. */
export interface Row {
  /** Its label in `cgkill list`; "–" if it has none. */
  readonly label: string;
  readonly killed: string;
  /** What the client reports afterwards. */
  readonly says: string;
  /** What a finished kill says about a restart, and the stop command if it was tried; "–" if it says nothing. */
  readonly restart: string;
}

export interface Case {
  readonly client: string;
  /** Programs that must be installed. */
  readonly programs: readonly string[];
  readonly packages: string;
  readonly run: (stage: Stage) => Promise<Row>;
}

export interface Daemon {
  readonly pid: number;
  readonly log: () => string;
}

/** Thrown by a case: the client or cgkill did not do what was expected. */
export class Contradiction extends Error {}

export function expectThat(isSo: boolean, what: string, seen: unknown = ""): void {
  if (!isSo) throw new Contradiction(`${what}: ${typeof seen === "string" ? seen : JSON.stringify(seen)}`);
}

/** A shell and fifty loops that ignore TERM, HUP, INT and QUIT, each starting a process every second. */
export const RUNAWAY: string =
  "trap '' TERM HUP INT QUIT; i=0; while [ $i -lt 50 ]; do (while :; do sleep 1; done) & i=$((i+1)); done; " +
  "while :; do sleep 1; done";
/** Its permanent processes, without the short-lived `sleep`s. */
export const RUNAWAY_LOOPS: number = 51;

/** How long daemons have to exit after each signal. */
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

  /** From now on, run everything in a mount namespace of our own, in which the client finds another configuration. */
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

  /** Run a program that must succeed. @returns its standard output */
  must(argv: readonly string[], env: Readonly<Record<string, string>> = {}): string {
    const { code, stdout, stderr } = this.run(argv, env);
    expectThat(code === 0, argv.join(" "), stderr || stdout);
    return stdout;
  }

  /** Start a daemon in the foreground, in a session of its own. It is killed at the end. */
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

  /** Kill this process too at the end. */
  adopt(pid: number): void {
    this.#daemons.push(pid);
  }

  /** Register an undo. Undos run in reverse order, before the daemons are killed. */
  undo(work: () => void | Promise<void>): void {
    this.#undo.push(work);
  }

  cgkill(...args: readonly string[]): Ran {
    return this.run([BINARY, ...args]);
  }

  /** Make a cgroup in v2 for a workload that enters it by itself. It is killed at the end. @returns its directory */
  makeGroup(): string {
    const dir = `${mountPoint("v2")}/${this.name}`;
    mkdirSync(dir);
    this.undo(() => void this.cgkill("-q", "kill", "--ignore-missing", dir));
    return dir;
  }

  /** The label of a cgroup, by its path. */
  label(path: string): string {
    const row = documents(this.cgkill("list", "--all", "--json").stdout).find(({ cgroup }) => cgroup === path);
    expectThat(row !== undefined, `${path} is not listed`);
    return typeof row?.["label"] === "string" ? `\`${row["label"]}\`` : "–";
  }

  /** Kill by name; the kill must be proven. @returns how many died, and what `show` and the kill say about a restart */
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

/** Parents that clients make for their cgroups; removed if they are empty. */
const PARENTS: readonly string[] = ["default", "docker", "lxc.pivot"];

/** Wait until the runaway workload in a cgroup is complete. */
export async function untilRunaway(dir: string, ms = 60_000): Promise<void> {
  await until(`a runaway workload in ${dir}`, () => count(dir) >= RUNAWAY_LOOPS, ms);
}

/** Expect that a supervisor, once stopped by a command that cgkill suggested, does not start it again. */
export async function expectDown(dir: string, stop: readonly string[]): Promise<void> {
  await Bun.sleep(1500);
  expectThat(count(dir) === 0, "it was started again in spite of the stop command", stop);
}

/** Count the live processes in a cgroup; 0 if it is gone. */
export function count(dir: string): number {
  try {
    return liveMembers(dir).length;
  } catch {
    return 0;
  }
}
