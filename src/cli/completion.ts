// Completion scripts for bash, zsh and fish, from the table of options.

import type { Shell } from "./args.ts";
import { renderBash } from "./completion-bash.ts";
import { renderFish } from "./completion-fish.ts";
import { renderZsh } from "./completion-zsh.ts";

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
