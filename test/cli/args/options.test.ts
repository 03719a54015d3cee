// Parsing of options: each sets its own field, every default is that of the contract, and contradictions and options of
// other commands are refused.

import { describe, expect, test } from "bun:test";

import type { ListCommand, TargetCommand } from "../../../src/cli/args/command.ts";
import { COMMAND_NAMES } from "../../../src/cli/args/commands.ts";
import { errorStyleOf } from "../../../src/cli/args/given-options.ts";
import { findMeantCommand } from "../../../src/cli/args/habits/words.ts";
import { optionTable } from "../../../src/cli/args/options.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { usageErrorOf } from "../support.ts";

const OUTPUT = { json: false, quiet: false, level: "info", logFormat: "text", color: "auto" } as const;

const KILL_X: TargetCommand = {
  kind: "kill",
  targets: [{ kind: "name", name: "x" }],
  interactive: false,
  mistyped: undefined,
  output: OUTPUT,
  hierarchy: undefined,
  all: false,
  nullSeparated: false,
  ignoreMissing: false,
  timeoutMs: 10_000,
  method: "auto",
  remove: undefined,
  graceMs: 0,
  graceSignal: "TERM",
  sentSignal: 0,
  spare: [],
  spareTo: undefined,
  allowAncestors: false,
  thawAncestors: false,
  allHierarchies: false,
  abortFuse: false,
};

const LIST: ListCommand = {
  kind: "list",
  top: undefined,
  output: OUTPUT,
  hierarchy: undefined,
  all: false,
  frozen: false,
  stuck: false,
  flat: false,
  procs: false,
  sort: "name",
  depth: Number.POSITIVE_INFINITY,
  watchMs: undefined,
};

test("one name alone: a kill with the defaults of the contract", () => {
  expect(parseArgs(["x"])).toStrictEqual(KILL_X);
});

test("list alone: the whole tree, once, sorted by name", () => {
  expect(parseArgs(["list"])).toStrictEqual(LIST);
});

test.each(["show", "freeze", "thaw"] as const)("%s takes the same targets and defaults as a kill", (kind) => {
  expect(parseArgs([kind, "x"])).toStrictEqual({ ...KILL_X, kind });
});

