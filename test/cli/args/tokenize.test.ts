// Splitting words into options and operands: every usual way to write an option, and the errors.

import { describe, expect, test } from "bun:test";

import { cgkillCommand } from "../../../src/advice.ts";
import { splitWords } from "../../../src/cli/args/tokenize.ts";
import { usageErrorOf } from "../support.ts";

type Given = Readonly<Record<string, readonly string[]>>;

function split(argv: readonly string[]): { given: Given; operands: readonly string[]; mayBeCommand: boolean } {
  const { given, operands, mayBeCommand } = splitWords(argv);
  return { given: Object.fromEntries(given), operands, mayBeCommand };
}

describe("options", () => {
  test.each<[string[], Given, string[]]>([
    [[], {}, []],
    [["--json"], { json: [""] }, []],
    [["-q"], { quiet: [""] }, []],
    [["--timeout", "5"], { timeout: ["5"] }, []],
    [["--timeout=5"], { timeout: ["5"] }, []],
    [["--name=a=b"], { name: ["a=b"] }, []],
    [["-t", "5"], { timeout: ["5"] }, []],
    [["-t5"], { timeout: ["5"] }, []],
    [["-t5s", "x"], { timeout: ["5s"] }, ["x"]],
    // As with getopt, = belongs to the value of a short option.
    [["-t=5"], { timeout: ["=5"] }, []],
    [["-vv"], { verbose: ["", ""] }, []],
    [["-v", "x", "-v"], { verbose: ["", ""] }, ["x"]],
    [["-nrv"], { "dry-run": [""], remove: [""], verbose: [""] }, []],
    [["-rt5"], { remove: [""], timeout: ["5"] }, []],
    [["-rt", "5", "x"], { remove: [""], timeout: ["5"] }, ["x"]],
    // The word after an option with a value is its value, even if it looks like switches.
    [["-tr"], { timeout: ["r"] }, []],
    [["--timeout", "--json"], { timeout: ["--json"] }, []],
    [["--spare-to", "--"], { "spare-to": ["--"] }, []],
    [["--name", "-"], { name: ["-"] }, []],
    [["--spare", "1", "--spare=2", "--spare", "3"], { spare: ["1", "2", "3"] }, []],
    [["-t", "1", "--timeout=2"], { timeout: ["1", "2"] }, []],
    // An optional value is never taken from the next word.
    [["--watch", "5"], { watch: [""] }, ["5"]],
    [["--watch=5"], { watch: ["5"] }, []],
    [["-w", "5"], { watch: [""] }, ["5"]],
    [["-wq"], { watch: [""], quiet: [""] }, []],
    [["-0"], { null: [""] }, []],
  ])("%j", (argv, given, operands) => {
    expect(split(argv)).toMatchObject({ given, operands });
    expect(Object.keys(split(argv).given)).toEqual(Object.keys(given));
  });
});

describe("operands", () => {
  test.each<[string[], string[], boolean]>([
    [["a", "b"], ["a", "b"], true],
    [["-"], ["-"], true],
    [["a", "-", "-"], ["a", "-", "-"], true],
    [[""], [""], true],
    [["--", "a"], ["a"], false],
    [["--"], [], false],
    [["--", "--"], ["--"], false],
    [["--", "--json", "-q", "-"], ["--json", "-q", "-"], false],
    [["a", "--", "-b"], ["a", "-b"], true],
    [["--json", "--", "list"], ["list"], false],
    [["/a/-b"], ["/a/-b"], true],
  ])("%j gives %j; the first may be a command: %j", (argv, operands, mayBeCommand) => {
    expect(split(argv)).toMatchObject({ operands, mayBeCommand });
  });

  test("the given array is not changed", () => {
    const argv = ["--timeout", "5", "--", "x"];
    splitWords(argv);
    expect(argv).toEqual(["--timeout", "5", "--", "x"]);
  });
});

