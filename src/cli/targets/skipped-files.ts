// Operands that are files of a cgroup, as in `cgkill /sys/fs/cgroup/g/*`: skipped with one note, whatever their number.

import { shortSignalName } from "../../kill/signal-names.ts";
import type { TargetCommand } from "../args/command.ts";
import { sameCall } from "../args/to-words.ts";
import { UsageError } from "../args/usage-error.ts";
import type { CliContext } from "../cli-context.ts";
import { plural } from "../output/outcome-text.ts";
import { wrapped } from "../output/wrap.ts";
import { sanitize } from "../text/sanitize.ts";
import { type Entry, isFile } from "./resolve.ts";

/** @throws UsageError  nothing is left */
export function withoutFiles(
  entries: readonly Entry[],
  command: TargetCommand,
  { io }: Pick<CliContext, "io">,
): readonly Entry[] {
  const { output } = command;
  const files = entries.filter((entry) => entry !== "stdin").filter(isFile);
  const [first] = files;
  if (first === undefined) return entries;
  const left = entries.filter((entry) => !isFile(entry));
  if (left.length === 0) {
    const names = files.map(({ name }) => name);
    throw nothingButFiles(first.name, names, command);
  }
  const isTold = !output.quiet && output.level !== "error";
  const note = `cgkill: note: skipped ${plural(files.length, "file")} of a cgroup, such as ${sanitize(first.name)}\n`;
  if (isTold) io.writeErr(wrapped(note, "err", io));
  return left;
}

function nothingButFiles(first: string, names: readonly string[], command: TargetCommand): UsageError {
  const what = names.length === 1 ? `${first}: is a file` : `${first} and ${names.length - 1} more: are files`;
  const directories = new Set(names.map((name) => name.slice(0, Math.max(0, name.lastIndexOf("/")))));
  directories.delete("");
  const targets = [...directories].map((name) => ({ kind: "name" as const, name }));
  // A kill of something else than was typed is to be looked at first.
  const kind = command.kind === "kill" && !command.interactive ? "show" : command.kind;
  const words = kind === "signal" ? [shortSignalName(command.sentSignal)] : [];
  return new UsageError(
    `${what} of a cgroup, not a cgroup`,
    directories.size === 1 ? "name the directory" : "name the directories",
    sameCall(kind, words, { ...command, targets }),
  );
}
