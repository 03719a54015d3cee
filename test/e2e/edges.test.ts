// The compiled binary under adverse conditions: names, options, directories, streams, signals.

import { afterAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";

import { catches, commOf } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  liveMembers,
  makeCgroup,
  mountPoint,
  startAdversary,
  startSleeper,
  startStubborn,
  until,
  write,
} from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";
import { inTerminal } from "../support/terminal.ts";
import { canDenyCode, WITHOUT_NEW_CODE } from "../support/without-new-code.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("always refused: exit 4, with what and why", () => {
  test.each([
    ["/", "hierarchy-root"],
    ["", "empty-path"],
    ["/tmp", "not-a-cgroup"],
    ["/sys/fs/cgroup/../../../tmp", "leaves-mount"],
    ["a/../../b", "leaves-mount"],
    [".", "not-a-cgroup"],
  ])("%j is %s", async (name, code) => {
    const { stdout, stderr, code: status } = await runCgkill(["--json", "--", name]);
    expect(documents(stdout)[0]).toMatchObject({ outcome: "refused", error: { code } });
    expect(stderr).toBe("");
    expect(status).toBe(4);
  });

  for (const version of ["v1", "v2"] as const) {
    if (!canStage(version)) continue;
    const point = mountPoint(version) as string;
    test(`the root of ${version}, and a path that leaves its mount`, async () => {
      const root = await runCgkill(["--json", point]);
      expect(documents(root.stdout)[0]).toMatchObject({ outcome: "refused" });
      // In a container the mount may show only its own cgroup, which is not the root but contains PID 1.
      const error = documents(root.stdout)[0]?.["error"] as Record<string, unknown>;
      expect(error["code"]).toBeOneOf(["hierarchy-root", "holds-init"]);
      expect(root.code).toBe(4);
      const out = await runCgkill(["--json", `${point}/../../../../tmp`]);
      expect(documents(out.stdout)[0]).toMatchObject({ outcome: "refused", error: { code: "leaves-mount" } });
      expect(out.code).toBe(4);
    });
  }
});

