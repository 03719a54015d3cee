// The completion script for fish: asks `cgkill __complete`; fish quotes what it inserts.

export function renderFish(): string {
  return `# fish completion for cgkill; install as ~/.config/fish/completions/cgkill.fish

function __cgkill_complete
    set -l before (commandline -opc)
    set -l word
    # The quote that is open is not part of it.
    for quote in '' \\' '"'
        set word (string unescape -- (commandline -ct)$quote)
        and break
    end
    # From PATH, whatever was typed, and from no directory that depends on where we are.
    set -lx PATH (string match -- '/*' $PATH)
    command cgkill __complete -- $before[2..] "$word" 2>/dev/null
end

complete -c cgkill -f -a '(__cgkill_complete)'
`;
}
