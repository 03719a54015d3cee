// The standby behind a FIFO: `echo` writes names, and anything that is not a private FIFO is refused.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

import { canStage, isAlive, makeCgroup, startSleeper, until } from "../support/real-cgroup.ts";
import { BINARY, documents } from "../support/run-cgkill.ts";

const SCRIPT = `${import.meta.dir}/../../scripts/standby/standby.sh`;

interface Host extends Disposable {
  readonly dir: string;
  readonly answers: () => Record<string, unknown>[];
  readonly start: () => ReturnType<typeof spawn>;
}

const spawn = (dir: string) =>
  Bun.spawn(["sh", SCRIPT, dir], {
    env: { PATH: `${dirname(BINARY)}:${process.env["PATH"]}` },
    stdio: ["ignore", Bun.file(`${dir}.answers`), "pipe"],
  });

function makeHost(): Host {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-standby-`);
  const dir = `${scratch}/run`;
  writeFileSync(`${dir}.answers`, "");
  return {
    dir,
    answers: () => documents(readFileSync(`${dir}.answers`, "utf8")),
    start: () => spawn(dir),
    [Symbol.dispose]: () => rmSync(scratch, { recursive: true }),
  };
}

async function refusal(child: ReturnType<typeof spawn>): Promise<string> {
  const [text, code] = await Promise.all([child.stderr.text(), child.exited]);
  expect(code).toBe(1);
  return text;
}

describe.if(canStage("v2"))("standby behind a FIFO", () => {
  test("echo kills one cgroup after another, and each is answered", async () => {
    using host = makeHost();
    const child = host.start();
    try {
      await until("the FIFO", () => statSync(`${host.dir}/kill`, { throwIfNoEntry: false })?.isFIFO() === true);
      expect(statSync(host.dir).mode & 0o777).toBe(0o700);
      expect(statSync(`${host.dir}/kill`).mode & 0o777).toBe(0o600);
      for (let n = 1; n <= 3; n++) {
        await using cgroup = makeCgroup("v2");
        await using sleeper = await startSleeper(cgroup.dir);
        Bun.spawnSync(["sh", "-c", `echo ${cgroup.dir} > ${host.dir}/kill`]);
        await until("the answer", () => host.answers().length === n);
        expect(host.answers().at(-1)).toMatchObject({ outcome: "killed", killed_count: 1 });
        expect(isAlive(sleeper.pid)).toBe(false);
      }
      expect(await refusal(host.start())).toBe(`standby: ${host.dir}/kill: another standby reads it\n`);
    } finally {
      child.kill("SIGTERM");
      await child.exited;
    }
    // The next standby uses the FIFO that the last one left.
    const again = host.start();
    await until("its start", () => readFileSync(`/proc/${again.pid}/comm`, "utf8") === "cgkill\n");
    again.kill("SIGKILL");
    await again.exited;
  });

  test.each([
    ["a plain file", (dir: string) => writeFileSync(`${dir}/kill`, ""), "kill: has the wrong type; remove it"],
    ["a link", (dir: string) => symlinkSync("/dev/null", `${dir}/kill`), "kill: is a symbolic link; remove it"],
    [
      "a FIFO that others may write to",
      (dir: string) => {
        Bun.spawnSync(["mkfifo", `${dir}/kill`]);
        chmodSync(`${dir}/kill`, 0o622);
      },
      "kill: owner and mode are 0 622, not 0 600",
    ],
    [
      "a directory that others may enter",
      (dir: string) => chmodSync(dir, 0o755),
      ": owner and mode are 0 755, not 0 700",
    ],
  ])("%s is refused", async (_, make, message) => {
    using host = makeHost();
    mkdirSync(host.dir, { mode: 0o700 });
    make(host.dir);
    expect(await refusal(host.start())).toEndWith(`${message}\n`);
  });
});