if (canStage("memory")) {
  test("out of memory: the kernel kills another process", async () => {
    await using box = makeCgroup("memory");
    write(`${box.dir}/memory.limit_in_bytes`, String(160 * 1024 * 1024));
    const enter = 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"';
    const child = Bun.spawn(["sh", "-c", enter, "sh", box.dir, BINARY, "list", "--watch=1s", "--json"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      await until("cgkill", () => commOf(child.pid) === "cgkill");
      await using _ = startAdversary("memhog", 256, box.dir);
      const kills = (): number =>
        Number(/^oom_kill (\d+)/m.exec(readFileSync(`${box.dir}/memory.oom_control`, "utf8"))?.[1]);
      await until("two to be killed", () => kills() >= 2);
      expect(child.exitCode).toBeNull();
      expect(liveMembers(box.dir)).toContain(child.pid);
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  });
}

describe("a usage error: exit status 2, the cause and a hint on standard error, nothing on standard output", () => {
  test.each([
    [[], "no cgroup given", "cgkill --help"],
    [["--tiemout", "1", "x"], "cgkill has no option --tiemout", "did you mean --timeout?"],
    [["-t", "soon", "x"], "--timeout soon: not a duration", "500ms"],
    [["-t", "-1", "x"], "--timeout -1: not a duration", "500ms"],
    [["--pid", "0"], "--pid 0: not a process id", "number from 1"],
    [["--spare", "1,x", "y"], "--spare x: not a process id", "number from 1"],
    [["-s", "NOPE", "x"], "--signal NOPE: not a signal", "TERM"],
    [["-m", "magic", "x"], "--method magic", "auto, kill, freezer, sweep"],
    [["--keep", "-r", "x"], "--remove cannot be used with --keep", "use one"],
    [["--json=1", "x"], "--json takes no value", "alone"],
    [["--timeout"], "--timeout needs a value", "DURATION"],
    [["-9", "x"], "cgkill has no option -9", "cgkill kill x"],
  ] as const)("%j", async (args, message, hint) => {
    const { stdout, stderr, code } = await runCgkill(args);
    expect(stdout).toBe("");
    expect(stderr).toStartWith(`cgkill: ${message}`);
    expect(stderr).toContain("\n  hint: ");
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(2);
  });

  test("a method that the cgroup does not have", async () => {
    if (!canStage("v1")) return;
    await using cgroup = makeCgroup("v1");
    const { stdout, code } = await runCgkill(["--json", "-m", "kill", cgroup.dir]);
    expect(documents(stdout)[0]).toMatchObject({ outcome: "usage", error: { code: "no-such-method" } });
    expect(code).toBe(2);
  });
});

describe("the working directory has no influence", () => {
  const evil = `${scratch}/evil`;
  mkdirSync(evil);
  const mark = `${evil}/ran`;
  writeFileSync(`${evil}/evil.js`, `require("fs").writeFileSync(${JSON.stringify(mark)}, "")`);
  writeFileSync(`${evil}/bunfig.toml`, 'preload = ["./evil.js"]\n');
  writeFileSync(`${evil}/.env`, "NO_COLOR=\nFORCE_COLOR=1\nBUN_OPTIONS=--preload=./evil.js\n");
  writeFileSync(`${evil}/tsconfig.json`, '{"compilerOptions": {"paths": {"*": ["./evil.js"]}}}');
  writeFileSync(`${evil}/package.json`, '{"type": "commonjs", "imports": {"#x": "./evil.js"}}');
  for (const name of ["libc.so.6", "libc.musl-x86_64.so.1"]) writeFileSync(`${evil}/${name}`, "not a library");

  test("bunfig.toml, .env, tsconfig.json, package.json and a libc in it are ignored", async () => {
    const plain = await runCgkill(["nobody-of-that-name"]);
    const there = await runCgkill(["nobody-of-that-name"], { cwd: evil });
    expect(there).toEqual(plain);
    expect(there.code).toBe(3);
    expect(await Bun.file(mark).exists()).toBe(false);
  });

  test("the real libc is used", async () => {
    if (!canStage("v1")) return;
    await using cgroup = makeCgroup("v1");
    await using _ = await startSleeper(cgroup.dir);
    const { stdout, code } = await runCgkill(["--json", "-v", cgroup.dir], { cwd: evil });
    expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1 });
    expect(code).toBe(0);
  });

  test("a working directory that was removed", async () => {
    const gone = `${scratch}/gone`;
    mkdirSync(gone);
    const under = ["sh", "-c", `cd ${gone} && rmdir ${gone} && exec "$@"`, "sh"];
    const named = await runCgkill(["--json", "nobody-of-that-name"], { under });
    expect(named.code).toBe(3);
    mkdirSync(gone);
    const relative = await runCgkill(["--json", "./x"], { under });
    expect(documents(relative.stdout)[0]).toMatchObject({
      outcome: "failed",
      error: { operation: "getcwd", errno: "ENOENT" },
    });
    expect(relative.code).toBe(1);
  });
});

