// Finds the program of supervisord that a process belonged to. supervisord passes the name of the program only in the
// environment, which is not read because that may hang. So this searches its configuration for the one program whose
// command has the name of the process.

import { dirAt, ROOT } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { MAX_COMM } from "../sys/proc.ts";
import type { Sys } from "../sys/sys.ts";
import { isTrustedPath } from "./trusted-path.ts";

type Section = ReadonlyMap<string, string>;

/**
 * Find the only program whose command starts a process of this name.
 *
 * @param config   a trusted path
 * @param started  the name of the process
 * @returns its name as `supervisorctl stop` takes it; `null` if no program or several match, or the name is not safe
 */
export function findProgram(sys: Sys, config: string, started: string): string | null {
  const sections = parse(sys.readFile(ROOT, config));
  for (const file of filesIncluded(sys, config, sections.get("include")?.get("files") ?? "")) {
    for (const [name, section] of parse(sys.readFile(ROOT, file))) sections.set(name, section);
  }
  const programs = [...sections].filter(([name]) => name.startsWith("program:"));
  const matching = programs.filter(([, section]) => commOf(section.get("command") ?? "") === started);
  const [found] = matching;
  if (found === undefined || matching.length > 1) return null;
  const name = found[0].slice("program:".length);
  const group = groupOf(sections, name);
  const hasSeveral = Number(found[1].get("numprocs") ?? 1) > 1;
  if (!isPlainName(name) || (group !== undefined && !isPlainName(group))) return null;
  if (group === undefined) return hasSeveral ? `${name}:*` : name;
  // `GROUP:*` would stop the other programs of the group too.
  return hasSeveral ? null : `${group}:${name}`;
}

/** Whether a name is safe as an argument; such a name never begins with `-`. */
export const isPlainName = (name: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._@+-]*$/.test(name);

/** Parse `[NAME]` and `key = value`, without `;` and `#` comments, and without the further lines of a value. */
function parse(text: string): Map<string, Section> {
  const sections = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name] = /^\[([^\]]+)\]/.exec(line) ?? [];
    if (name !== undefined) sections.set(name, (section = new Map()));
    const [, key, value] = /^([A-Za-z_]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) section.set(key, value.replace(/\s;.*$/, "").trim());
  }
  return sections;
}

/** The name of the process that a command starts, unless it executes another program. */
function commOf(command: string): string {
  const [, quoted, plain = ""] = /^(?:"([^"]*)"|(\S+))/.exec(command) ?? [];
  const program = quoted ?? plain;
  return program.slice(program.lastIndexOf("/") + 1).slice(0, MAX_COMM);
}

function groupOf(sections: ReadonlyMap<string, Section>, program: string): string | undefined {
  for (const [name, section] of sections) {
    const members = (section.get("programs") ?? "").split(",").map((each) => each.trim());
    if (name.startsWith("group:") && members.includes(program)) return name.slice("group:".length);
  }
  return undefined;
}

/** Trusted files that the patterns match: one `*` in the last component; relative to the configuration's directory. */
function filesIncluded(sys: Sys, config: string, patterns: string): string[] {
  const base = config.slice(0, config.lastIndexOf("/"));
  return patterns.split(/\s+/).flatMap((pattern) => {
    const path = pattern.startsWith("/") ? pattern : `${base}/${pattern}`;
    const dir = path.slice(0, path.lastIndexOf("/"));
    if (pattern === "" || !isTrustedPath(sys, dir, "directory")) return [];
    const names = readOr([], () => sys.readNames(dirAt(dir))).toSorted();
    const glob = path.slice(dir.length + 1);
    const [before = "", after] = glob.split("*", 2);
    const isMatch = (name: string): boolean =>
      after === undefined ? name === glob : name.startsWith(before) && name.endsWith(after);
    const files = names.filter(isMatch).map((name) => `${dir}/${name}`);
    return files.filter((file) => isTrustedPath(sys, file, "file"));
  });
}
