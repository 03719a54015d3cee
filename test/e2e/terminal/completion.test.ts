// Completion by the compiled binary on real cgroups: what it offers, that it changes nothing, and how real shells use
// it.

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

import { IN_MOUNTS_OF_ITS_OWN } from "../../support/layout.ts";
import { AS_NOBODY, canBeNobody } from "../../support/nobody.ts";
import { canStage, isAlive, liveMembers, makeCgroup, startSleeper, until } from "../../support/real-cgroup.ts";
import { BINARY, runCgkill } from "../../support/run-cgkill.ts";
import { isShellThere, SHELLS, typedShell } from "../../support/typed-shell.ts";

async function ask(words: readonly string[], under: readonly string[] = []): Promise<string[]> {
  const { code, stdout, stderr } = await runCgkill(["__complete", "--", ...words], { under });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.split("\n").slice(0, -1);
}

/** Try again until it is good: on a busy machine a search is given up after its 160 ms, and Tab then does nothing. */
async function tryUntil(isGood: (got: string[]) => boolean, work: () => Promise<string[]>): Promise<string[]> {
  const end = performance.now() + 30_000;
  let got = await work();
  while (performance.now() < end && !isGood(got)) got = await work();
  return got;
}

async function eventually(work: () => Promise<string[]>, wanted: readonly string[]): Promise<void> {
  expect(await tryUntil((got) => Bun.deepEquals(got, wanted), work)).toEqual([...wanted]);
}

describe.if(canStage("v2"))("candidates", () => {
  test("existing cgroups are offered one component at a time, to an unprivileged user too", async () => {
    await using cgroup = makeCgroup("v2");
    for (const path of ["a job", "b/c", "tab\there"]) mkdirSync(`${cgroup.dir}/${path}`, { recursive: true });
    const bytes = Buffer.concat([Buffer.from(`${cgroup.dir}/x`), Buffer.from([0xff])]);
    mkdirSync(bytes);
    using _ = { [Symbol.dispose]: () => rmdirSync(bytes) };
    for (const under of canBeNobody() ? [[], AS_NOBODY] : [[]]) {
      for (const path of [cgroup.path, cgroup.dir, cgroup.path.slice(1)]) {
        expect(await ask(["kill", `${path}/`], under)).toEqual([`${path}/a job`, `${path}/b/`]);
      }
      await eventually(() => ask(["--name", "a j"], under), ["a job"]);
    }
    expect(await ask(["kill", "./"], ["env", "-C", cgroup.dir])).toEqual(["./a job", "./b/"]);
    expect(await ask(["kill", "../b/"], ["env", "-C", `${cgroup.dir}/a job`])).toEqual(["../b/c"]);
  });

  test("below a covered cgroup nothing of the cover is offered", async () => {
    await using cgroup = makeCgroup("v2");
    mkdirSync(`${cgroup.dir}/covered/true`, { recursive: true });
    const forge = 'mount -t tmpfs none "$1/covered" && mkdir "$1/covered/forged" && shift && exec "$@"';
    const under = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", forge, "sh", cgroup.dir];
    for (const path of [cgroup.path, cgroup.dir]) {
      // With CAP_SYS_ADMIN it looks beneath the cover; without, it offers nothing.
      expect(await ask(["kill", `${path}/covered/`], under)).toEqual([`${path}/covered/true`]);
      expect(await ask(["kill", `${path}/covered/`], [...under, ...AS_NOBODY])).toEqual([]);
    }
  });

  test("only standard output is opened for writing, and a failure prints nothing", async () => {
    const strace = Bun.which("strace");
    if (strace === null) return void console.warn("left out: what completion opens (strace is not installed)");
    const dir = mkdtempSync(`${tmpdir()}/cgkill-test-`);
    try {
      const calls = "trace=%file,sched_setscheduler,setpriority,kill,pidfd_send_signal";
      const under = [strace, "-f", "-o", `${dir}/trace`, "-e", calls];
      for (const words of [
        ["kill", "/"],
        ["--name", ""],
        ["--pid", ""],
        ["--hierarchy", ""],
      ]) {
        const found = await tryUntil(
          ({ length }) => length > 0,
          () => ask(words, under),
        );
        expect(found).not.toEqual([]);
        const trace = readFileSync(`${dir}/trace`, "utf8").split("\n");
        expect(trace.length).toBeGreaterThan(10);
        const changes = trace.filter((line) =>
          /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC| (mkdir|rmdir|unlink|rename|symlink|link|chmod|chown|utime|kill|pidfd_send)/.test(
            line,
          ),
        );
        expect(changes.filter((line) => !line.includes('"/proc/self/fd/1", O_WRONLY|'))).toEqual([]);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
    for (const argv of [[], ["--"], ["--", "--hierarchy", "nothing", "/"], ["-x"]]) {
      expect(await runCgkill(["__complete", ...argv])).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    }
    expect((await runCgkill(["--help"])).stdout).not.toContain("__complete");
  });
});

const PRINTABLE = Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n)).filter((char) => char !== "/");
/** Each as the first and as the last character of a name, where shells treat some of them specially. */
const atBothEnds = (chars: string): string[] => [...chars].map((char, n) => `${char}a${chars[(n + 1) % chars.length]}`);
const HOSTILE = ["a$(touch PWN)", "`touch PWN`", '"$(touch PWN)"', "';touch PWN;'", "a\\$(touch PWN)"];
const ALL = PRINTABLE.join("");

