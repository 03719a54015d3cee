// Completion scripts for bash, zsh and fish, from the table of options. Cgroup names are asked of cgkill itself when the
// key is pressed.

import type { Shell } from "./args.ts";
import { COMMANDS, OPTIONS, type OptionSpec, RESERVED_WORDS, SHELLS } from "./options.ts";

/** Names as they are typed: without the first slash they would be relative to nothing. */
const NAMES = "cgkill list --all --flat --quiet 2>/dev/null";

export function renderCompletion(shell: Shell): string {
  switch (shell) {
    case "bash":
      return renderBash();
    case "zsh":
      return renderZsh();
    case "fish":
      return renderFish();
  }
}

function flags({ long, short }: OptionSpec): string[] {
  return [`--${long}`, ...(short === undefined ? [] : [`-${short}`])];
}

function renderBash(): string {
  const withChoices = OPTIONS.filter(({ choices }) => choices !== undefined).map(
    (option) =>
      `    ${flags(option).join("|")}) COMPREPLY=($(compgen -W "${option.choices?.join(" ")}" -- "$cur")); return ;;`,
  );
  const withCgroup = OPTIONS.filter(({ value }) => value === "CGROUP").flatMap(flags);
  const withValue = OPTIONS.filter(
    ({ value, choices, isOptional }) =>
      value !== undefined && value !== "CGROUP" && choices === undefined && !isOptional,
  ).flatMap(flags);
  return `# bash completion for cgkill; install as /usr/share/bash-completion/completions/cgkill
_cgkill() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  case $prev in
${withChoices.join("\n")}
    completion) COMPREPLY=($(compgen -W "${SHELLS.join(" ")}" -- "$cur")); return ;;
    ${withValue.join("|")}) return ;;
    ${withCgroup.join("|")}) ;;
    *) if [[ $cur == -* ]]; then
         COMPREPLY=($(compgen -W "${OPTIONS.flatMap(flags).join(" ")}" -- "$cur")); return
       fi ;;
  esac
  local IFS=$'\\n'
  local names=($(${NAMES}))
  ((COMP_CWORD == 1)) && names+=($'${RESERVED_WORDS.join("\\n")}')
  local name
  for name in "\${names[@]}"; do
    for name in "$name" "\${name#/sys/fs/cgroup/}"; do
      [[ $name == "$cur"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done
  done
}
complete -F _cgkill cgkill
`;
}

const zshText = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, "\\$&");

function zshSpec(option: OptionSpec): string {
  const { long, short, value, help, choices, isOptional } = option;
  const action = choices !== undefined ? `(${choices.join(" ")})` : value === "CGROUP" ? "_cgkill_names" : " ";
  const argument = value === undefined ? "" : `${isOptional ? ":" : ""}:${value.toLowerCase()}:${action}`;
  const names = short === undefined ? `--${long}` : `'{-${short},--${long}}'`;
  return `    '${names}[${zshText(help)}]${argument}' \\`;
}

function renderZsh(): string {
  const commands = COMMANDS.filter(({ name }) => RESERVED_WORDS.includes(name));
  return `#compdef cgkill
# zsh completion for cgkill; install as _cgkill in a directory of $fpath
_cgkill_names() {
  local -a names
  names=(\${(f)"$(${NAMES})"})
  compadd -a names
}
_cgkill_first() {
  local -a commands
  commands=(
${commands.map(({ name, help }) => `    '${name}:${zshText(help)}'`).join("\n")}
  )
  _describe command commands
  _cgkill_names
}
_cgkill_rest() {
  [[ $words[2] == completion ]] && compadd ${SHELLS.join(" ")} || _cgkill_names
}
_cgkill() {
  _arguments -s -S \\
${OPTIONS.map(zshSpec).join("\n")}
    '1: :_cgkill_first' \\
    '*: :_cgkill_rest'
}
_cgkill "$@"
`;
}

const fishText = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

function renderFish(): string {
  const options = OPTIONS.map(({ long, short, value, help, choices, isOptional }) => {
    const parts = [
      "complete -c cgkill",
      short === undefined ? "" : `-s ${short}`,
      `-l ${long}`,
      value === undefined || isOptional ? "" : "-x",
      choices !== undefined ? `-a '${choices.join(" ")}'` : value === "CGROUP" ? `-a '(${NAMES})'` : "",
      `-d ${fishText(help)}`,
    ];
    return parts.filter(Boolean).join(" ");
  });
  const commands = COMMANDS.filter(({ name }) => RESERVED_WORDS.includes(name)).map(
    ({ name, help }) => `complete -c cgkill -n __fish_use_subcommand -a ${name} -d ${fishText(help)}`,
  );
  return `# fish completion for cgkill; install as ~/.config/fish/completions/cgkill.fish
complete -c cgkill -f
${commands.join("\n")}
complete -c cgkill -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(" ")}'
complete -c cgkill -n 'not __fish_seen_subcommand_from completion' -a '(${NAMES})'
${options.join("\n")}
`;
}