describe("every option of a kill sets its own field and no other", () => {
  const cases: ReadonlyArray<readonly [readonly string[], Partial<TargetCommand>]> = [
    [["--dry-run"], { kind: "show" }],
    [["-n"], { kind: "show" }],
    [["--interactive"], { interactive: true }],
    [["-i"], { interactive: true }],
    [["--timeout", "500ms"], { timeoutMs: 500 }],
    [["-t", "0"], { timeoutMs: 0 }],
    [["--grace", "2m"], { graceMs: 120_000 }],
    [["-g3"], { graceMs: 3000 }],
    [["--grace=1", "--signal", "SIGUSR1"], { graceMs: 1000, graceSignal: "USR1" }],
    [["-g1", "-s", "1"], { graceMs: 1000, graceSignal: "HUP" }],
    [["--method", "sweep"], { method: "sweep" }],
    [["-m", "freezer"], { method: "freezer" }],
    [["-m", "kill"], { method: "kill" }],
    [["-m", "auto"], { method: "auto" }],
    [["--remove"], { remove: true }],
    [["-r"], { remove: true }],
    [["--keep"], { remove: false }],
    [["--all-hierarchies"], { allHierarchies: true }],
    [["--spare", "12"], { spare: [12] }],
    [["--spare", "12,3,12"], { spare: [12, 3, 12] }],
    [["--spare=1,2", "--spare", "3"], { spare: [1, 2, 3] }],
    [["--spare-to", "/a b"], { spareTo: "/a b" }],
    [["--allow-ancestors"], { allowAncestors: true }],
    [["--thaw-ancestors"], { thawAncestors: true }],
    [["--abort-fuse"], { abortFuse: true }],
    [["--ignore-missing"], { ignoreMissing: true }],
    [["--hierarchy", "v1"], { hierarchy: "v1" }],
    [["--hierarchy=cpu,cpuacct"], { hierarchy: "cpu,cpuacct" }],
    [["--json"], { output: { ...OUTPUT, json: true } }],
    [["--quiet"], { output: { ...OUTPUT, quiet: true, level: "error" } }],
    [["-q"], { output: { ...OUTPUT, quiet: true, level: "error" } }],
    [["--verbose"], { output: { ...OUTPUT, level: "debug" } }],
    [["-v"], { output: { ...OUTPUT, level: "debug" } }],
    [["-v", "-v"], { output: { ...OUTPUT, level: "trace" } }],
    [["-vvv"], { output: { ...OUTPUT, level: "trace" } }],
    [["-qvv"], { output: { ...OUTPUT, quiet: true, level: "error" } }],
    [["-vv", "--log-level", "warn"], { output: { ...OUTPUT, level: "warn" } }],
    [["-q", "--log-level=trace"], { output: { ...OUTPUT, quiet: true, level: "trace" } }],
    [["--log-format", "json"], { output: { ...OUTPUT, logFormat: "json" } }],
    [["--color", "never"], { output: { ...OUTPUT, color: "never" } }],
    [["--color=always"], { output: { ...OUTPUT, color: "always" } }],
  ];
  test.each(cases)("%j", (words, fields) => {
    expect(parseArgs([...words, "x"])).toStrictEqual({ ...KILL_X, ...fields });
    // Options and names may come in any order.
    expect(parseArgs(["x", ...words])).toStrictEqual({ ...KILL_X, ...fields });
  });

  test.each(["-0", "--null"])("%s, with names from standard input", (word) => {
    const expected = { ...KILL_X, targets: [{ kind: "stdin" }], nullSeparated: true };
    expect(parseArgs([word, "-"])).toStrictEqual(expected as TargetCommand);
  });

  test("-0 without them is an error, and the call that it suggests has no -0", () => {
    const { hint } = usageErrorOf(() => parseArgs(["-0", "x"]));
    expect(hint?.split("\n").at(-1)).toBe("    cgkill show x");
    expect(parseArgs(["show", "x"]).kind).toBe("show");
  });

  test.each(["--all", "-a"])("%s, with --name", (word) => {
    const expected = { ...KILL_X, targets: [{ kind: "pattern", pattern: "x" }], all: true };
    expect(parseArgs([word, "--name", "x"])).toStrictEqual(expected as TargetCommand);
  });

  test.each([[["x"]], [["kill", "x"]], [["show", "-"]], [["thaw", "--pid", "1"]], [["signal", "KILL", "x"]]])(
    "--all without --name is an error: %j",
    (argv) => {
      expect(usageErrorOf(() => parseArgs([...argv, "--all"]))).toEqual({
        message: "--all (-a) takes every match of --name, and needs it",
        hint: "leave it out: the cgroups below a CGROUP are always included",
      });
    },
  );

  test.each([[["ps", "-a"]], [["ls", "--all", "web"]]])("%j means the list", (argv) => {
    const { hint } = usageErrorOf(() => parseArgs(argv));
    expect(hint).toBe("did you mean the command list? see cgkill list --all");
  });

  test("the table above has every option of a kill", () => {
    const known = optionTable().filter(({ commands }) => commands.includes("kill"));
    const tried = cases.flatMap(([words]) => words.map((word) => word.replace(/=.*/, "")));
    const elsewhere = ["--help", "--version", "--licenses", "--pid", "--name", "--null", "--all"];
    expect(known.map(({ long }) => `--${long}`).filter((long) => ![...tried, ...elsewhere].includes(long))).toEqual([]);
  });
});

describe("every option of list sets its own field and no other", () => {
  const cases: ReadonlyArray<readonly [readonly string[], Partial<ListCommand>]> = [
    [["/a"], { top: "/a" }],
    [["--all"], { all: true }],
    [["--frozen"], { frozen: true }],
    [["--flat"], { flat: true }],
    [["--procs"], { procs: true }],
    [["--stuck"], { stuck: true }],
    [["--sort", "procs"], { sort: "procs" }],
    [["--sort=age"], { sort: "age" }],
    [["--depth", "0"], { depth: 0 }],
    [["--depth=12"], { depth: 12 }],
    [["--watch"], { watchMs: 2000 }],
    [["-w"], { watchMs: 2000 }],
    [["--watch=500ms"], { watchMs: 500 }],
    [["--watch=100ms"], { watchMs: 100 }],
    [["--watch", "/a"], { watchMs: 2000, top: "/a" }],
    [["--hierarchy", "v2"], { hierarchy: "v2" }],
    [["--json"], { output: { ...OUTPUT, json: true } }],
    [["-q"], { output: { ...OUTPUT, quiet: true, level: "error" } }],
    [["--color", "always"], { output: { ...OUTPUT, color: "always" } }],
  ];
  test.each(cases)("%j", (words, fields) => {
    expect(parseArgs(["list", ...words])).toStrictEqual({ ...LIST, ...fields });
    expect(parseArgs([...words.filter((word) => word.startsWith("-w")), "list", ...words])).toMatchObject(fields);
  });
});

