// Runs the compiled binary where it may hang or freeze itself: after a limit it is freed and killed, and says so.

import { inLayout, type Layout } from "./layout.ts";
import { BINARY, type Ran } from "./run-cgkill.ts";

export interface BoundedRun extends Ran {
  /** It had not ended at the limit. */
  readonly isStuck: boolean;
  readonly ms: number;
}

export interface BoundedOptions {
  /** Words before the binary: another program that runs it. */
  readonly under?: readonly string[];
  readonly layout?: Layout;
  readonly limitMs?: number;
  /** Undo what may hold the process (thaw its cgroup), so that SIGKILL ends it. */
  readonly rescue?: () => void;
  /** Called once it has been started, with its pid (of the first word of `under`, which should `exec`). */
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

/** Words before the binary: a shell script in a mount namespace of its own, whose last act is to become the binary. */
export function inMounts(script: string): readonly string[] {
  return ["unshare", "-m", "--propagation", "private", "sh", "-c", `${script} && exec "$@"`, "sh"];
}

const strace: string | null = Bun.which("strace");

/** Where cgkill cannot be slowed down at one system call, the run says so. */
export function canSlowDown(): boolean {
  if (strace === null) console.warn("left out: moments that strace stretches (it is not installed)");
  return strace !== null;
}

/**
 * Words before the binary: each such system call of it begins so much later. Its pid is that of the first word. Every
 * other call runs at its own speed (--seccomp-bpf, which needs -f).
 */
export function slowedAt(syscall: string, ms: number): readonly string[] {
  const inject = ["-e", `trace=${syscall}`, "-e", `inject=${syscall}:delay_enter=${ms * 1000}`];
  return [strace ?? "", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", ...inject];
}
