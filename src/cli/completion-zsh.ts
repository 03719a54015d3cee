// The completion script for zsh.

import { flags, LIST, type Source, sourceOf, VALUED, WORDS } from "./completion-table.ts";
import { OPTIONS, type OptionSpec, RESERVED_WORDS, SHELLS } from "./options.ts";

const SOURCES: Readonly<Record<Source, string>> = {
  cgroups: "_cgkill_cgroups",
  names: "_cgkill_last",
  pids: "_cgkill_pids",
  hierarchies: "_cgkill_hierarchies",
};

/** Each may be given again. */
const REPEATED: readonly string[] = ["pid", "name", "spare", "verbose"];

const escaped = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, "\\$&");

function specs(option: OptionSpec): string[] {
  const { long, short, value, help, choices, isOptional } = option;
  const source = sourceOf(option);
  const action = choices !== undefined ? `(${choices.join(" ")})` : source === undefined ? " " : SOURCES[source];
  const argument = value === undefined ? "" : `:${escaped(value.toLowerCase())}:${action}`;
  const isRepeated = REPEATED.includes(long);
  const first = isRepeated ? "*" : short === undefined ? "" : `(-${short} --${long})`;
  // The value of a short option may follow at once, that of a long one after =; an optional one only so.
  const longForm = `--${long}${value === undefined ? "" : isOptional ? "=-" : "="}`;
  const spec = (name: string, rest: string): string => `'${first}${name}[${escaped(help)}]${rest}'`;
  return [
    spec(longForm, isOptional ? `:${argument}` : argument),
    ...(short === undefined ? [] : [spec(`-${short}${value && !isOptional ? "+" : ""}`, isOptional ? "" : argument)]),
  ];
}

export function renderZsh(): string {
  const groups = Map.groupBy(OPTIONS, ({ commands }) => commands.join("|"));
  const options = [...groups].map(
    ([commands, each]) => `  [[ $command == (${commands}) ]] && options+=(
${each
  .flatMap(specs)
  .map((spec) => `    ${spec}`)
  .join("\n")}
  )`,
  );
  return `#compdef cgkill
# zsh completion for cgkill; install as _cgkill in a directory of $fpath

# Each as /proc/PID/cgroup prints it, and once a slash was typed with its mount point too.
_cgkill_cgroups() {
  local name short root point rest
  local -a mounts found
  while read -r _ _ _ root point rest; do
    [[ $rest == *' - cgroup'* ]] && mounts+=("$point" "\${root%/}")
  done </proc/self/mountinfo
  for name in "\${(@f)$(${LIST})}"; do
    [[ -n $name ]] || continue
    short=$name
    for point root in "\${mounts[@]}"; do
      [[ $name == "$point"/* ]] && short=$root\${name#"$point"}
    done
    case $PREFIX in
      '') found+=("$short") ;;
      /*) found+=("$short" "$name") ;;
      *) found+=("\${short#/}") ;;
    esac
  done
  compadd -a found
}
_cgkill_last() {
  local -a found
  found=("\${(@f)$(${LIST})}")
  found=("\${(@)found:t}")
  compadd -a found
}
_cgkill_pids() {
  local -a found
  found=(/proc/<1->(N:t))
  compset -P '*,'
  compadd -a found
}
_cgkill_hierarchies() {
  local name
  local -a found
  while IFS=: read -r _ name _; do found+=(\${(s:,:)name}); done </proc/self/cgroup
  compadd v1 v2 "\${found[@]}"
}
_cgkill_first() {
  local -a commands
  commands=(
${WORDS.map(({ name, help }) => `    '${name}:${escaped(help)}'`).join("\n")}
  )
  _describe command commands
  _cgkill_cgroups
}
_cgkill_rest() {
  case $command in
    completion) compadd ${SHELLS.join(" ")} ;;
    help) ;;
    *) _cgkill_cgroups ;;
  esac
}
_cgkill() {
  # The first word that is no option may be a command; after -- every word is a name.
  local command= word rest=_cgkill_rest
  local -i at
  for ((at = 2; at < CURRENT; at++)); do
    word=$words[at]
    case $word in
      --) : \${command:=kill}; break ;;
      ${VALUED.flatMap(flags).join("|")}) ((at++)) ;;
      -*) ;;
      ${RESERVED_WORDS.join("|")}) : \${command:=$word} ;;
      *) : \${command:=kill} ;;
    esac
  done
  [[ -z $command ]] && rest=_cgkill_first command=kill
  local -a options
${options.join("\n")}
  _arguments -s -S $options "*: :$rest"
}
_cgkill "$@"
`;
}