interface Place {
  /** What is typed before Tab, in a directory with one cgroup. */
  readonly typed: (dir: string) => string;
  readonly quote: string;
  readonly names: readonly string[];
}

const PLACES: readonly Place[] = [
  {
    // without quotes
    typed: (dir) => `${dir}/`,
    quote: "",
    names: [ALL, PRINTABLE.toReversed().join(""), "!!", "é", ...HOSTILE, ...atBothEnds(" !\"#$&'()*,-:;<=>?@[\\^`{|~")],
  },
  {
    // in double quotes
    typed: (dir) => `"${dir}/`,
    quote: '"',
    names: [ALL, "!!", ...HOSTILE, ...atBothEnds("\"$`!\\' ;=~")],
  },
  {
    // in single quotes
    typed: (dir) => `'${dir}/`,
    quote: "'",
    names: [ALL, "''", ...HOSTILE, ...atBothEnds("'\"\\! ;=")],
  },
  {
    // after a quote in the middle
    typed: (dir) => `${dir}/"`,
    quote: '"',
    names: ["!a", '"a', "'a", "$(touch PWN)"],
  },
  { typed: (dir) => `${dir}/'`, quote: "'", names: ["!a", '"a', "'a", "$(touch PWN)"] },
];

/** fish leaves the quote open and adds no space after these. */
const FISH_GOES_ON = /[/=@:.,-]$/;

