// `cgkill __complete -- WORD...`: what the scripts of `cgkill completion` ask when Tab is pressed. The words are those of
// the line after `cgkill` up to the cursor, without their quotes; the last one is being typed. Prints one candidate per
// line, a tab and a description after it where there is one. It changes nothing, and prints nothing on any trouble.

import { findHierarchies, hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { choose } from "../../cgroup/open/open.ts";
import { PROC, type Sys } from "../../sys/sys.ts";
import { SHELLS } from "../args/choices.ts";
import { COMMANDS, RESERVED_WORDS } from "../args/commands.ts";
import { type CliContext, paceOf } from "../cli-context.ts";
import { cgroupCandidates, isShown } from "./cgroup-candidates.ts";
import { nameCandidates } from "./pattern-candidates.ts";
import { type Asked, type Candidate, optionsOf, readLine } from "./unfinished-line.ts";

/** Reading ends there: with the start of the program it is 200 ms. */
const BUDGET_MS = 160;

/** @returns the exit status, which is always 0 */
export async function runComplete(words: readonly string[], cli: CliContext): Promise<number> {
  const { sys, io, abort } = cli;
  try {
    const until = sys.now() + BUDGET_MS;
    if (words[0] !== "--" || words.length < 2) return 0;
    const asked = readLine(words.slice(1));
    const lines = new Map<string, string>();
    for (const { text, help } of await candidates(asked, cli, until)) {
      const whole = `${asked.before}${text}`;
      if (!text.startsWith(asked.word) || !isShown(whole) || lines.has(whole)) continue;
      lines.set(whole, help === undefined ? `${whole}\n` : `${whole}\t${help}\n`);
    }
    if (!abort.aborted) io.writeOut([...lines.values()].join(""));
  } catch {
    // A message would be drawn into the line that is being typed.
  }
  return 0;
}

const plain = (texts: readonly string[]): Candidate[] => texts.map((text) => ({ text }));

async function candidates(asked: Asked, cli: CliContext, until: number): Promise<Candidate[]> {
  const { sys } = cli;
  const { word, option, command, isOperand } = asked;
  const cgroups = (): Candidate[] => {
    const hierarchies = findHierarchies(sys);
    return plain(cgroupCandidates(sys, hierarchies, choose(hierarchies, asked.hierarchy), word, until));
  };
  if (option !== undefined) {
    if (option.choices !== undefined) return plain(option.choices);
    switch (option.long) {
      case "spare-to":
        return cgroups();
      case "name":
        return plain(await nameCandidates(sys, asked, { ...paceOf(cli), until }));
      case "hierarchy":
        return plain(hierarchyNames(sys));
      case "pid":
      case "spare":
        return plain(pids(sys));
      default:
        return [];
    }
  }
  if (!isOperand && word.startsWith("-")) return optionsOf(command ?? "kill");
  if (command === "completion") return plain(SHELLS);
  const words = COMMANDS.filter(({ name }) => RESERVED_WORDS.includes(name)).map(({ name, help }) => ({
    text: name as string,
    help,
  }));
  if (command === "help") return words;
  return [...(isOperand || command !== undefined ? [] : words), ...cgroups()];
}

function hierarchyNames(sys: Sys): string[] {
  const hierarchies = findHierarchies(sys);
  const controllers = hierarchies.flatMap((each) => [each.controllers, ...each.controllers.split(",")]);
  return ["v1", "v2", ...hierarchies.map(hierarchyName), ...controllers].filter(Boolean);
}

const pids = (sys: Sys): string[] =>
  sys
    .readSubdirs(PROC)
    .map(({ name }) => name)
    .filter((name) => /^\d+$/.test(name));
