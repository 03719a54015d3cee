// `cgkill __complete -- WORD...`: called by the completion scripts when Tab is pressed. The words are the unquoted words
// after `cgkill` up to the cursor; the last one is being typed. Prints one candidate per line, followed by a tab and a
// description if it has one. Changes nothing, and prints nothing on an error.

import { findHierarchies, hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { selectHierarchies } from "../../cgroup/open/open.ts";
import { findNamed, type NamedCgroup } from "../../inspect/find.ts";
import { PROC } from "../../sys/dir.ts";
import { SIGNALS } from "../../sys/signal-names.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import { SHELLS } from "../args/command.ts";
import { COMMANDS } from "../args/commands.ts";
import { type CliContext, paceOf } from "../cli-context.ts";
import { cgroupCandidates, filterUntil, isDisplayable } from "./cgroup-candidates.ts";
import { type Asked, type Candidate, optionsOf, parseLine } from "./unfinished-line.ts";

/** Reading stops after this time, without candidates. With the start of the program, Tab takes at most 200 ms. */
const BUDGET_MS = 160;

export async function runComplete(words: readonly string[], cli: CliContext): Promise<void> {
  const { sys, io, abort } = cli;
  try {
    const until = sys.now() + BUDGET_MS;
    if (words[0] !== "--" || words.length < 2) return;
    const asked = parseLine(words.slice(1));
    const { before, word } = asked;
    const isWanted = ({ text }: Candidate): boolean => text.startsWith(word) && isDisplayable(`${before}${text}`);
    const lines = new Map<string, string>();
    for (const { text, help } of filterUntil(await candidates(asked, cli, until), isWanted, sys, until)) {
      if (!lines.has(text)) lines.set(text, `${before}${text}${help === undefined ? "" : `\t${help}`}\n`);
    }
    if (!abort.aborted) io.writeOut([...lines.values()].join(""));
  } catch {
    // A message would be printed into the line that is being typed.
  }
}

const toCandidates = (texts: readonly string[]): Candidate[] => texts.map((text) => ({ text }));

async function candidates(asked: Asked, cli: CliContext, until: number): Promise<Candidate[]> {
  const { sys } = cli;
  const { word, option, command, isOperand } = asked;
  const cgroups = (): Candidate[] => {
    const hierarchies = findHierarchies(sys);
    const chosen = selectHierarchies(hierarchies, asked.hierarchy);
    return toCandidates(cgroupCandidates(sys, hierarchies, chosen, word, until));
  };
  if (option !== undefined) {
    if (option.choices !== undefined) return toCandidates(option.choices);
    switch (option.long) {
      case "spare-to":
      case "in":
        return cgroups();
      case "name":
        return toCandidates(await nameCandidates(asked, cli, until));
      case "hierarchy":
        return toCandidates(hierarchyNames(sys));
      case "pid":
      case "spare":
        return toCandidates(sys.readSubdirs(PROC, until).map(({ name }) => name)).filter(({ text }) =>
          /^\d+$/.test(text),
        );
      default:
        return [];
    }
  }
  if (!isOperand && word.startsWith("-")) return optionsOf(command ?? "kill");
  if (command === "completion") return toCandidates(SHELLS);
  if (command === "run") return [];
  // SIGKILL is refused there.
  if (asked.isSignal) return toCandidates(Object.keys(SIGNALS).filter((name) => name !== "KILL"));
  const words: Candidate[] = Object.entries(COMMANDS).map(([text, [help]]) => ({ text, help }));
  if (command === "help") return words;
  return [...(isOperand || command !== undefined ? [] : words), ...cgroups()];
}

const toPattern = (name: string): string => name.replaceAll(/[*?[{\\]/g, "\\$&");

/** The last components of paths, and the names and ids of units, containers, pods and jobs, as patterns for `--name`. */
async function nameCandidates({ word, hierarchy: only }: Asked, cli: CliContext, until: Millis): Promise<string[]> {
  const patternsOf = ({ last, aliases, isNameless }: NamedCgroup): string[] =>
    (isNameless ? aliases : [last, ...aliases]).map(toPattern).filter((pattern) => pattern.startsWith(word));
  const isMatch = (named: NamedCgroup): boolean => patternsOf(named).length > 0;
  const { sys } = cli;
  const { found } = await findNamed({ ...paceOf(cli), until, sys, hierarchies: findHierarchies(sys), only }, isMatch);
  // An incomplete list would be completed to a prefix that only its members share.
  return sys.now() > until ? [] : found.flatMap(patternsOf).sort();
}

function hierarchyNames(sys: Sys): string[] {
  const hierarchies = findHierarchies(sys);
  const controllers = hierarchies.flatMap((each) => [each.controllers, ...each.controllers.split(",")]);
  return ["v1", "v2", ...hierarchies.map(hierarchyName), ...controllers].filter(Boolean);
}