for (const version of ["v1", "v2"] as const) {
  if (!canStage(version)) continue;
  describe(`${version}: output that is not read does not stop the kill`, () => {
    test.each([
      ["a full disk", '"$@" > /dev/full'],
      ["a closed stdout", '"$@" >&-'],
      ["everything closed", '"$@" <&- >&- 2>&-'],
    ])("%s", async (_, script) => {
      await using cgroup = makeCgroup(version);
      await using _sleeper = await startSleeper(cgroup.dir);
      const { code } = await runCgkill(["--json", cgroup.dir], { under: ["sh", "-c", script, "sh"] });
      expect(code).toBe(0);
      expect(liveMembers(cgroup.dir)).toEqual([]);
    });

    test("a pipe without a reader", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startSleeper(cgroup.dir);
      const pipe = `{ "$@"; echo $? > ${scratch}/code; } | true`;
      await runCgkill(["-vv", cgroup.dir], { under: ["sh", "-c", pipe, "sh"] });
      expect(await Bun.file(`${scratch}/code`).text()).toBe("0\n");
      expect(liveMembers(cgroup.dir)).toEqual([]);
    });

    // Regression: a string and a buffer per word made the heap grow, which needed a thread and aborted the process.
    test.each([
      ["", "", 0],
      [", an environment of thousands", "", 5000],
      [", an environment that is long and not UTF-8", "export ODD=$(printf '\\377') LONG=$(printf %60000s); ", 0],
    ])("no further thread or process allowed (pids.max = 1 around it)%s", async (_, before, count) => {
      if (!canStage("pids")) return;
      await using cgroup = makeCgroup(version);
      await using _sleeper = await startSleeper(cgroup.dir);
      await using narrow = makeCgroup("pids");
      const script = `${before}echo 0 > ${narrow.dir}/cgroup.procs; echo 1 > ${narrow.dir}/pids.max; exec "$@"`;
      const env = Object.fromEntries(Array.from({ length: count }, (_, index) => [`V${index}`, "v"]));
      const { code, stdout } = await runCgkill(["--json", cgroup.dir], { under: ["sh", "-c", script, "sh"], env });
      expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1 });
      expect(code).toBe(0);
    });

    test.if(canDenyCode)("no writable and executable memory: no FFI, and it works without", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startSleeper(cgroup.dir);
      const { code, stdout } = await runCgkill(["--json", cgroup.dir], { under: WITHOUT_NEW_CODE });
      expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1 });
      expect(code).toBe(0);
    });
  });

  describe(`${version}: interrupted`, () => {
    test.each(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const)(
      "%s during the wait: thawed, reported, and raised again",
      async (signal) => {
        await using cgroup = makeCgroup(version);
        await using _ = await startStubborn(cgroup.dir, 2);
        // SIGQUIT dumps core, if the caller's limit allows it: 0.3 s on an idle host, and not ours to measure.
        const withoutCore = ["sh", "-c", 'ulimit -c 0; exec "$0" "$@"'];
        const child = Bun.spawn([...withoutCore, BINARY, "--json", "-g", "30s", "-t", "60s", "-vv", cgroup.dir], {
          stdio: ["ignore", "pipe", "pipe"],
        });
        const reader = child.stderr.getReader();
        for (let seen = ""; !seen.includes("signalled");) {
          const { value, done } = await reader.read();
          if (done) throw new Error(`ended before the signal: ${seen}`);
          seen += new TextDecoder().decode(value);
        }
        const start = performance.now();
        child.kill(signal);
        await child.exited;
        expect(performance.now() - start).toBeLessThan(1000);
        const [document] = documents(await child.stdout.text());
        expect(document).toMatchObject({ outcome: "interrupted", left_frozen: [] });
        expect(child.signalCode).toBe(signal);
        expect(isFrozen(cgroup.dir)).toBe(false);
        expect(liveMembers(cgroup.dir).filter(isAlive)).toHaveLength(2);
      },
    );
  });
}

interface FullPipe extends Disposable {
  /** The end for a child; it blocks, like a pipe of a shell. */
  readonly end: number;
  /** Read everything that is available now. */
  readonly read: () => string;
}

