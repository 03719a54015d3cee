// The completion script for fish: runs `cgkill __complete`. fish quotes the candidates.

export const FISH_SCRIPT = `# fish completion for cgkill; install as ~/.config/fish/completions/cgkill.fish

function __cgkill_complete
    set -l before (commandline -opc)
    set -l word
    # Try to close a quote that may be open.
    for quote in '' \\' '"'
        set word (string unescape -- (commandline -ct)$quote)
        and break
    end
    # Run cgkill from the absolute directories of PATH, whatever path was typed.
    set -lx PATH (string match -- '/*' $PATH)
    command cgkill __complete -- $before[2..] "$word" 2>/dev/null
end

complete -c cgkill -f -a '(__cgkill_complete)'
`;
