// The checklist of a release. Each step does its work and is ticked off only if that succeeded. No step begins before
// all earlier ones are ticked off for exactly the commit that is checked out, without local changes.
//
//   bun scripts/release/checklist.ts                 what is done, and what is next
//   bun scripts/release/checklist.ts STEP [--sign=KEY]
//
// dist/checklist.json records what is ticked off. The last step only prints the commands that publish.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { $ } from "bun";

import lock from "../../package-lock.json";
import packageJson from "../../package.json";
import { readChanges, readFacts } from "./facts.ts";
import { dateOf } from "./texts.ts";

export interface Step {
  readonly name: string;
  readonly what: string;
  /** @throws Error  the step is not done, and why */
  readonly work: (options: readonly string[]) => Promise<void>;
}

interface State {
  readonly commit: string;
  /** By step: when it was done. */
  readonly done: Readonly<Record<string, string>>;
}

export interface CheckList {
  readonly render: () => string;
  /** @throws Error  the step does not exist or failed, an earlier one was left out, or the tree has changes */
  readonly run: (name: string, options: readonly string[]) => Promise<void>;
}

/**
 * Make a checklist that records in a file what is done.
 *
 * @param commit  with `+dirty` if the working tree differs from it: then no step is allowed
 */
export function createCheckList(steps: readonly Step[], file: string, commit: string): CheckList {
  const save = (done: State["done"]): void =>
    writeFileSync(file, `${JSON.stringify({ commit, done } satisfies State, undefined, 2)}\n`);
  /** The steps that are done for this commit. */
  const readDone = (): State["done"] => {
    if (!existsSync(file)) return {};
    const state = JSON.parse(readFileSync(file, "utf8")) as State;
    return state.commit === commit ? state.done : {};
  };
  return {
    render() {
      const done = readDone();
      const next = steps.find(({ name }) => done[name] === undefined)?.name;
      const lines = steps.map(({ name, what }) => {
        const mark = done[name] !== undefined ? "x" : name === next ? ">" : " ";
        return `[${mark}] ${name.padEnd(8)} ${what}${done[name] === undefined ? "" : ` (${done[name]})`}`;
      });
      return `${commit}\n${lines.join("\n")}\n`;
    },
    async run(name, options) {
      const at = steps.findIndex((step) => step.name === name);
      const step = steps[at];
      if (step === undefined) throw new Error(`there is no step ${name}: ${steps.map((each) => each.name).join(", ")}`);
      if (commit.endsWith("+dirty")) throw new Error("the working tree differs from its commit");
      const done = readDone();
      const earlier = steps.slice(0, at);
      const leftOut = earlier.find((each) => done[each.name] === undefined);
      if (leftOut !== undefined) throw new Error(`${leftOut.name} was left out: it must be done for this commit first`);
      // While a step is repeated, neither it nor any later one counts as done.
      const before = Object.fromEntries(earlier.map((each) => [each.name, done[each.name] as string]));
      save(before);
      await step.work(options);
      save({ ...before, [name]: new Date().toISOString().slice(0, 16) });
    },
  };
}

const root = `${import.meta.dir}/../..`;
const { version } = packageJson;
const tag = `v${version}`;

async function must(argv: readonly string[]): Promise<void> {
  const child = Bun.spawn([...argv], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if ((await child.exited) !== 0) throw new Error(`failed: ${argv.join(" ")}`);
}

const mustBe = (isSo: boolean, otherwise: string): void => {
  if (!isSo) throw new Error(otherwise);
};

const STEPS: readonly Step[] = [
  {
    name: "version",
    what: "package.json, lock file, CHANGES and README name this version, and no tag has it",
    work: async () => {
      mustBe(lock.version === version, `package-lock.json has ${lock.version}, not ${version}`);
      const { date } = readChanges()[0] as { readonly date: string };
      const { epoch } = await readFacts();
      mustBe(date === dateOf(epoch), `CHANGES.md dates ${version} ${date}; the commit is of ${dateOf(epoch)}`);
      mustBe(readFileSync(`${root}/README.md`, "utf8").includes(version), `README.md does not name ${version}`);
      const tagged = await $`git tag --list ${tag}`.cwd(root).text();
      mustBe(tagged === "", `the tag ${tag} exists already`);
    },
  },
  { name: "gate", what: "npm test", work: async () => await must(["npm", "test"]) },
  {
    name: "check",
    what: "the release is made twice, signed and checked: scripts/release/check/check-release.ts --sign=KEY",
    work: async (options) => {
      mustBe(
        options.some((word) => word.startsWith("--sign=")),
        "a release is signed: --sign=KEY",
      );
      const script = "scripts/release/check/check-release.ts";
      await must([process.execPath, script, ...options, `--keep=${root}/dist/release`]);
    },
  },
  {
    name: "hosts",
    what: "scripts/hosts/matrix.sh all",
    work: async () => await must(["scripts/hosts/matrix.sh", "all"]),
  },
  {
    name: "tag",
    what: `git tag --sign ${tag}`,
    work: async () => await must(["git", "tag", "--sign", "--message", tag, tag]),
  },
  {
    name: "publish",
    what: "the files are still those that were checked; prints the commands that publish them",
    work: async () => {
      await must([
        "sh",
        "-c",
        "cd dist/release && sha256sum --check --strict --quiet SHA256SUMS && test -f SHA256SUMS.sig",
      ]);
      console.log(`git push origin ${tag}`);
      console.log(
        `npm publish --access=public dist/release/cgkill-linux-*-${version}.tgz, each, then dist/release/cgkill-${version}.tgz`,
      );
      console.log("copy dist/release to where install.sh looks for it");
    },
  },
];

if (import.meta.main) {
  mkdirSync(`${root}/dist`, { recursive: true });
  const list = createCheckList(STEPS, `${root}/dist/checklist.json`, (await readFacts()).commit);
  const [name, ...options] = process.argv.slice(2);
  try {
    if (name !== undefined) await list.run(name, options);
    process.stdout.write(list.render());
  } catch (error) {
    console.error(`checklist: ${error instanceof Error ? error.message : error}`);
    process.exit(1);
  }
}