describe("an unknown option", () => {
  test.each([
    ["--tiemout", "--tiemout", "did you mean --timeout?"],
    ["--timout=5", "--timout", "did you mean --timeout?"],
    ["--jsn", "--jsn", "did you mean --json?"],
    ["--kill", "--kill", "kill is a command; see cgkill help kill"],
    ["--thaw", "--thaw", "thaw is a command; see cgkill help thaw"],
    // Options that make a kill reach further are suggested only if one letter is wrong.
    ["--remvoe", "--remvoe", "did you mean --remove?"],
    ["--removal", "--removal", "see cgkill --help"],
    ["--allow-ancestr", "--allow-ancestr", "see cgkill --help"],
    ["--JSON", "--JSON", "see cgkill --help"],
    ["--dryrun", "--dryrun", "did you mean --dry-run?"],
    ["--dry_run", "--dry_run", "did you mean --dry-run?"],
    ["--force", "--force", "see cgkill --help"],
    ["--no-json", "--no-json", "see cgkill --help"],
    ["--=5", "--", "see cgkill --help"],
    ["---json", "---json", "did you mean --json?"],
    ["-x", "-x", "see cgkill --help"],
    ["-9", "-9", "see cgkill --help"],
    ["-vx", "-x", "see cgkill --help"],
    ["-KILL", "-KILL", "see cgkill --help"],
    // As programs written in Go have them.
    ["-json", "-j", "did you mean --json?"],
    ["-version", "-e", "did you mean --version?"],
    ["-pid=4711", "-p", "did you mean --pid?"],
    // As getopt_long allows; --remove would make a kill reach further.
    ["--time", "--time", "did you mean --timeout?"],
    ["--hier=v2", "--hier", "did you mean --hierarchy?"],
    ["--rem", "--rem", "see cgkill --help"],
    // As ps, kill and nsenter name a process.
    ["-p", "-p", "did you mean --pid?"],
    // Properties of every object.
    ["--constructor", "--constructor", "see cgkill --help"],
    ["--__proto__", "--__proto__", "see cgkill --help"],
  ])("%s", (word, name, hint) => {
    expect(usageErrorOf(() => splitWords([word, "x"]))).toEqual({ message: `cgkill has no option ${name}`, hint });
  });

  test.each([
    [["show", "-dash"], "cgkill show has no option -d", "see cgkill help show"],
    [["list", "--bogus"], "cgkill list has no option --bogus", "see cgkill help list"],
    [["freeze", "a", "-9"], "cgkill freeze has no option -9", "see cgkill --help"],
    [["a", "show", "-d"], "cgkill has no option -d", "see cgkill --help"],
    [["list", "--names"], "cgkill list has no option --names", "see cgkill help list"],
    [["list", "-json"], "cgkill list has no option -j", "did you mean --json?"],
    [["ps", "-ef"], "cgkill has no option -e", "did you mean the command list? see cgkill help list"],
    [["-d", "show"], "cgkill has no option -d", "see cgkill --help"],
    // Options of other programs, if the command has what they mean.
    [["--no-color", "list"], "cgkill has no option --no-color", "write --color never; see cgkill --help"],
    [["list", "-ojson"], "cgkill list has no option -o", "write --json for JSON; see cgkill help list"],
    [["run", "-o", "json"], "cgkill run has no option -o", "see cgkill help run"],
    [["list", "-l"], "cgkill list has no option -l", "cgkill list --procs shows each process; see cgkill help list"],
    [["--cgroup", "web"], "cgkill has no option --cgroup", "write the cgroup without an option; see cgkill --help"],
    [
      ["thaw", "-R", "web"],
      "cgkill thaw has no option -R",
      "the cgroups below a CGROUP are always included: leave this option out; see cgkill help thaw",
    ],
  ])("%j: the command that it follows is named", (argv, message, hint) => {
    expect(usageErrorOf(() => splitWords(argv))).toEqual({ message, hint });
  });
});

// Regression: it was the name of a cgroup that does not exist, and the others died without the dry run.
describe("an option whose hyphens an editor has made a dash", () => {
  const RULE = "an option begins with a plain hyphen; write -- before a name that begins with a dash";

  test.each([
    [["\u2013n", "web"], "cgkill has no option \u2013n", `did you mean --dry-run? ${RULE}`],
    [["web", "\u2014dry-run"], "cgkill has no option \u2014dry-run", `did you mean --dry-run? ${RULE}`],
    [["kill", "web", "\u2212\u2212keep"], "cgkill kill has no option \u2212\u2212keep", `did you mean --keep? ${RULE}`],
    [["\uff0d-grace=5s", "web"], "cgkill has no option \uff0d-grace=5s", `did you mean --grace? ${RULE}`],
    [["run", "\u2013limit", "5s", "sh"], "cgkill run has no option \u2013limit", `did you mean --limit? ${RULE}`],
    [["\u2013", "web"], "cgkill has no option \u2013", RULE],
    [["\u2013web"], "cgkill has no option \u2013web", RULE],
  ])("%j", (argv, message, hint) => {
    expect(usageErrorOf(() => splitWords(argv))).toEqual({ message, hint });
  });

  test.each([[["--", "\u2013n"]], [["/\u2013n"]], [["a\u2013n"]], [["run", "sh", "\u2013n"]]])("%j is none", (argv) => {
    expect(split(argv)).toMatchObject({ given: {}, operands: argv.filter((word) => word !== "--") });
  });

  test("a suggested call with such a name is valid", () => {
    const [, ...argv] = cgkillCommand(["show"], "\u2013n");
    expect(split(argv)).toMatchObject({ operands: ["show", "\u2013n"] });
  });
});

test.each([
  ["--timeout", "--timeout needs a value", "write --timeout DURATION"],
  ["-t", "-t needs a value", "write --timeout DURATION"],
  ["-rt", "-t needs a value", "write --timeout DURATION"],
  ["--spare", "--spare needs a value", "write --spare PID,..."],
  ["--json=yes", "--json takes no value", "write --json alone"],
  ["--json=", "--json takes no value", "write --json alone"],
])("%s: %s", (word, message, hint) => {
  expect(usageErrorOf(() => splitWords([word]))).toEqual({ message, hint });
});
