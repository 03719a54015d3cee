// Records every SIGKILL and every move into a test's cgroup, in the order of the kernel, by an instance of tracefs that
// is mounted only for its helper. It shows what is not visible otherwise: whether a process had left before it was
// signalled, and how long before.

import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";

import { IN_MOUNTS_OF_ITS_OWN } from "./layout.ts";
import { write } from "./real-cgroup.ts";

export interface TraceEvent {
  readonly kind: "move" | "kill";
  readonly pid: number;
  /** Microseconds, CLOCK_MONOTONIC. */
  readonly us: number;
  /** The destination of a move. */
  readonly path: string;
}

export interface KillTrace extends AsyncDisposable {
  readonly clear: () => void;
  readonly read: () => TraceEvent[];
}

const BUFFER_KB = 4096;
const MOUNT = 'mount -t tracefs none "$1" && mkdir "$2" && echo ready && cat; rmdir "$2"';
const LINE = /\s(\d+)\.(\d{6}): (cgroup_attach_task|signal_generate): (.*)$/;

function parseLine(line: string): TraceEvent[] {
  const [, seconds, micros, name, fields = ""] = LINE.exec(line) ?? [];
  if (name === undefined) return [];
  const us = Number(seconds) * 1e6 + Number(micros);
  if (name === "signal_generate") {
    const [, pid] = / pid=(\d+) grp=/.exec(fields) ?? [];
    return [{ kind: "kill", pid: Number(pid), us, path: "" }];
  }
  const [, path = "", pid] = / dst_path=(\S+) pid=(\d+) /.exec(fields) ?? [];
  return [{ kind: "move", pid: Number(pid), us, path }];
}

/** Report why there can be no trace here, like `canStage()`: a message, and a failure in CI. */
function leaveOut(problem: string): undefined {
  if (process.env["CI"] === "true") throw new Error(`kills cannot be traced: ${problem}`);
  console.warn(`left out: the order of moves and kills (${problem})`);
  return undefined;
}

/** Start a trace. Its instance ends with the returned handle or with the test run. */
export async function startKillTrace(): Promise<KillTrace | undefined> {
  const point = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const instance = `${point}/instances/cgkill-test-${process.pid}`;
  const helper = Bun.spawn([...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", MOUNT, "sh", point, instance], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const end = async (): Promise<void> => {
    await helper.stdin.end();
    await helper.exited;
    rmdirSync(point);
  };
  const { value } = await helper.stdout.getReader().read();
  if (value === undefined) {
    await end();
    return leaveOut(`tracefs: ${(await helper.stderr.text()).trim()}`);
  }
  const at = `/proc/${helper.pid}/root${instance}`;
  write(`${at}/trace_clock`, "mono");
  write(`${at}/buffer_size_kb`, String(BUFFER_KB));
  write(`${at}/events/signal/signal_generate/filter`, "sig==9");
  write(`${at}/events/cgroup/cgroup_attach_task/filter`, 'dst_path ~ "*cgkill-test-*"');
  for (const event of ["signal/signal_generate", "cgroup/cgroup_attach_task"])
    write(`${at}/events/${event}/enable`, "1");
  return {
    // Opening the file for writing clears it.
    clear: () => closeSync(openSync(`${at}/trace`, constants.O_WRONLY | constants.O_TRUNC)),
    read() {
      const text = readFileSync(`${at}/trace`, "utf8");
      if (text.includes("LOST")) throw new Error("the trace is not complete");
      return text.split("\n").flatMap(parseLine);
    },
    [Symbol.asyncDispose]: end,
  };
}
