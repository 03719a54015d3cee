// The man page: it names every option, exit status and hidden variable, and has no accidental control lines.

import { expect, test } from "bun:test";

import { SETTINGS } from "../../scripts/build/engine-settings.ts";
import { HIDDEN, HIDDEN_IN_ANY_CASE } from "../../scripts/build/hidden-variables.ts";
import { renderMan } from "../../scripts/release/man/man.ts";
import { COMMAND_NAMES } from "../../src/cli/args/commands.ts";
import { optionTable } from "../../src/cli/args/options.ts";
import { EXIT_CODES } from "../../src/cli/exit-codes.ts";

test("every option and every exit status is named, and there are no accidental control lines", () => {
  const man = renderMan("1.2.3");
  for (const { long } of optionTable()) expect(man).toContain(long.replaceAll("-", "\\-"));
  for (const code of Object.values(EXIT_CODES)) expect(man).toContain(`\\fB${code}\\fR\n`);
  for (const line of man.split("\n").filter((candidate) => candidate.startsWith("."))) {
    expect(line).toMatch(/^\.(TH|SH|SS|TP|PP|nf|fi|br)( |$)/);
  }
});

test("every variable hidden from the runtime is named, and so are the settings that are kept", () => {
  const man = renderMan("1.2.3").replaceAll("\\-", "-");
  for (const prefix of [...HIDDEN, ...HIDDEN_IN_ANY_CASE]) {
    expect(man).toContain(prefix.endsWith("=") ? prefix.slice(0, -1) : `${prefix}*`);
  }
  for (const setting of SETTINGS) expect(man).toContain(setting);
});

test("each option names the commands that have it, unless all have it", () => {
  const man = renderMan("1.2.3").replaceAll("\\-", "-");
  for (const { help, commands } of optionTable()) {
    const isEverywhere = commands.length === COMMAND_NAMES.length;
    expect(man).toContain(isEverywhere ? `${help}\n` : `${help}. [${commands.join(", ")}]`);
  }
  expect(man).toContain("\\fBcgkill\\fR (on a terminal: choose interactively)");
});
