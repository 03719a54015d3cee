// The completion script for bash. It takes the line apart itself: bash breaks words at characters that names have, such
// as @ and :, and then wants only the last piece replaced.

import { BY_COMMAND, flags, LIST, type Source, sourceOf, VALUED } from "./completion-table.ts";
import { RESERVED_WORDS, SHELLS } from "./options.ts";

const SOURCES: Readonly<Record<Source, string>> = {
  cgroups: "_cgkill_cgroups",
  names: "_cgkill_last",
  pids: "_cgkill_pids",
  hierarchies: "_cgkill_hierarchies",
};

function valueCases(): string[] {
  return VALUED.map((option) => {
    const source = sourceOf(option);
    const { choices } = option;
    const action =
      choices !== undefined ? `found=(${choices.join(" ")})` : source === undefined ? ":" : SOURCES[source];
    return `    ${flags(option).join("|")}) ${action} ;;`;
  });
}

export function renderBash(): string {
  const options = BY_COMMAND.map(
    ([command, specs]) => `      ${command === "kill" ? "*" : command}) found=(${specs.flatMap(flags).join(" ")}) ;;`,
  );
  // The last of them is for whatever is no command.
  const cases = [...options.slice(1), ...options.slice(0, 1)].join("\n");
  return `# bash completion for cgkill; install as /usr/share/bash-completion/completions/cgkill

# Each as /proc/PID/cgroup prints it, and once a slash was typed with its mount point too.
_cgkill_cgroups() {
  local name root point rest mounts=() names=()
  while read -r _ _ _ root point rest; do
    [[ $rest == *" - cgroup"* ]] && mounts+=("$point" "\${root%/}")
  done </proc/self/mountinfo
  mapfile -t names < <(${LIST})
  for name in "\${names[@]}"; do
    local short=$name i
    for ((i = 0; i < \${#mounts[@]}; i += 2)); do
      [[ $name == "\${mounts[i]}"/* ]] && short=\${mounts[i+1]}\${name#"\${mounts[i]}"}
    done
    case $word in
      "") found+=("$short") ;;
      /*) found+=("$short" "$name") ;;
      *) found+=("\${short#/}") ;;
    esac
  done
}
_cgkill_last() {
  mapfile -t found < <(${LIST})
  found=("\${found[@]##*/}")
}
_cgkill_pids() {
  found=(/proc/[1-9]*)
  found=("\${found[@]##*/}")
}
_cgkill_hierarchies() {
  local name IFS=:,
  found=(v1 v2)
  while read -r _ name; do found+=(\${name%:*}); done </proc/self/cgroup
}

_cgkill() {
  # The words before the cursor without their quotes; of the last one its open quote, and what bash has done with.
  local line=\${COMP_LINE:0:COMP_POINT} words=() word= typed= quote= begun= c i
  for ((i = 0; i < \${#line}; i++)); do
    c=\${line:i:1}
    typed+=$c
    if [[ $quote ]]; then
      if [[ $c == "$quote" ]]; then quote=; else word+=$c; fi
    elif [[ $c == \\\\ ]]; then
      ((++i))
      c=\${line:i:1}
      word+=$c typed+=$c
    elif [[ $c == [\\'\\"] ]]; then
      quote=$c
    elif [[ $c == [[:blank:]] ]]; then
      [[ $word ]] && words+=("$word")
      word= typed= begun=
    else
      word+=$c
      [[ $COMP_WORDBREAKS == *"$c"* ]] && begun=$typed
    fi
  done

  # The first word that is no option may be a command; after -- every word is a name.
  local command= over= option= found=() before=
  for ((i = 1; i < \${#words[@]}; i++)); do
    case \${words[i]} in
      --) over=1; break ;;
      ${VALUED.flatMap(flags).join("|")}) option=\${words[i]}; ((++i < \${#words[@]})) && option= ;;
      -*) ;;
      *) command=\${command:-\${words[i]}} ;;
    esac
  done
  if [[ ! $over && $word == --*=* ]]; then
    option=\${word%%=*} before=$option=
    word=\${word#*=}
  fi

  case $option in
${valueCases().join("\n")}
    *)
      if [[ ! $over && $word == -* ]]; then
        case $command in
${cases.replaceAll(/^/gm, "    ")}
        esac
      elif [[ ! $over && $command == completion ]]; then
        found=(${SHELLS.join(" ")})
      elif [[ $over || $command != help ]]; then
        _cgkill_cgroups
        [[ ! $over && ! $command && ! $before ]] && found+=(${RESERVED_WORDS.join(" ")})
      fi
      ;;
  esac

  local name text
  COMPREPLY=()
  for name in "\${found[@]}"; do
    [[ $name == "$word"* ]] || continue
    if [[ $quote ]]; then
      COMPREPLY+=("$before$name")
    else
      printf -v text %q "$before$name"
      COMPREPLY+=("\${text#"$begun"}")
    fi
  done
}
complete -F _cgkill cgkill
`;
}