describe("targets", () => {
  const targetsOf = (argv: readonly string[]): unknown => (parseArgs(argv) as TargetCommand).targets;

  test.each([
    [["a", "b", "a"], ["a", "b", "a"].map((name) => ({ kind: "name", name }))],
    [["--pid", "42"], [{ kind: "pid", pid: 42 }]],
    [["--pid", "1", "--pid=2"], [1, 2].map((pid) => ({ kind: "pid", pid }))],
    [["--pid", "1,2", "--pid=3"], [1, 2, 3].map((pid) => ({ kind: "pid", pid }))],
    [["--name", "web-*"], [{ kind: "pattern", pattern: "web-*" }]],
    [["-"], [{ kind: "stdin" }]],
    [
      ["a", "-"],
      [{ kind: "name", name: "a" }, { kind: "stdin" }],
    ],
    [["--", "--json", "-x"], ["--json", "-x"].map((name) => ({ kind: "name", name }))],
    [["./list", "/show"], ["./list", "/show"].map((name) => ({ kind: "name", name }))],
    [[""], [{ kind: "name", name: "" }]],
    [["a", "list"], ["a", "list"].map((name) => ({ kind: "name", name }))],
    [["kill", "kill"], [{ kind: "name", name: "kill" }]],
    [["show", "show", "list"], ["show", "list"].map((name) => ({ kind: "name", name }))],
    [["show", "--", "list"], [{ kind: "name", name: "list" }]],
    [["a\udcff b\n"], [{ kind: "name", name: "a\udcff b\n" }]],
  ])("%j", (argv, targets) => {
    expect(targetsOf(argv)).toEqual(targets);
  });

  test("names, pids and patterns can be combined", () => {
    const targets = targetsOf(["--pid", "7", "a", "--name", "b*"]);
    expect(targets).toHaveLength(3);
    expect(targets).toEqual(
      expect.arrayContaining([
        { kind: "name", name: "a" },
        { kind: "pid", pid: 7 },
        { kind: "pattern", pattern: "b*" },
      ]),
    );
  });
});

describe("the first operand may be a mistyped command", () => {
  test.each<[string[], string | undefined]>([
    [["ls", "web"], "ls"],
    [["ls", "web.service", "/a/b"], "ls"],
    [["un-freeze", "web"], "un-freeze"],
    [["-t", "5", "stop", "--", "web"], "stop"],
    [["-n", "ls", "web"], "ls"],
    // Alone, it is the name of a cgroup that may be missing.
    [["ls"], undefined],
    [["kill", "ls", "web"], undefined],
    [["--", "ls", "web"], undefined],
    [["show", "ls", "web"], undefined],
    [["--ignore-missing", "ls", "web"], undefined],
    [["ls", "-"], undefined],
    [["ls", "web", "--name", "x"], undefined],
    [["ls", "--pid", "7"], undefined],
    [["a/b", "web"], undefined],
    [["/ls", "web"], undefined],
    [["web.service", "db"], undefined],
    [["job7", "db"], undefined],
    [["", "db"], undefined],
  ])("%j: %j", (argv, word) => {
    expect((parseArgs(argv) as TargetCommand).mistyped).toBe(word as string);
  });
});

describe("the command is the first word that is not an option", () => {
  test.each(COMMAND_NAMES.filter((word) => word !== "completion"))(
    "%s after --, or with a slash, is a cgroup",
    (word) => {
      for (const argv of [["--", word], [`/${word}`], [`./${word}`], ["--json", "--", word]]) {
        expect(parseArgs(argv)).toMatchObject({ kind: "kill", targets: [{ kind: "name", name: argv.at(-1) }] });
      }
    },
  );

  test.each([
    [["--json", "show", "x"], "show"],
    [["-t", "5", "thaw", "x"], "thaw"],
    [["--timeout=5", "freeze", "x"], "freeze"],
    // The value of an option is not the command.
    [["--spare-to", "show", "x"], "kill"],
    [["--hierarchy", "list", "x"], "kill"],
  ] as const)("%j is a %s", (argv, kind) => {
    expect(parseArgs(argv).kind).toBe(kind);
  });

  test("kill without a target, --json or --dry-run: the interactive mode", () => {
    for (const argv of [[], ["-i"], ["-v"], ["--timeout", "5"]]) {
      expect(parseArgs(argv)).toMatchObject({ kind: "kill", targets: [], interactive: argv[0] === "-i" });
    }
  });
});

