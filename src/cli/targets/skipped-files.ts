// Operands that are files of a cgroup, as in `cgkill /sys/fs/cgroup/g/*`: skipped with one note, whatever their number.

import type { TargetCommand } from "../args/command.ts";
import { UsageError } from "../args/usage-error.ts";
import type { Edge } from "../cli-context.ts";
import { plural } from "../output/outcome-text.ts";
import { folded } from "../output/wrap.ts";
import { sanitize } from "../text/sanitize.ts";
import { type Entry, isFile } from "./resolve.ts";

/** @throws UsageError  nothing is left */
export function withoutFiles(
  entries: readonly Entry[],
  { output }: Pick<TargetCommand, "output">,
  { io }: Pick<Edge, "io">,
): readonly Entry[] {
  const files = entries.filter(isFile);
  const [first] = files;
  if (first === undefined || first === "stdin") return entries;
  const left = entries.filter((entry) => !isFile(entry));
  const count = files.length === 1 ? `${first.name}: is` : `${first.name} and ${files.length - 1} more: are`;
  if (left.length === 0) {
    const what = files.length === 1 ? "a file" : "files";
    throw new UsageError(`${count} ${what} of a cgroup, not a cgroup`, "name the directory: cgkill DIRECTORY");
  }
  const isTold = !output.quiet && output.level !== "error";
  const note = `cgkill: note: skipped ${plural(files.length, "file")} of a cgroup, such as ${sanitize(first.name)}\n`;
  if (isTold) io.writeErr(folded(note, "err", io));
  return left;
}
