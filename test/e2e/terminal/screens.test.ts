// Every screen as text, in a real terminal: at three widths, with and without colour, with and without UTF-8. No line
// that can be wrapped is wider than the terminal, and no character appears that the terminal cannot show.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { renderMan } from "../../../scripts/release/man/man.ts";
import { widthOf } from "../../../src/cli/text/table.ts";
import { canStage, makeCgroup, mountPoint, nameRoom, startSleeper } from "../../support/real-cgroup.ts";
import { inTerminal } from "../../support/terminal.ts";
import { startTraced } from "../../support/traced.ts";

/** Shell commands in which `cgkill` is the binary, with a text that the screen must show at every width. */
const SCREENS: ReadonlyArray<readonly [name: string, command: string, shows: string]> = [
  ["list", "cgkill list $DIR", "(docker abababababab)"],
  ["list, flat", "cgkill list --flat --sort procs $DIR", "(docker abababababab)"],
  ["list, empty ones too", "cgkill list --all --depth 2 $DIR", "empty"],
  ["list, frozen", "cgkill freeze -q $DIR/cold; cgkill list --frozen $DIR; cgkill thaw -q $DIR/cold", "frozen"],
  ["list of nothing", "cgkill list --frozen $DIR", "no cgroup is frozen"],
  ["show", "cgkill show $DIR/docker/$ID", "to stop it: docker stop abababababab"],
  ["show, of many", "cgkill show $DIR", "would be killed"],
  ["show, empty", "cgkill show $DIR/empty", "nothing to kill"],
  ["show, refused", "cgkill show $MOUNT", "is the root"],
  ["kill", "sleep 60 & echo $! > $DIR/mortal/cgroup.procs; cgkill $DIR/mortal", "killed"],
  ["kill of an empty one", "cgkill $DIR/empty", "already empty"],
  [
    "kill of what is started again",
    "sleep 60 & echo $! > $DIR/docker/$ID2/cgroup.procs; cgkill $DIR/docker/$ID2",
    "may start it again",
  ],
  ["survivors", "cgkill -t 0 $DIR/held", "1 process survives"],
  ["refused: ancestors", "(echo 0 > $DIR/own/cgroup.procs; cgkill $DIR/own; :)", "--allow-ancestors"],
  ["refused: the root", "cgkill /", "is the root"],
  ["refused: no cgroup", "cgkill /tmp", "not on a cgroup file system"],
  ["freeze and thaw", "cgkill freeze $DIR/cold; cgkill thaw $DIR/cold", "thawed"],
  [
    "thaw below a frozen one",
    "cgkill freeze $DIR/cold; cgkill thaw $DIR/cold/below; cgkill thaw $DIR/cold",
    "is frozen",
  ],
  ["not found", "cgkill $DIR/systm.slice", "did you mean"],
  ["several", 'cgkill --name "a*b*c$TAG" --hierarchy v2', "3 cgroups match"],
  ["no cgroup of that name", "cgkill --name nobody-has-this-name", "its tool lists"],
  ["no such option", "cgkill --metod kill x", "--method?"],
  ["no such value", "cgkill --method swep x", "auto, kill, freezer, sweep"],
  ["no cgroup named", "cgkill show", "see cgkill help show"],
  ["dumb terminal", "TERM=dumb cgkill", "TERM is dumb"],
];

