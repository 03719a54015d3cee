// The completion script for zsh: asks `cgkill __complete`; `compadd` quotes what it inserts.

export function renderZsh(): string {
  return `#compdef cgkill
# zsh completion for cgkill; install as _cgkill in a directory of $fpath

_cgkill() {
  local line word=\${(Q)\${:-$QIPREFIX$PREFIX$compstate[quote]}}
  local -a above leaves described shown
  # From PATH, whatever was typed, and from no directory that depends on where we are.
  for line in "\${(@f)$(path=(\${(M)path:#/*}); command cgkill __complete -- "\${(@Q)words[2,CURRENT-1]}" "$word" 2>/dev/null)}"; do
    case $line in
      *$'\\t'*)
        described+=("\${line%%$'\\t'*}")
        shown+=("\${line/$'\\t'/  -- }")
        ;;
      */) above+=("$line") ;;
      ?*) leaves+=("$line") ;;
    esac
  done
  # It quotes what it inserts.
  compadd -l -d shown -a described
  compadd -S '' -a above
  compadd -a leaves
}
_cgkill "$@"
`;
}
