// Skips operands that are cgroup interface files, as in `cgkill /sys/fs/cgroup/g/*`, with one note for all of them.

import { shortSignalName } from "../../sys/signal-names.ts";
import type { TargetCommand } from "../args/command.ts";
import { sameCall } from "../args/to-words.ts";
import { UsageError } from "../args/usage-error.ts";
import type { CliContext } from "../cli-context.ts";
import { eventSink } from "../output/log.ts";
import { plural } from "../text/units.ts";
import { type Entry, isFile } from "./resolve.ts";

/** @throws UsageError  no other operand is left */
export function withoutFiles(
  entries: readonly Entry[],
  command: TargetCommand,
  { sys, io }: Pick<CliContext, "sys" | "io">,
): readonly Entry[] {
  const files = entries.filter((entry) => entry !== "stdin").filter(isFile);
  const [first] = files;
  if (first === undefined) return entries;
  const left = entries.filter((entry) => !isFile(entry));
  if (left.length === 0) {
    const names = files.map(({ name }) => name);
    throw onlyFilesError(first.name, names, command);
  }
  const message = `skipped ${plural(files.length, "cgroup interface file")}, such as ${first.name}`;
  eventSink(io, command.output, sys)({ level: "info", message, fields: {} });
  return left;
}

function onlyFilesError(first: string, names: readonly string[], command: TargetCommand): UsageError {
  const what =
    names.length === 1
      ? `${first} is a cgroup interface file, not a cgroup`
      : `${first} and ${names.length - 1} more: cgroup interface files, not cgroups`;
  const directories = new Set(names.map((name) => name.slice(0, Math.max(0, name.lastIndexOf("/")))));
  directories.delete("");
  const targets = [...directories].map((name) => ({ kind: "name" as const, name }));
  // Suggest a preview: the directory was not what was typed.
  const kind = command.kind === "kill" && !command.interactive ? "show" : command.kind;
  const words = kind === "signal" ? [shortSignalName(command.sentSignal)] : [];
  return new UsageError(
    what,
    directories.size === 1 ? "name the directory" : "name the directories",
    sameCall(kind, words, { ...command, targets }),
  );
}
