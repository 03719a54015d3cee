// The completion script for zsh: runs `cgkill __complete`. `compadd` quotes the candidates.

export const ZSH_SCRIPT = `#compdef cgkill
# zsh completion for cgkill; install as _cgkill in a directory of $fpath

_cgkill() {
  local line word=\${(Q)\${:-$QIPREFIX$PREFIX$compstate[quote]}}
  local -a above leaves described shown
  # Run cgkill from the absolute directories of PATH, whatever path was typed.
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
  compadd -l -d shown -a described
  compadd -S '' -a above
  compadd -a leaves
}
_cgkill "$@"
`;
