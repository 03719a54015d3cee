// What the real shells offer for a line when Tab is pressed, with the completion script that cgkill prints.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

import { BINARY } from "./run-cgkill.ts";

export type ShellName = "bash" | "zsh" | "fish";

/** Where it lies under the name by which completion scripts call it. */
export const PATH: string = `${dirname(BINARY)}:${process.env["PATH"]}`;
const END = "-- end --";

/** Its function is called as bash would, which then replaces its own last piece of the word. */
const BASH = `
. <(cgkill completion bash)
COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
for COMP_LINE; do
  COMP_POINT=\${#COMP_LINE}
  _cgkill
  ((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"
  echo '${END}'
done`;

/** In a terminal of its own, as that is what completes there; everything that compadd is given and finds fit. */
const ZSH = `
dir=$1; shift
mkdir $dir/functions; cgkill completion zsh > $dir/functions/_cgkill
zmodload zsh/zpty
zpty shell "TERM=dumb zsh -f -i"
zpty -w shell "fpath=($dir/functions \\$fpath); autoload -Uz compinit; compinit -u -D; LISTMAX=100000
compadd() { local -a fit; builtin compadd -O fit \\"\\$@\\"; ((\\$#fit)) && print -rl -- \\$fit >> $dir/out; builtin compadd \\"\\$@\\" }
ended() { print -r -- '${END}' >> $dir/out }
zle -N ended; bindkey '^I' complete-word '^T' ended; print RE''ADY"
while zpty -r shell line && [[ $line != *READY* ]]; do :; done
asked=0
for line; do
  zpty -w -n shell "$line"$'\\t\\x14'
  ((asked++))
  while [[ $(grep -cxe '${END}' $dir/out 2>/dev/null) != $asked ]]; do
    while zpty -r -t shell; do :; done >/dev/null
    sleep 0.01
  done
  zpty -w -n shell $'\\x15'
done
cat $dir/out`;

const FISH = `
cgkill completion fish | source
for line in $argv
    complete -C $line | string replace -r '\\t.*' ''
    echo '${END}'
end`;

/** What is offered for each line, in the shell's own order. */
export function complete(shell: ShellName, lines: readonly string[]): string[][] {
  const dir = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  try {
    const script = `${dir}/script`;
    writeFileSync(script, { bash: BASH, zsh: ZSH, fish: FISH }[shell]);
    const argv = {
      bash: ["bash", "--norc", script],
      zsh: ["zsh", "-f", script, dir],
      fish: ["fish", "--no-config", script],
    }[shell];
    const { stdout, stderr } = Bun.spawnSync([...argv, ...lines], {
      env: { PATH, HOME: dir, LANG: "C.UTF-8" },
      stdin: "ignore",
      timeout: 50_000,
    });
    const answers = stdout.toString().split(`${END}\n`);
    if (answers.length !== lines.length + 1) throw new Error(`${shell}: ${stdout}${stderr}`);
    return answers.slice(0, -1).map((answer) => answer.split("\n").filter((line) => line !== ""));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