describe("--help, --version and --licenses take precedence over valid and invalid words", () => {
  test.each([
    [["--help"], undefined],
    [["-h"], undefined],
    [["help"], undefined],
    [["help", "--help"], undefined],
    [["--remove", "--keep", "--help"], undefined],
    [["x", "-t", "never", "--help"], undefined],
    [["-V", "--help"], undefined],
    [["ls", "--help"], undefined],
    [["help", "kill"], "kill"],
    [["help", "help"], "help"],
    [["kill", "--help"], "kill"],
    [["--help", "thaw"], "thaw"],
    [["list", "a", "b", "-h"], "list"],
    [["signal", "-h"], "signal"],
    [["freeze", "--grace", "1", "-h"], "freeze"],
  ] as const)("%j", (argv, topic) => {
    expect(parseArgs(argv)).toStrictEqual({ kind: "help", topic });
  });

  test.each([[["--version"]], [["-V"]], [["x", "-V"]], [["list", "-V"]]])("%j", ([...argv]) => {
    expect(parseArgs(argv)).toStrictEqual({ kind: "version" });
  });

  test.each([[["--licenses"]], [["x", "--licenses"]], [["run", "--licenses"]]])("%j", ([...argv]) => {
    expect(parseArgs(argv)).toStrictEqual({ kind: "licenses" });
  });

  test.each([
    [["help", "ls"], 'there is no "ls" command', "did you mean list? see cgkill help list"],
    [["help", "version"], 'there is no "version" command', "did you mean cgkill --version?"],
    [
      ["help", "restart"],
      'there is no "restart" command',
      "cgkill cannot start, restart or enable anything: use the program that manages it, such as systemctl",
    ],
    [["help", "exec"], 'there is no "exec" command', "cgkill runs a command only in a new cgroup; see cgkill help run"],
    [["help", "singal"], 'there is no "singal" command', "did you mean signal? see cgkill help signal"],
    [
      ["help", "qqq"],
      'there is no "qqq" command',
      "the commands are kill, list, show, freeze, thaw, signal, run, completion, help",
    ],
    [["help", "list", "show"], "cgkill help takes at most one command", "see cgkill help help"],
  ])("%j is a usage error", (argv, message, hint) => {
    expect(usageErrorOf(() => parseArgs(argv))).toEqual({ message, hint });
  });

  test("--help after -- is a name", () => {
    expect(parseArgs(["--", "--help"])).toMatchObject({ kind: "kill", targets: [{ name: "--help" }] });
  });
});

describe("completion", () => {
  test.each(["bash", "zsh", "fish"] as const)("%s", (shell) => {
    expect(parseArgs(["completion", shell])).toStrictEqual({ kind: "completion", shell });
  });

  test.each([[["completion"]], [["completion", "bash", "zsh"]]])(
    "%j is a usage error that names the shells",
    (argv) => {
      expect(usageErrorOf(() => parseArgs(argv))).toEqual({
        message: "cgkill completion takes the name of one shell",
        hint: "write cgkill completion bash|zsh|fish",
      });
    },
  );

  test("a shell without a script: the hint names the shells that have one", () => {
    const { message, hint } = usageErrorOf(() => parseArgs(["completion", "tcsh"]));
    expect(message).toContain("for tcsh");
    expect(hint).toBe("there are scripts for bash, zsh, fish");
  });

  // Regression: the message used to begin with "--completion", which is not an option.
  test("a shell without a script: the message names no option", () => {
    expect(usageErrorOf(() => parseArgs(["completion", "tcsh"])).message).not.toContain("--completion");
  });
});

