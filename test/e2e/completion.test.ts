// The completion scripts in their real shells, on the compiled binary and real cgroups.

import { describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { basename } from "node:path";

import { canStage, isAlive, liveMembers, makeCgroup, startSleeper, until } from "../support/real-cgroup.ts";
import { complete, PATH, type ShellName } from "../support/shells.ts";

const METHODS = ["auto", "freezer", "kill", "sweep"];

interface Case {
  readonly line: string;
  /** All that is offered, in any order. */
  readonly only?: readonly string[];
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
}

/** @param path  of a cgroup with one below it that is called "a job" */
function casesFor(path: string, dir: string, pid: number): Case[] {
  const commands = ["kill", "list", "show", "freeze", "thaw", "completion", "help"];
  return [
    { line: "cgkill ", has: [...commands, path] },
    { line: "cgkill kill ", has: [path], lacks: commands },
    { line: "cgkill kill --", has: ["--method", "--grace"], lacks: ["--sort"] },
    { line: "cgkill lis", only: ["list"] },
    { line: "cgkill list ", has: [path, `${path}/a job`], lacks: commands },
    { line: `cgkill list ${path}`, only: [path, `${path}/a job`] },
    { line: `cgkill ${path.slice(1)}/a\\ j`, only: [`${path.slice(1)}/a job`] },
    { line: `cgkill --json show ${dir}`, only: [dir, `${dir}/a job`] },
    { line: `cgkill "${path}/a j`, only: [`${path}/a job`] },
    { line: `cgkill show --spare-to ${path}/`, only: [`${path}/a job`] },
    { line: "cgkill --method ", only: METHODS },
    { line: "cgkill -m s", only: ["sweep"] },
    { line: "cgkill list --sort c", only: ["cpu"] },
    { line: "cgkill --signal US", only: ["USR1", "USR2"] },
    { line: "cgkill --hierarchy ", has: ["v1", "v2", "freezer"] },
    { line: "cgkill --timeout ", only: [] },
    { line: `cgkill --pid ${pid}`, has: [String(pid)], lacks: [path] },
    { line: "cgkill --name a\\ j", only: ["a job"] },
    { line: "cgkill --name 'x y' --pid 1 lis", only: ["list"] },
    { line: "cgkill completion ", only: ["bash", "fish", "zsh"] },
    { line: "cgkill list --", has: ["--sort", "--frozen"], lacks: ["--method", "--pid"] },
    { line: "cgkill --", has: ["--method", "--pid", "--grace"], lacks: ["--sort", "--frozen"] },
    { line: "cgkill thaw --", has: ["--timeout"], lacks: ["--grace", "--frozen"] },
    { line: "cgkill -- ", has: [path], lacks: commands },
    { line: "cgkill -- --", lacks: ["--method"] },
  ];
}

/** As bash writes it into the line: what has to be escaped is. */
const unquoted = (shell: ShellName, text: string): string => (shell === "bash" ? text.replaceAll("\\", "") : text);

for (const shell of ["bash", "zsh", "fish"] as const) {
  const isInstalled = Bun.which(shell) !== null;
  if (!isInstalled) console.warn(`left out: completion in ${shell} (it is not installed)`);

  describe.if(isInstalled && canStage("v2"))(shell, () => {
    test("options, their values, commands, processes, and cgroups as they are now", async () => {
      await using cgroup = makeCgroup("v2");
      mkdirSync(`${cgroup.dir}/a job`);
      await using sleeper = await startSleeper(cgroup.dir);
      const cases = casesFor(cgroup.path, cgroup.dir, sleeper.pid);
      const answers = complete(
        shell,
        cases.map(({ line }) => line),
      );
      for (const [index, { line, only, has = [], lacks = [] }] of cases.entries()) {
        const offered = new Set(answers[index]?.map((text) => unquoted(shell, text)));
        const told = { line, offered: [...offered].sort() };
        if (only !== undefined) expect(told).toEqual({ line, offered: [...only].sort() });
        expect({ line, missing: has.filter((text) => !offered.has(text)) }).toEqual({ line, missing: [] });
        expect({ line, wrong: lacks.filter((text) => offered.has(text)) }).toEqual({ line, wrong: [] });
      }
    });
  });
}

/** Typed by hand into an interactive shell: what Tab makes of a name is what the shell then passes on. */
const TYPED: ReadonlyArray<readonly [ShellName, readonly string[], string]> = [
  ["bash", ["bash", "--norc", "-i"], "bind 'set bell-style none'; . <(cgkill completion bash)"],
  [
    "zsh",
    ["zsh", "-f", "-i"],
    "autoload -Uz compinit; compinit -u -D; . <(cgkill completion zsh | sed '$d'); compdef _cgkill cgkill",
  ],
];

for (const [shell, argv, setUp] of TYPED) {
  describe.if(Bun.which(shell) !== null && canStage("v2"))(`typed into ${shell}`, () => {
    test("a name with everything at which a shell breaks words is completed, and dies", async () => {
      await using cgroup = makeCgroup("v2");
      const dir = `${cgroup.dir}/a b@c:d=1(e)'f`;
      mkdirSync(dir);
      await using sleeper = await startSleeper(dir);
      let shown = "";
      const child = Bun.spawn([...argv], {
        env: { PATH, HOME: "/nonexistent", TERM: "dumb", PS1: "ready> ", LANG: "C.UTF-8" },
        terminal: { cols: 200, rows: 40, data: (_, data: Uint8Array) => void (shown += Buffer.from(data).toString()) },
      });
      try {
        await until(`a prompt of ${shell}`, () => shown.includes("ready> "));
        child.terminal?.write(`${setUp}; echo set''up\n`);
        await until(`the script in ${shell}: ${shown}`, () => shown.includes("setup"));
        child.terminal?.write(`cgkill ${cgroup.path}/a\t`);
        await until(`the name in ${shell}: ${shown}`, () => shown.includes(`${basename(cgroup.path)}/a\\ b@c:d`));
        child.terminal?.write("\n");
        await until(`the end of the process: ${shown}`, () => !isAlive(sleeper.pid));
        expect(liveMembers(cgroup.dir)).toEqual([]);
      } finally {
        child.kill("SIGKILL");
        await child.exited;
        child.terminal?.close();
      }
    });
  });
}
