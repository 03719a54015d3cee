// The completion script for bash: splits the line into words, runs `cgkill __complete`, and quotes the candidates.
//
// Readline replaces only the last part of a word, after an open quote or a character of COMP_WORDBREAKS. It does not
// quote, and with `-o filenames` bash does not quote a $ that it takes for an expansion.

export const BASH_SCRIPT = `# bash completion for cgkill; install as /usr/share/bash-completion/completions/cgkill

# Append a candidate to COMPREPLY, quoted for the line or for the quote that is open in it.
_cgkill_reply() {
  local text=$1 quote=$2
  case $quote in
    "'") text=\${text//"'"/"'\\\\''"} ;;
    '"')
      text=\${text//'\\'/'\\\\'}
      text=\${text//'"'/'\\"'}
      text=\${text//'$'/'\\$'}
      text=\${text//'\`'/'\\\`'}
      # Double quotes do not protect from history expansion, except for a ! before the closing quote.
      if [[ $- == *H* && $text == *!?* ]]; then
        local end=
        [[ $text == *! ]] && end=! text=\${text%!}
        text=\${text//!/"\\"'!'\\""}$end
      fi
      ;;
    *) printf -v text %q "$text" ;;
  esac
  if [[ $quote ]]; then
    # Readline takes the same quote at the beginning for the open one and at the end for the closing one.
    [[ $text == "$quote"* ]] && text=$quote$text
    case $text in
      *\\') [[ $quote == \\' ]] && text=\${text%\\'} ;;
      *\\") [[ $quote == \\" ]] && text+=\\" ;;
    esac
  fi
  COMPREPLY+=("$text")
}

_cgkill() {
  # The unquoted words up to the cursor, and the part of the last word before the part that is replaced.
  local line=\${COMP_LINE:0:COMP_POINT} words=() word= before= quote= opened= begun= expands= c next i
  local start=$((COMP_POINT - \${#2}))
  for ((i = 0; i < \${#line}; i++)); do
    ((i == start)) && before=$word
    c=\${line:i:1}
    next=\${line:i+1:1}
    if [[ $quote == "'" ]]; then
      if [[ $c == "'" ]]; then quote=; else word+=$c; fi
    elif [[ $c == ['$\`'] ]]; then
      expands=1
    elif [[ $c == '\\' ]]; then
      [[ $quote && $next != ['"\\$\`'] ]] && word+=$c
      word+=$next begun=1
      ((++i))
    elif [[ $quote ]]; then
      if [[ $c == '"' ]]; then quote=; else word+=$c; fi
    elif [[ $c == [\\'\\"] ]]; then
      quote=$c opened=$word begun=1
    elif [[ $c == [[:blank:]] ]]; then
      [[ $begun ]] && words+=("$word")
      word= begun= expands=
    else
      word+=$c begun=1
    fi
  done
  ((start >= \${#line})) && before=$word
  [[ $quote ]] && before=$opened
  COMPREPLY=()
  # The value of an expansion is unknown.
  [[ $expands ]] && return

  # Run cgkill from the absolute directories of PATH, whatever path was typed.
  local dir path= found=()
  while read -rd : dir; do [[ $dir == /* ]] && path+=:$dir; done <<<"$PATH:"
  [[ $path ]] || return
  mapfile -t found < <(PATH=\${path:1}; exec cgkill __complete -- "\${words[@]:1}" "$word" 2>/dev/null)
  found=("\${found[@]%%$'\\t'*}")
  [[ \${#found[@]} == 1 && $found == */ ]] && compopt -o nospace
  for c in "\${found[@]}"; do _cgkill_reply "\${c#"$before"}" "$quote"; done
}
complete -F _cgkill cgkill
`;
