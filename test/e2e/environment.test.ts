// The binary as an attack surface: environment variables that change the behaviour of a Bun program. The first
// instructions of the binary hide them (scripts/build/hidden-variables.ts).

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";

import { HIDDEN, HIDDEN_IN_ANY_CASE } from "../../scripts/build/hidden-variables.ts";
import { canStage, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
const mark = `${scratch}/ran`;
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const EVIL = {
  module: `${scratch}/evil.mjs`,
  script: `${scratch}/evil.cjs`,
  config: `${scratch}/bunfig.toml`,
  env: `${scratch}/.env`,
};
writeFileSync(EVIL.module, `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(mark)}, "");`);
writeFileSync(EVIL.script, `require("fs").writeFileSync(${JSON.stringify(mark)}, "")`);
writeFileSync(EVIL.config, `preload = [${JSON.stringify(EVIL.module)}]\n`);
writeFileSync(EVIL.env, `BUN_OPTIONS=--preload=${EVIL.module}\n`);

Bun.spawnSync(["mkfifo", `${scratch}/fifo`]);

/** Each changes the behaviour of a Bun program; observed with Bun 1.4.5, without our first instructions: */
const VARIABLES: ReadonlyArray<readonly [string, string, string]> = [
  ["BUN_BE_BUN", "1", "it is Bun: an interpreter with our rights"],
  ["BUN_OPTIONS", "--version", "exit 0 without a kill"],
  ["BUN_OPTIONS", "--revision", "exit 0 without a kill"],
  ["BUN_OPTIONS", "--help", "exit 0 without a kill"],
  ["BUN_OPTIONS", "-v", "exit 0 without a kill"],
  ["BUN_OPTIONS", "-h", "exit 0 without a kill"],
  ["BUN_OPTIONS", "--heap-prof", "writes a file into the working directory"],
  ["BUN_OPTIONS", "--cpu-prof", "hangs without a kill"],
  ["BUN_OPTIONS", "--cpu-prof-md", "writes a file into the working directory"],
  ["BUN_OPTIONS", `--cpu-prof-md --cpu-prof-dir=${scratch}/out`, "makes a directory anywhere"],
  ["BUN_OPTIONS", "--trace-event-categories=x", "writes a file into the working directory"],
  ["BUN_OPTIONS", "--trace-exit", "writes a stack trace to standard error"],
  ["BUN_OPTIONS", "--cwd=/nonexistent", "exit 1 without a kill"],
  ["BUN_OPTIONS", `--preload=${EVIL.module}`, "exit 1 without a kill"],
  ["BUN_OPTIONS", `--preload=${EVIL.script}`, "exit 1 without a kill"],
  ["BUN_OPTIONS", `--require=${EVIL.script}`, "exit 1 without a kill"],
  ["BUN_OPTIONS", `--import=${EVIL.module}`, "exit 1 without a kill"],
  ["BUN_OPTIONS", `--config=${EVIL.config}`, "exit 1 without a kill"],
  ["BUN_OPTIONS", `--env-file=${EVIL.env}`, "nothing"],
  ["BUN_OPTIONS", "--inspect-brk=0", "nothing"],
  ["BUN_INSPECT", "ws://127.0.0.1:0/x", "exit 1 without a kill"],
  ["BUN_INSPECT_PRELOAD", EVIL.module, "exit 1 without a kill"],
  ["BUN_INSPECT_CONNECT_TO", `${scratch}/socket`, "writes a warning to standard error"],
  ["BUN_INSPECT_NOTIFY", `unix://${scratch}/socket`, "nothing"],
  ["BUN_JSC_watchdog", "1", "exit 0 without a kill"],
  ["BUN_JSC_bogus", "1", "exit 1 without a kill"],
  ["BUN_JSC_maxPerThreadStackUsage", "1", "exit 1 without a kill"],
  ["BUN_JSC_numberOfGCMarkers", "999999", "aborts without a kill"],
  ["BUN_JSC_dumpOptions", "2", "writes to standard error"],
  ["BUN_JSC_samplingProfilerPath", `${scratch}/out`, "nothing by itself"],
  ["BUN_BYTECODE_ORDER_OUT", `${scratch}/out`, "writes a file anywhere"],
  ["BUN_BYTECODE_DIGEST_OUT", `${scratch}/out`, "writes a file anywhere"],
  ["BUN_INSTALL", scratch, "nothing"],
  ["BUN_CONFIG_VERBOSE_FETCH", "1", "nothing"],
  ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", scratch, "nothing"],
  ["BUN_DEBUG", `${scratch}/out`, "nothing"],
  ["MIMALLOC_VERBOSE", "1", "writes to standard error"],
  ["mimalloc_verbose", "1", "writes to standard error"],
  ["MIMALLOC_DISALLOW_OS_ALLOC", "1", "aborts without a kill"],
  ["JSC_SIGNAL_FOR_GC", "9", "aborts without a kill"],
  ["SIMDUTF_FORCE_IMPLEMENTATION", "bogus", "aborts without a kill"],
  ["WTF_numberOfProcessorCores", "100000", "nothing"],
  ["JavaScriptCoreUseJIT", "0", "nothing"],
  ["NODE_PATH", scratch, "nothing"],
  ["NODE_OPTIONS", `--require=${EVIL.script}`, "nothing"],
  ["NODE_OPTIONS", `--import=${EVIL.module}`, "nothing"],
  ["NODE_V8_COVERAGE", `${scratch}/out`, "nothing"],
  ["NODE_CHANNEL_FD", "1", "nothing"],
  ["XDG_CONFIG_HOME", scratch, "nothing"],
  ["HOME", "/nonexistent", "nothing"],
  ["TMPDIR", "/nonexistent", "nothing"],
  ["LD_LIBRARY_PATH", scratch, "nothing"],
  ["TZ", `${scratch}/fifo`, "hangs without a kill"],
];

const NOT_HIDDEN = [
  ...["FORCE_COLOR=", "NO_COLOR=", "LC_ALL=", "LANG="],
  ...["DYLD_INSERT_LIBRARIES=", "HYPERFINE_RANDOMIZED_ENVIRONMENT_OFFSET=", "LC_MESSAGES="],
];

/** Records each name passed to getenv in the file named by ASKED. */
const ASKED = `
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <fcntl.h>
  #include <string.h>
  #include <unistd.h>
  static char *ask(const char *call, const char *name) {
    char *(*real)(const char *) = dlsym(RTLD_NEXT, call);
    int fd = open(real("ASKED"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    write(fd, name, strlen(name));
    write(fd, "\\n", 1);
    close(fd);
    return real(name);
  }
  char *getenv(const char *name) { return ask("getenv", name); }
  char *secure_getenv(const char *name) { return ask("secure_getenv", name); }
`;

const setcap = Bun.which("setcap");
if (setcap === null) console.warn("left out: a binary with file capabilities (setcap is not installed)");

/** Whether a setuid file takes effect here; if not, a message. */
function canBeSetuid(): boolean {
  const problem =
    Bun.which("setpriv") === null
      ? "setpriv is not installed"
      : /\bnosuid\b/.test(Bun.spawnSync(["findmnt", "-no", "OPTIONS", "-T", scratch]).stdout.toString())
        ? `${scratch} is mounted nosuid`
        : undefined;
  if (problem !== undefined) console.warn(`left out: a setuid binary (${problem})`);
  return problem === undefined;
}

if (canStage("v2")) {
  describe("variables that change the behaviour of a Bun program", () => {
    test.each(VARIABLES)(
      "%s=%s (else: %s): it kills, and there is no other output and no file",
      async (name, value) => {
        await using cgroup = makeCgroup("v2");
        await using _ = await startSleeper(cgroup.dir);
        const cwd = mkdtempSync(`${scratch}/cwd-`);
        const { code, stdout, stderr } = await runCgkill(["--json", cgroup.dir], { cwd, env: { [name]: value } });
        expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 1 }]);
        expect({ code, stderr, files: readdirSync(cwd) }).toEqual({ code: 0, stderr: "", files: [] });
        expect([mark, `${scratch}/out`].filter((path) => existsSync(path))).toEqual([]);
      },
    );

    test.if(setcap !== null)(
      "file capabilities do not turn it into an interpreter: BUN_BE_BUN as another user runs no script",
      () => {
        const capable = `${scratch}/capable`;
        copyFileSync(BINARY, capable);
        chmodSync(scratch, 0o755);
        expect(Bun.spawnSync(["setcap", "cap_kill,cap_dac_override+ep", capable]).exitCode).toBe(0);
        const under = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        const ran = Bun.spawnSync([...under, capable, "-e", 'console.log("a script ran")'], {
          env: { BUN_BE_BUN: "1" },
        });
        rmSync(capable);
        expect(ran.stderr.toString()).toStartWith("cgkill: ");
        expect({ code: ran.exitCode, stdout: ran.stdout.toString() }).toEqual({ code: 2, stdout: "" });
      },
    );

    describe.if(canBeSetuid())(
      "a setuid binary, run by another user: it acts as root for every user, and as nothing else",
      () => {
        const setuid = `${scratch}/setuid`;
        const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        beforeAll(() => {
          copyFileSync(BINARY, setuid);
          chownSync(setuid, 0, 0);
          chmodSync(setuid, 0o4755);
          chmodSync(scratch, 0o755);
        });
        afterAll(() => rmSync(setuid));

        const names = /^(BUN_|MIMALLOC_|mimalloc_|JSC_|SIMDUTF_|LD_|NODE_OPTIONS)/;
        test.each(VARIABLES.filter(([name]) => names.test(name)))(
          "%s=%s (else: %s): it kills, and there is no other output and no file",
          async (name, value) => {
            await using cgroup = makeCgroup("v2");
            await using sleeper = await startSleeper(cgroup.dir);
            const cwd = mkdtempSync(`${scratch}/cwd-`);
            const { exitCode, stdout, stderr } = Bun.spawnSync([...asNobody, setuid, "--json", cgroup.dir], {
              env: { [name]: value },
              cwd,
            });
            expect(documents(stdout.toString())).toMatchObject([{ outcome: "killed", killed: [{ pid: sleeper.pid }] }]);
            expect({ code: exitCode, stderr: stderr.toString(), files: readdirSync(cwd) }).toEqual({
              code: 0,
              stderr: "",
              files: [],
            });
            expect([mark, `${scratch}/out`].filter((path) => existsSync(path))).toEqual([]);
          },
        );

        test("BUN_BE_BUN runs no script", () => {
          const ran = Bun.spawnSync([...asNobody, setuid, EVIL.script], { env: { BUN_BE_BUN: "1" }, cwd: scratch });
          expect(ran.stderr.toString()).toStartWith(`cgkill: ${EVIL.script}: `);
          expect({ code: ran.exitCode, stdout: ran.stdout.toString(), ran: existsSync(mark) }).toEqual({
            code: 3,
            stdout: `not found  ${EVIL.script}\n`,
            ran: false,
          });
        });
      },
    );

    const compiler = Bun.which("cc");
    if (compiler === null) console.warn("left out: which variables the runtime asks for (no C compiler)");
    test.if(compiler !== null)(
      "the runtime asks for no variable but those that are hidden, obeyed or of no effect",
      async () => {
        writeFileSync(`${scratch}/asked.c`, ASKED);
        const compiled = Bun.spawnSync([
          "cc",
          "-shared",
          "-fPIC",
          "-o",
          `${scratch}/asked.so`,
          `${scratch}/asked.c`,
          "-ldl",
        ]);
        expect(compiled.stderr.toString()).toBe("");
        const env = { LD_PRELOAD: `${scratch}/asked.so`, ASKED: `${scratch}/asked` };
        await using cgroup = makeCgroup("v2");
        await using _ = await startSleeper(cgroup.dir);
        expect((await runCgkill(["--json", cgroup.dir], { env })).code).toBe(0);
        const asked = [...new Set(readFileSync(`${scratch}/asked`, "utf8").split("\n").filter(Boolean))];
        expect(asked).toContain("BUN_BE_BUN");
        const known = [...HIDDEN, ...HIDDEN_IN_ANY_CASE, ...NOT_HIDDEN];
        expect(asked.filter((name) => !known.some((prefix) => `${name}=`.startsWith(prefix)))).toEqual([]);
      },
    );

    test("an empty environment, without PATH: it runs", async () => {
      await using cgroup = makeCgroup("v2");
      await using _ = await startSleeper(cgroup.dir);
      const child = Bun.spawn([BINARY, "--json", cgroup.dir], { env: {}, stdout: "pipe" });
      expect(documents(await child.stdout.text())[0]).toMatchObject({ outcome: "killed" });
      expect(await child.exited).toBe(0);
    });
  });
}