/** Make a pipe with room for a number of pages, and a reader that does not read. */
function fullPipe(pagesLeft: number): FullPipe {
  const path = `${scratch}/pipe-${crypto.randomUUID()}`;
  Bun.spawnSync(["mkfifo", path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const end = openSync(path, constants.O_WRONLY);
  const page = Buffer.alloc(4096, "x");
  const read = (): string => {
    let text = "";
    try {
      for (;;) text += page.toString("utf8", 0, readSync(reader, page, 0, page.length, null));
    } catch {
      return text.replace(/^x+/, "");
    }
  };
  try {
    for (;;) writeSync(reader, page);
  } catch {
    for (let left = pagesLeft; left > 0; left--) readSync(reader, Buffer.alloc(4096), 0, 4096, null);
  }
  return {
    end,
    read,
    [Symbol.dispose]() {
      closeSync(reader);
      closeSync(end);
    },
  };
}

for (const version of ["v1", "v2"] as const) {
  if (!canStage(version)) continue;
  describe(`${version}: a reader that does not read`, () => {
    test.each([0, 1])("of standard error, with room for %i pages: killed in time, nothing frozen", async (pages) => {
      await using cgroup = makeCgroup(version);
      await using _ = startAdversary("sleepers", 60, cgroup.dir);
      await until("sixty", () => liveMembers(cgroup.dir).length === 60);
      using pipe = fullPipe(pages);
      const start = performance.now();
      const child = Bun.spawn([BINARY, "--keep", "-vv", "-t", "3s", cgroup.dir], {
        stdio: ["ignore", "pipe", pipe.end],
      });
      await child.exited;
      expect(performance.now() - start).toBeLessThan(3000);
      expect(await child.stdout.text()).toContain("60 processes");
      expect(child.exitCode).toBe(0);
      expect(isFrozen(cgroup.dir)).toBe(false);
      expect(liveMembers(cgroup.dir)).toEqual([]);
    });

    test("of a terminal stopped by Ctrl-S: killed in time, and the report appears when it continues", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = startAdversary("sleepers", 60, cgroup.dir);
      await until("sixty", () => liveMembers(cgroup.dir).length === 60);
      // Otherwise the next key would continue it.
      const under = ["sh", "-c", 'stty ixon -ixany; echo ready; read x; exec "$@"', "sh"];
      await using terminal = inTerminal(["--keep", "-vv", "-t", "3s", cgroup.dir], { under });
      await terminal.sees("ready");
      terminal.types("\u0013\r");
      await until("their end", () => liveMembers(cgroup.dir).length === 0, 3000);
      await until("the thaw", () => !isFrozen(cgroup.dir), 3000);
      expect(terminal.text()).not.toContain("killed");
      terminal.types("\u0011");
      await terminal.sees("60 processes");
      expect(await terminal.ended()).toBe(0);
    });

    test("of standard error, and SIGTERM", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startStubborn(cgroup.dir, 2);
      using pipe = fullPipe(0);
      const child = Bun.spawn([BINARY, "-g", "30s", "-t", "60s", "-vv", cgroup.dir], {
        stdio: ["ignore", "ignore", pipe.end],
      });
      await until("its handler", () => catches(child.pid, 15));
      await expectEndedBySigterm(child);
      expect(isFrozen(cgroup.dir)).toBe(false);
      expect(liveMembers(cgroup.dir).filter(isAlive)).toHaveLength(2);
    });
  });
}

async function expectEndedBySigterm(child: Bun.Subprocess): Promise<void> {
  const start = performance.now();
  child.kill("SIGTERM");
  await child.exited;
  expect(performance.now() - start).toBeLessThan(1000);
  expect(child.signalCode).toBe("SIGTERM");
}

test.each([
  ["HUP", 1],
  ["INT", 2],
] as const)("SIG%s that was ignored from the start stays so", async (name, number) => {
  using pipe = fullPipe(0);
  const child = Bun.spawn(["sh", "-c", `trap "" ${name}; exec "$@"`, "sh", BINARY, "--help"], {
    stdio: ["ignore", pipe.end, "inherit"],
  });
  await until("its handler", () => catches(child.pid, 15));
  expect(catches(child.pid, number)).toBe(false);
  child.kill(number);
  await until("the end", () => {
    pipe.read();
    return child.exitCode !== null;
  });
  expect(child.exitCode).toBe(0);
});

test("a slow reader of standard output gets all of it", async () => {
  const { stdout } = await runCgkill(["--help"]);
  using pipe = fullPipe(0);
  const child = Bun.spawn([BINARY, "--help"], { stdio: ["ignore", pipe.end, "inherit"] });
  await until("its handler", () => catches(child.pid, 15));
  // Longer than cgkill waits for a reader of standard error.
  await Bun.sleep(600);
  expect(child.exitCode).toBeNull();
  let text = "";
  await until("the end", () => {
    text += pipe.read();
    return child.exitCode !== null;
  });
  expect(text + pipe.read()).toBe(stdout);
  expect(child.exitCode).toBe(0);
});

test("a reader of standard output that never reads does not keep SIGTERM from ending cgkill", async () => {
  using pipe = fullPipe(0);
  const child = Bun.spawn([BINARY, "--help"], { stdio: ["ignore", pipe.end, "inherit"] });
  await until("its handler", () => catches(child.pid, 15));
  await expectEndedBySigterm(child);
});

test("a working directory with a name like an option or a command", async () => {
  if (!canStage("v2")) return;
  await using cgroup = makeCgroup("v2");
  for (const name of ["--json", "list", "show", "-"]) {
    mkdirSync(`${cgroup.dir}/${name}`);
    const { stdout, code } = await runCgkill(["--json", "--", `${cgroup.path}/${name}`]);
    expect(documents(stdout)[0]).toMatchObject({ outcome: "empty", cgroup: `${cgroup.path}/${name}` });
    expect(code).toBe(0);
    rmdirSync(`${cgroup.dir}/${name}`);
  }
});
