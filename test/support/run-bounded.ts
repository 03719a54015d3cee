// Runs the compiled binary in tests where it may hang or freeze itself. After a time limit it is thawed and killed,
// which the result reports.

import { inLayout, type Layout } from "./layout.ts";
import { BINARY, type Ran } from "./run-cgkill.ts";

export interface BoundedRun extends Ran {
  /** Whether it was still running at the time limit. */
  readonly isStuck: boolean;
  readonly ms: number;
}

export interface BoundedOptions {
  /** Prefix of the command: another program that executes the binary. */
  readonly under?: readonly string[];
  readonly layout?: Layout;
  readonly limitMs?: number;
  /** Undo what may keep the process from dying, such as a frozen cgroup, so that SIGKILL ends it. */
  readonly rescue?: () => void;
  /** Called after the start with the pid, which is that of the first word of `under` (it should `exec`). */
  readonly meanwhile?: (pid: number) => Promise<unknown>;
}

export async function runBounded(args: readonly string[], options: BoundedOptions = {}): Promise<BoundedRun> {
  const { under = [], layout = "as-is", limitMs = 10_000, rescue, meanwhile } = options;
  const start = performance.now();
  const child = Bun.spawn(inLayout(layout, [...under, BINARY, ...args]), {
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let isStuck = false;
  const timer = setTimeout(() => {
    isStuck = true;
    child.kill("SIGKILL");
    rescue?.();
  }, limitMs);
  const ended = child.exited.then(() => performance.now() - start);
  try {
    const [stdout, stderr, ms] = await Promise.all([
      child.stdout.text(),
      child.stderr.text(),
      ended,
      meanwhile?.(child.pid),
    ]);
    const signal = child.signalCode;
    const code = signal === null ? child.exitCode : null;
    return { code, signal: signal === null ? null : String(signal), stdout, stderr, isStuck, ms };
  } finally {
    clearTimeout(timer);
  }
}

/** Prefix of the command: a shell script in a private mount namespace that finally executes the binary. */
export function inMounts(script: string): readonly string[] {
  return ["unshare", "-m", "--propagation", "private", "sh", "-c", `${script} && exec "$@"`, "sh"];
}

const strace: string | null = Bun.which("strace");

/** Whether cgkill can be delayed at one system call; if not, a message says so. */
export function canSlowDown(): boolean {
  if (strace === null) console.warn("left out: moments that strace stretches (it is not installed)");
  return strace !== null;
}

/**
 * Prefix of the command: delays each such system call of the binary. The pid is that of the first word. Other system
 * calls are not slowed down (--seccomp-bpf, which needs -f).
 */
export function slowedAt(syscall: string, ms: number): readonly string[] {
  const inject = ["-e", `trace=${syscall}`, "-e", `inject=${syscall}:delay_enter=${ms * 1000}`];
  return [strace ?? "", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", ...inject];
}
