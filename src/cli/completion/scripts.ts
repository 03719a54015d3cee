// The completion scripts, by shell.

import type { Shell } from "../args/command.ts";
import { BASH_SCRIPT } from "./bash.ts";
import { FISH_SCRIPT } from "./fish.ts";
import { ZSH_SCRIPT } from "./zsh.ts";

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH_SCRIPT, zsh: ZSH_SCRIPT, fish: FISH_SCRIPT };