describe("contradictions, invalid values and missing operands", () => {
  test.each([
    [["-r", "--keep", "x"], "--remove cannot be used with --keep", "use one of them"],
    [["--keep", "--all-hierarchies", "x"], "--all-hierarchies cannot be used with --keep", "use one of them"],
    [["-i", "--json", "x"], "--interactive cannot be used with --json", "use one of them"],
    [["-i", "-n", "x"], "--interactive cannot be used with --dry-run", "use one of them"],
    [["list", "a", "b"], "cgkill list takes at most one cgroup", "see cgkill help list"],
    // Regression: "-: no such cgroup".
    [
      ["list", "-"],
      "cgkill list reads no names from standard input",
      "name the cgroup, or leave it out to list all; a cgroup named - is written /-",
    ],
    // Regression: "--spare : not a process id".
    [["--spare", "1,", "x"], "--spare 1,: a process id is empty", "write them as 12,34"],
    [["--pid", "1,,2"], "--pid 1,,2: a process id is empty", "write them as 12,34"],
    [["--pid", "1, 2"], "--pid  2: not a process id", "a process id is a number from 1 to 4194304"],
    // An unset variable of a script. With --ignore-missing it used to be a success.
    [["--ignore-missing", "--name", ""], "--name: the value is empty", "write --name PATTERN"],
    // Regression: it used to mean v2.
    [["--hierarchy", "", "x"], "--hierarchy: the value is empty", "write --hierarchy NAME"],
    [["-t", "", "x"], "--timeout: the value is empty", "write --timeout DURATION"],
    [["--spare=", "x"], "--spare: the value is empty", "write --spare PID,..."],
    [["-m", "Kill", "x"], "--method Kill: invalid value", "valid values: auto, kill, freezer, sweep"],
    [["list", "--depth", "-1"], "--depth -1: not a whole number", "write a number from 0 to 999999"],
    [["list", "--watch=50ms"], "--watch 50ms: too short", "the minimum is 100ms"],
    [["list", "-w0"], "--watch 0: too short", "the minimum is 100ms"],
    [
      ["list", "--watch=soon"],
      "--watch soon: not a duration",
      "write a number with ms, s, m or h, such as 500ms, 5s or 1h30m; a bare number is seconds",
    ],
    [
      ["run", "--name", "web", "sh"],
      "cgkill run has no option --name",
      "--as NAME names the new cgroup; see cgkill help run",
    ],
    [
      ["list", "--pid", "1"],
      "cgkill list has no option --pid",
      "cgkill show --pid PID shows the cgroup of a process; see cgkill help list",
    ],
    [["list", "--sort=size"], "--sort size: invalid value", "valid values: name, procs, memory, cpu, age"],
    [
      ["signal", "-s", "HUP", "x"],
      "cgkill signal has no option -s, --signal",
      "write cgkill signal HUP CGROUP; see cgkill help signal",
    ],
    [["--log-level=loud", "x"], "--log-level loud: invalid value", "valid values: error, warn, info, debug, trace"],
    [["--log-format=xml", "x"], "--log-format xml: invalid value", "valid values: text, json"],
    [["--color=yes", "x"], "--color yes: invalid value", "valid values: auto, always, never"],
  ])("%j", (argv, message, hint) => {
    expect(usageErrorOf(() => parseArgs(argv))).toEqual({ message, hint });
  });

  test.each([[["show"]], [["freeze"]], [["thaw", "-v"]], [["--json"]], [["-n"]], [["show", "--"]]])(
    "%j has no cgroup: the hint names the ways to give one",
    (argv) => {
      const { message, hint } = usageErrorOf(() => parseArgs(argv));
      expect(message).toBe("no cgroup given");
      for (const way of ["CGROUP", "--pid PID", "--name PATTERN", "standard input"]) expect(hint).toContain(way);
    },
  );

  test("a repeated option: the last value counts, and only that one is checked", () => {
    expect(parseArgs(["-t", "soon", "-t", "1", "x"])).toMatchObject({ timeoutMs: 1000 });
    expect(parseArgs(["-m", "kill", "--method=sweep", "x"])).toMatchObject({ method: "sweep" });
  });
});

