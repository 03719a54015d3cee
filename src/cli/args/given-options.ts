// The options given on a command line, and the output options, which all commands share.

import { type Level, LEVELS } from "../../kill/events.ts";
import { COLORS, LOG_FORMATS, type OutputOptions } from "./command.ts";
import { parseChoice } from "./values.ts";

/** Access to the given options by their long names. If one is repeated, the last value counts. */
export interface GivenOptions {
  readonly has: (name: string) => boolean;
  readonly every: (name: string) => readonly string[];
  readonly last: (name: string) => string | undefined;
  /** @returns `otherwise` if the option was not given */
  readonly read: <T>(name: string, otherwise: T, parse: (name: string, text: string) => T) => T;
}

export function toGivenOptions(values: ReadonlyMap<string, readonly string[]>): GivenOptions {
  const every = (name: string): readonly string[] => values.get(name) ?? [];
  const last = (name: string): string | undefined => every(name)[every(name).length - 1];
  return {
    has: (name) => values.has(name),
    every,
    last,
    read(name, otherwise, parse) {
      const text = last(name);
      return text === undefined ? otherwise : parse(name, text);
    },
  };
}

export function readOutput(given: GivenOptions): OutputOptions {
  const verbosity = given.every("verbose").length;
  const byVerbosity: Level = verbosity === 0 ? "info" : verbosity === 1 ? "debug" : "trace";
  const quiet = given.has("quiet");
  return {
    json: given.has("json"),
    quiet,
    level: given.read("log-level", quiet ? "error" : byVerbosity, (name, text) => parseChoice(name, text, LEVELS)),
    logFormat: given.read("log-format", "text", (name, text) => parseChoice(name, text, LOG_FORMATS)),
    color: given.read("color", "auto", (name, text) => parseChoice(name, text, COLORS)),
  };
}

/** How to write the error about a call that cannot be parsed. */
export function errorStyleOf(argv: readonly string[]): Pick<OutputOptions, "logFormat" | "color"> {
  const find = <T extends string>(option: string, choices: readonly T[]): T | undefined =>
    choices.find((choice) =>
      argv.some((word, at) => word === `${option}=${choice}` || (word === option && argv[at + 1] === choice)),
    );
  return { logFormat: find("--log-format", LOG_FORMATS) ?? "text", color: find("--color", COLORS) ?? "auto" };
}
