// The completion scripts, by shell. Each runs `cgkill __complete`; fish and zsh quote the candidates themselves.
//
// In bash, readline replaces only the last part of a word, after an open quote or a character of COMP_WORDBREAKS. It does
// not quote, and with `-o filenames` bash does not quote a $ that it takes for an expansion. So the script for bash
// splits the line into words and quotes the candidates.

import type { Shell } from "../args/command.ts";
import bash from "./bash.txt";
import fish from "./fish.txt";
import zsh from "./zsh.txt";

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash, zsh, fish };