describe("an option of another command is refused by name", () => {
  const VALUES: Readonly<Record<string, string>> = {
    PID: "1",
    "PID,...": "1",
    DURATION: "1",
    INTERVAL: "1",
    N: "1",
    NAME: "v1",
    PATTERN: "x",
    CGROUP: "x",
    FILE: "x",
  };
  const wordOf = ({ long, value, choices }: ReturnType<typeof optionTable>[number]): string => {
    if (value === undefined) return `--${long}`;
    return `--${long}=${long === "signal" ? "TERM" : (choices?.[0] ?? VALUES[value])}`;
  };
  const words: Readonly<Record<string, readonly string[]>> = {
    kill: ["kill", "--grace=1", "x"],
    list: ["list"],
    show: ["show", "--grace=1", "x"],
    freeze: ["freeze", "x"],
    thaw: ["thaw", "x"],
    signal: ["signal", "HUP", "x"],
    run: ["run", "x"],
    completion: ["completion", "bash"],
    help: ["help"],
  };

  for (const name of COMMAND_NAMES) {
    test(`${name}: its own options are accepted, all others refused`, () => {
      for (const option of optionTable()) {
        // --null is about names on standard input, --all is about --name.
        const more = option.long === "null" ? ["-"] : option.long === "all" && name !== "list" ? ["--name=x"] : [];
        const given = [...(words[name] as readonly string[]), ...(option.commands.includes(name) ? more : [])];
        // What follows the command to run is its own.
        const argv = name === "run" ? ["run", "--grace=1", wordOf(option), "x"] : [...given, wordOf(option)];
        if (option.commands.includes(name)) {
          expect(() => parseArgs(argv)).not.toThrow();
        } else {
          expect(usageErrorOf(() => parseArgs(argv))).toEqual({
            message: `cgkill ${name} has no option ${option.short ? `-${option.short}, ` : ""}--${option.long}`,
            hint: expect.stringMatching(new RegExp(`(^|; )see cgkill help ${name}$`)),
          });
        }
      }
    });
  }

  // Stated here rather than read from the table under test.
  test.each([
    [["thaw", "--method", "kill", "x"], "-m, --method", "thaw"],
    [["thaw", "--spare", "1", "x"], "--spare", "thaw"],
    [["freeze", "--grace", "1", "x"], "-g, --grace", "freeze"],
    [["freeze", "--remove", "x"], "-r, --remove", "freeze"],
    [["list", "--timeout", "1"], "-t, --timeout", "list"],
    [["list", "--remove"], "-r, --remove", "list"],
    [["--frozen", "x"], "--frozen", "kill"],
    [["--watch", "x"], "-w, --watch", "kill"],
    [["show", "-i", "x"], "-i, --interactive", "show"],
  ])("%j", (argv, option, command) => {
    expect(usageErrorOf(() => parseArgs(argv)).message).toBe(`cgkill ${command} has no option ${option}`);
  });
});

test.each([
  ["lst", "list"],
  ["shwo", "show"],
  ["freez", "freeze"],
  ["thw", "thaw"],
  ["kil", "kill"],
  ["nginx.service", undefined],
  ["", undefined],
] as const)("the first word %j probably meant the command %j", (word, command) => {
  expect(findMeantCommand(word)).toBe(command);
});

describe("the interval of --watch", () => {
  test.each([
    [["list", "-w"], 2000],
    [["list", "-w1"], 1000],
    [["list", "-aw500ms"], 500],
    [["list", "-wa"], 2000],
    [["list", "--watch=2m"], 120_000],
    [["list", "-w1"], 1000],
  ] as const)("%j", (words, watchMs) => {
    expect(parseArgs([...words])).toMatchObject({ watchMs });
  });

  test.each([
    [["list", "-w", "1"], "1"],
    [["list", "--watch", "500ms"], "500ms"],
    [["list", "-w", "2", "/batch"], "2"],
    [["list", "/batch", "-w", "2"], "2"],
  ] as const)("%j: an interval in a word of its own is an error that shows how to attach it", (words, interval) => {
    expect(usageErrorOf(() => parseArgs([...words]))).toEqual({
      message: `--watch ${interval}: the interval must be attached to the option`,
      hint: `write --watch=${interval} or -w${interval}; a cgroup named ${interval} is written /${interval}`,
    });
  });

  test("a cgroup named like an interval can be watched by its path, and listed by its name", () => {
    expect(parseArgs(["list", "-w", "/1"])).toMatchObject({ top: "/1", watchMs: 2000 });
    expect(parseArgs(["list", "1"])).toMatchObject({ top: "1", watchMs: undefined });
    expect(parseArgs(["list", "-w1", "1"])).toMatchObject({ top: "1", watchMs: 1000 });
  });
});

test.each([
  [["--bogus"], { logFormat: "text", color: "auto" }],
  [["--color=never", "--bogus"], { logFormat: "text", color: "never" }],
  [["--color", "always", "--log-format", "json", "--bogus"], { logFormat: "json", color: "always" }],
  [["--color", "--log-format=xml"], { logFormat: "text", color: "auto" }],
] as const)("%j cannot be parsed: its error is written as it asks", (argv, style) => {
  expect(errorStyleOf(argv)).toEqual(style);
});