const SETTINGS = [60, 80, 200].flatMap((columns) =>
  ["C.UTF-8", "C"].flatMap((locale) => [true, false].map((isColoured) => ({ columns, locale, isColoured }))),
);
const ESCAPES = /\u001b\[[0-9;]*m/g;
/** A line that says what a longer operation is doing is erased before the next text: on a slow machine each is one. */
const ERASED = /[^\n]*\r\u001b\[2K/g;
const MARK = "-- end of a screen --";

/** Whether a line is a path or a command to paste, which only the terminal wraps, so that it can be copied whole. */
const isOnePiece = (line: string): boolean => /^ *\S+$|^ {4}(cgkill|docker) /.test(line);

if (nameRoom > 0) console.warn("left out: screens (names are longer here than they are wide)");

describe.if(canStage("v2") && nameRoom === 0)("screens", () => {
  test("at every width, with and without colour, in two locales", async () => {
    await using cgroup = makeCgroup("v2");
    const { dir } = cgroup;
    const id = "ab".repeat(32);
    const other = "cd".repeat(32);
    const long = "long".repeat(30);
    for (const name of [
      "docker",
      `docker/${id}`,
      `docker/${other}`,
      "system.slice",
      "system.slice/web.service",
      "Übung 日本語の名前",
      ...["a1b", "a2b", "a3b"].map((start) => `${start}${long}c${process.pid}`),
      ...["empty", "mortal", "own", "held", "cold", "cold/below"],
    ]) {
      mkdirSync(`${dir}/${name}`);
    }
    await using stack = new AsyncDisposableStack();
    for (const name of [
      `docker/${id}`,
      `docker/${other}`,
      "system.slice/web.service",
      "Übung 日本語の名前",
      `a1b${long}c${process.pid}`,
      "cold/below",
    ]) {
      stack.use(await startSleeper(`${dir}/${name}`));
    }
    stack.use(await startTraced(`${dir}/held`));

    for (const { columns, locale, isColoured } of SETTINGS) {
      const script = [
        `cgkill() { "$BINARY" "$@"; }; BINARY=$1 TAG=${process.pid} DIR=${dir} ID=${id} ID2=${other} MOUNT=${mountPoint("v2")}`,
        ...SCREENS.map(([, command]) => `${command}; echo '${MARK}'`),
      ].join("\n");
      const env: Record<string, string> = { LANG: locale, ...(isColoured ? {} : { NO_COLOR: "1" }) };
      await using terminal = inTerminal([], { columns, env, under: ["sh", "-c", script, "sh"] });
      await terminal.ended();
      const screens = terminal.raw().replaceAll("\r\n", "\n").replace(ERASED, "").split(`${MARK}\n`);
      expect(screens).toHaveLength(SCREENS.length + 1);
      for (const [index, [name, , shows]] of SCREENS.entries()) {
        const at = { name, columns, locale, isColoured };
        const raw = screens[index] as string;
        const text = raw.replace(ESCAPES, "");
        // Undo the wrapping between words.
        expect({ ...at, shows: text.replace(/\s+/g, " ").includes(shows) ? shows : text }).toEqual({ ...at, shows });
        const wide = text.split("\n").filter((line) => widthOf(line) > columns && !isOnePiece(line));
        expect({ ...at, wide }).toEqual({ ...at, wide: [] });
        if (locale === "C") expect({ ...at, text }).toEqual({ ...at, text: text.replace(/[^\n -~]/g, "<not ASCII>") });
        if (!isColoured) expect({ ...at, raw }).toEqual({ ...at, raw: raw.replaceAll("\u001b", "<escape>") });
      }
      const coloured = screens.filter((screen) => screen.includes("\u001b[")).length;
      if (isColoured) expect(coloured).toBeGreaterThan(SCREENS.length / 2);
    }
  });

  test("names that another locale cannot show keep their columns, and JSON keeps their characters", async () => {
    await using cgroup = makeCgroup("v2");
    const name = "Übung 日本語";
    mkdirSync(`${cgroup.dir}/${name}`);
    await using _ = await startSleeper(`${cgroup.dir}/${name}`);
    await using list = inTerminal(["list", cgroup.dir], { env: { LANG: "C" } });
    await list.ended();
    expect(list.text()).toContain("`- ?bung ??????\r\n");
    await using json = inTerminal(["list", "--json", `${cgroup.dir}/${name}`], { env: { LANG: "C" } });
    await json.ended();
    expect(JSON.parse(json.text())).toMatchObject({ cgroup: `${cgroup.path}/${name}` });
  });
});

test.if(Bun.which("man") !== null)("the man page: no warning of groff's, and no line wider than 80", async () => {
  const dir = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  try {
    writeFileSync(`${dir}/cgkill.1`, renderMan("1.2.3"));
    const { stdout, stderr, exitCode } = Bun.spawnSync(["man", "-l", "--warnings", `${dir}/cgkill.1`], {
      env: { PATH: process.env["PATH"] ?? "", MANWIDTH: "80", LANG: "C.UTF-8", PAGER: "cat" },
    });
    expect(stderr.toString()).toBe("");
    expect(stdout.toString()).toContain("CGKILL(1)");
    for (const line of stdout.toString().split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(80);
    expect(exitCode).toBe(0);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
