// The completion script for fish.

import { flags, LIST, type Source, sourceOf, VALUED, WORDS } from "./completion-table.ts";
import { OPTIONS, type OptionSpec, RESERVED_WORDS, SHELLS } from "./options.ts";

const SOURCES: Readonly<Record<Source, string>> = {
  cgroups: "(__cgkill_cgroups)",
  names: `(${LIST} | string replace -r '.*/' '')`,
  pids: "(__fish_complete_pids)",
  hierarchies: "v1 v2 (string split -f 2 : </proc/self/cgroup | string split -n ,)",
};

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** Before any name is typed it is the options of a kill that fit. */
function inCommands(commands: readonly string[]): string {
  return `-n '__cgkill_in ${commands.includes("kill") ? "none " : ""}${commands.join(" ")}'`;
}

function optionLine(option: OptionSpec): string {
  const { long, short, value, help, choices, isOptional, commands } = option;
  const source = sourceOf(option);
  const values = choices !== undefined ? choices.join(" ") : source === undefined ? "" : SOURCES[source];
  const parts = [
    "complete -c cgkill",
    inCommands(commands),
    short === undefined ? "" : `-s ${short}`,
    `-l ${long}`,
    value === undefined || isOptional ? "" : "-x",
    values === "" ? "" : `-a ${quoted(values)}`,
    `-d ${quoted(help)}`,
  ];
  return parts.filter(Boolean).join(" ");
}

export function renderFish(): string {
  const words = WORDS.map(({ name, help }) => `complete -c cgkill -n '__cgkill_in none' -a ${name} -d ${quoted(help)}`);
  return `# fish completion for cgkill; install as ~/.config/fish/completions/cgkill.fish

# The first word that is no option, where it is a command; kill for any other, and none before there is one.
function __cgkill_command
    set -l skip no
    for word in (commandline -opc)[2..]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --
                echo kill
                return
            case ${VALUED.flatMap(flags).join(" ")}
                set skip yes
            case '-*'
            case ${RESERVED_WORDS.join(" ")}
                echo $word
                return
            case '*'
                echo kill
                return
        end
    end
    echo none
end
function __cgkill_in
    contains -- (__cgkill_command) $argv
end
# Each as /proc/PID/cgroup prints it, and once a slash was typed with its mount point too.
function __cgkill_cgroups
    set -l names (${LIST})
    set -l short $names
    while read -l -d ' ' _ _ _ root point rest
        string match -q '* - cgroup*' -- $rest; or continue
        set short (string replace -r -- '^'(string escape --style=regex -- $point)'(?=/)' (string trim -r -c / -- $root) $short)
    end </proc/self/mountinfo
    switch (commandline -ct | string trim -l -c '\\'"')
        case ''
            string join \\n -- $short
        case '/*'
            string join \\n -- $short $names
        case '*'
            string replace -r '^/' '' -- $short
    end
end

complete -c cgkill -f
${words.join("\n")}
complete -c cgkill -n '__cgkill_in completion' -a '${SHELLS.join(" ")}'
complete -c cgkill -n 'not __cgkill_in completion help' -a '(__cgkill_cgroups)'
${OPTIONS.map(optionLine).join("\n")}
`;
}