for (const shell of SHELLS) {
  const isThere = isShellThere(shell) && canStage("v2");

  describe.if(isThere)(`typed into ${shell}`, () => {
    test.concurrent(
      "names with every printable character are completed to exactly that, quoted or not, and run nothing",
      async () => {
        await using cgroup = makeCgroup("v2");
        await using typed = await typedShell(shell);
        let made = 0;
        for (const { typed: before, quote, names } of PLACES) {
          for (let at = 0; at < names.length; at += AT_ONCE) {
            const dirs = names.slice(at, at + AT_ONCE).map((name) => {
              const dir = `${++made}`;
              mkdirSync(`${cgroup.dir}/${dir}/${name}`, { recursive: true });
              return { name, dir: `${cgroup.path}/${dir}` };
            });
            const words = dirs.map(({ name, dir }) => {
              const rest = shell === "fish" && FISH_GOES_ON.test(name) ? quote : "";
              return `${before(dir)}\t${rest}`;
            });
            // With a word in between: after an escaped ; or &, bash expects a command and does not ask for our
            // completion.
            const expected = dirs
              .map(({ name, dir }) => `${dir}/${name}`)
              .join("\0then\0")
              .split("\0");
            await eventually(() => typed.call(`cgkill ${words.join(" then ")}`), expected);
          }
        }
        expect(readdirSync(typed.cwd)).toEqual([]);
      },
    );

    test("two components by two Tabs, options and their values, a name, and a common prefix", async () => {
      await using cgroup = makeCgroup("v2");
      mkdirSync(`${cgroup.dir}/parent/a child`, { recursive: true });
      for (const name of ["one$a", "one$b"]) mkdirSync(`${cgroup.dir}/${name}`);
      await using typed = await typedShell(shell);
      const expectCall = (line: string, words: readonly string[]): Promise<void> =>
        eventually(() => typed.call(line), words);
      const child = `${cgroup.path}/parent/a child`;
      await expectCall(`cgkill ${cgroup.path}/par\t\t`, [child]);
      await expectCall(`cgkill "${cgroup.path}/par\t\t`, [child]);
      await expectCall(`cgkill ${cgroup.dir}/par\t\t`, [`${cgroup.dir}/parent/a child`]);
      await expectCall("cgkill fre\t--time\t5 --hier\tv2", ["freeze", "--timeout", "5", "--hierarchy", "v2"]);
      await expectCall("cgkill --method=sw\t-m fr\t", ["--method=sweep", "-m", "freezer"]);
      await expectCall("cgkill --name a\\ ch\t", ["--name", "a child"]);
      await expectCall(`cgkill ${cgroup.path}/on\ta`, [`${cgroup.path}/one$a`]);
      await expectCall(`cgkill '${cgroup.path}/on\tb'`, [`${cgroup.path}/one$b`]);
    });

    // Regression: nothing was offered.
    test("after the command of run, files are offered; elsewhere none", async () => {
      await using typed = await typedShell(shell, {
        prepare: (cwd) => writeFileSync(`${cwd}/a long file`, ""),
      });
      expect(await typed.call("cgkill run cat a\\ lo\t")).toEqual(["run", "cat", "a long file"]);
      expect(await typed.call("cgkill run --gra\t1 --rep\ta\\ lo\t")).toEqual([
        "run",
        "--grace",
        "1",
        "--report",
        "a long file",
      ]);
      expect(await typed.call("cgkill show a\\ lo\t")).toEqual(["show", "a lo"]);
      // Regression: fish printed an error of its command test for the first word.
      expect(await typed.call("cgkill fre\tweb")).toEqual(["freeze", "web"]);
      expect(typed.shown()).not.toContain("Missing argument");
    });

    test("hostile names after --name are completed to exactly that pattern, quoted or not, and run nothing", async () => {
      await using cgroup = makeCgroup("v2");
      await using typed = await typedShell(shell);
      const names = [...HOSTILE, "a*b?[c]{d}", " a  b ", "-a'\"\\"];
      for (const [nth, quote] of ["", '"', "'"].entries()) {
        // The name must be the only one on the host that begins with what is typed.
        const starts = names.map((_, at) => `n${process.pid}${shell}${nth}${String.fromCharCode(97 + at)}`);
        for (const [at, name] of names.entries()) mkdirSync(`${cgroup.dir}/${starts[at]}${name}`);
        for (const [at, name] of names.entries()) {
          const pattern = `${starts[at]}${name}`.replaceAll(/[*?[{\\]/g, "\\$&");
          await eventually(() => typed.call(`cgkill --name ${quote}${starts[at]}\t`), ["--name", pattern]);
        }
      }
      expect(readdirSync(typed.cwd)).toEqual([]);
    });

    test("in a hostile directory nothing in it is run, and one Tab starts the binary once", async () => {
      const bin = mkdtempSync(`${tmpdir()}/cgkill-test-`);
      try {
        const count = `${bin}/count`;
        writeScript(`${bin}/cgkill`, `echo started >>${count}; exec ${BINARY} "$@"`);
        const path = `.::here:${bin}:${dirname(BINARY)}:${process.env["PATH"]}:`;
        await using typed = await typedShell(shell, {
          path,
          prepare: (cwd) => {
            mkdirSync(`${cwd}/here`);
            for (const name of ["cgkill", "here/cgkill"]) writeScript(`${cwd}/${name}`, "touch PWN; echo --methodical");
            writeFileSync(`${cwd}/bunfig.toml`, 'preload = ["./evil.ts"]\n');
            writeFileSync(`${cwd}/evil.ts`, 'require("fs").writeFileSync("PWN", "")\n');
          },
        });
        const started = (): number => (existsSync(count) ? readFileSync(count, "utf8").split("\n").length - 1 : 0);
        expect(await typed.call("cgkill --metho\tsweep")).toEqual(["--method", "sweep"]);
        expect(started()).toBe(1);
        // The word on the line is a different one; Enter does not run it.
        expect(await typed.call("true || ./cgkill --metho\t; cgkill a b")).toEqual(["a", "b"]);
        expect(readdirSync(typed.cwd).sort()).toEqual(["bunfig.toml", "cgkill", "evil.ts", "here"]);
        expect(started()).toBe(2);
        if (shell !== "zsh") return;
        // Regression: it said that nothing was found, and the next completer started the binary again.
        await typed.call("zstyle ':completion:*' completer _complete _approximate; cgkill set up");
        expect(await typed.call("cgkill --metho\tsweep")).toEqual(["--method", "sweep"]);
        expect(started()).toBe(3);
      } finally {
        rmSync(bin, { recursive: true, force: true });
      }
    });
  });
}

/** How many words are typed into one line. */
const AT_ONCE = 10;

function writeScript(path: string, commands: string): void {
  writeFileSync(path, `#!/bin/sh\n${commands}\n`);
  chmodSync(path, 0o755);
}

describe.if(isShellThere("bash") && canStage("v2"))("a completed name", () => {
  // Regression: with `set -u`, completing the first word printed an error about an unbound variable.
  test("is the one that dies, with set -u too", async () => {
    await using cgroup = makeCgroup("v2");
    const dir = `${cgroup.dir}/a b@c:d=1(e)'f`;
    mkdirSync(dir);
    await using sleeper = await startSleeper(dir);
    await using typed = await typedShell("bash");
    typed.types(`unset -f cgkill; set -u; cgkill ${cgroup.path}/a\t\r`);
    await until(`the end of the process: ${typed.shown()}`, () => !isAlive(sleeper.pid));
    expect(liveMembers(cgroup.dir)).toEqual([]);
  });
});
