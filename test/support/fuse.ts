// A FUSE file system for tests, in a mount namespace of its own, and processes that wait for its server. What each file
// of it does is in adversaries/fuse.c: `ok` works, `read`, `flush` and `open` are never answered for in that call.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";

import { isAlive, until, write } from "./real-cgroup.ts";
import { BINARY, type Ran } from "./run-cgkill.ts";

const RUN = `${import.meta.dir}/adversaries/run.ts`;
const LIFETIME_S = 60;

/** Whether a FUSE file system can be mounted here. If not, a message. */
export function canMountFuse(): boolean {
  const can = process.getuid?.() === 0 && existsSync("/dev/fuse") && existsSync("/sys/fs/fuse/connections");
  if (!can) console.warn("left out: FUSE (not root, or no /dev/fuse)");
  return can;
}

interface Started extends AsyncDisposable {
  readonly pid: number;
  /** How many requests it has taken and does not answer. */
  readonly unanswered: () => number;
}

/** Start an adversary of fuse.c and wait until it names its process. */
async function startAdversary(
  name: string,
  dir: string,
  other: string,
  under: readonly string[] = [],
): Promise<Started> {
  const namespaces = under.length === 0 ? "1" : "0";
  const argv = [...under, process.execPath, RUN, name, namespaces, String(LIFETIME_S), dir, other];
  // In a group of its own: where the parent of ours is gone, the kernel ends a group that has a stopped member by SIGHUP.
  const child = Bun.spawn(argv, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  let text = "";
  const reading = (async () => {
    for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
  })();
  await until(`the start of ${name}`, () => text.includes("\n"));
  const pid = Number(/\d+/.exec(text)?.[0]);
  return {
    pid,
    unanswered: () => text.split("unanswered").length - 1,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      if (isAlive(pid)) process.kill(pid, "SIGKILL");
      await Promise.race([reading, child.exited]);
    },
  };
}

export interface FuseMount extends AsyncDisposable {
  readonly server: number;
  readonly point: string;
  /** The number of its directory in /sys/fs/fuse/connections. */
  readonly connection: number;
  /** Requests that are not answered. */
  readonly waiting: () => number;
  /** Start a process in a cgroup that waits for the server, and wait until it does. */
  readonly startClient: (how: "read" | "open" | "exec", dir: string) => Promise<number>;
  /** Start one that waits for this server and shows descriptors of another one. */
  readonly startLiar: (other: FuseMount, dir: string) => Promise<number>;
  /** Run the binary in the mount namespace of the server. */
  readonly run: (args: readonly string[], under?: readonly string[]) => Promise<Ran & { readonly ms: number }>;
  /** Run a command there. */
  readonly runThere: (argv: readonly string[]) => Promise<{ readonly code: number | null; readonly stdout: string }>;
}

/** A character of a mount point in mountinfo. */
const unescape = (_: string, octal: string): string => String.fromCharCode(Number.parseInt(octal, 8));

/**
 * Mount it.
 *
 * @param kind    "fuse": its server answers for some files; "fuseself": it waits for itself too; "fuseleak": it exits at
 *                the first request that it does not answer, and its descriptor stays in the queue of a socket; "fusetwo":
 *                it has a second process, whose descriptor has the name of another device
 * @param dir     the cgroup that the server joins; "": it stays where the test is
 * @param beside  mount it in the namespace of this one
 * @param name    of the mount point, in a new directory; "": that directory itself
 */
export async function mountFuse(
  kind: "fuse" | "fuseself" | "fuseleak" | "fusetwo" = "fuse",
  dir = "",
  beside?: FuseMount,
  name = "",
): Promise<FuseMount> {
  const stack = new AsyncDisposableStack();
  const top = mkdtempSync(`${tmpdir()}/cgkill-test-fuse-`);
  stack.defer(() => rmdirSync(top));
  const point = name === "" ? top : `${top}/${name}`;
  if (name !== "") {
    mkdirSync(point);
    stack.defer(() => rmdirSync(point));
  }
  const into = beside === undefined ? [] : ["nsenter", "-t", String(beside.server), "-m"];
  // Keeps the namespace when the server is gone.
  const started = stack.use(await startAdversary(kind, dir, point, into));
  const { pid: server } = started;
  const keeper = Bun.spawn(["nsenter", "-t", String(server), "-m", "sleep", String(LIFETIME_S)], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  stack.defer(() => keeper.kill("SIGKILL"));
  await until("the mount namespace", () => readNamespace(keeper.pid) === readNamespace(server));
  const enter = ["nsenter", "-t", String(keeper.pid), "-m"];
  const runThere: FuseMount["runThere"] = async (argv) => {
    const child = Bun.spawn([...enter, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
    const stdout = await child.stdout.text();
    return { code: await child.exited, stdout };
  };
  const line = readFileSync(`/proc/${server}/mountinfo`, "utf8")
    .split("\n")
    .find((text) => text.split(" ")[4]?.replace(/\\(\d{3})/g, unescape) === point);
  const connection = Number(line?.split(" ")[2]?.split(":")[1]);
  const directory = `/proc/${keeper.pid}/root/sys/fs/fuse/connections/${connection}`;
  stack.defer(() => {
    // Whatever still waits is released.
    if (existsSync(directory)) write(`${directory}/abort`, "1");
  });
  return {
    server,
    point,
    connection,
    waiting: () => Number(readFileSync(`${directory}/waiting`, "utf8")),
    async startClient(how, into) {
      const before = started.unanswered();
      let pid: number;
      if (how === "exec") {
        const client = await startAdversary("fuseexec", into, `${point}/flush`, enter);
        stack.use(client);
        pid = client.pid;
      } else {
        const script = `echo $$ > "$1/cgroup.procs"; exec cat "$2"`;
        const child = Bun.spawn([...enter, "sh", "-c", script, "sh", into, `${point}/${how}`], {
          stdio: ["ignore", "ignore", "ignore"],
        });
        stack.defer(() => child.kill("SIGKILL"));
        pid = child.pid;
      }
      await until(`a client in ${how}`, () => started.unanswered() > before);
      return pid;
    },
    async startLiar(other, into) {
      const before = started.unanswered();
      const files = `${point}/read\n${other.point}/other`;
      const { pid } = stack.use(await startAdversary("fuseswap", into, files, enter));
      await until("a client that lies", () => started.unanswered() > before);
      return pid;
    },
    async run(args, under = []) {
      const start = performance.now();
      const child = Bun.spawn([...enter, ...under, BINARY, ...args], { stdio: ["ignore", "pipe", "pipe"] });
      // A cgkill that hangs is released by the end of the connections.
      const timer = setTimeout(() => child.kill("SIGKILL"), 15_000);
      const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      clearTimeout(timer);
      return {
        code: child.exitCode,
        signal: child.signalCode as string | null,
        stdout,
        stderr,
        ms: performance.now() - start,
      };
    },
    runThere,
    async [Symbol.asyncDispose]() {
      if (isAlive(server)) process.kill(server, "SIGCONT");
      await stack.disposeAsync();
    },
  };
}

function readNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}
