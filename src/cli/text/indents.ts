// How lines begin. Names are chosen by attackers, and a line that begins like a command is pasted into a shell of root:
// nothing but a command has its indentation, and text from the host never begins a line.

/** Marks a line as a command. Used by `renderCommand` alone. */
export const COMMAND_INDENT = "    ";

/** Begins a line that continues another one, such as a wrapped one: deeper than a command. */
export const CONTINUATION_INDENT: string = `${COMMAND_INDENT}  `;

/** In a wider first column, a number that is aligned to the right may be indented like a command. */
export const MAX_RIGHT_ALIGNED: number = COMMAND_INDENT.length;

/** A command is never wrapped: a line that only the terminal wraps is still pasted in one piece. */
export const isCommandLine = (line: string): boolean =>
  line.startsWith(COMMAND_INDENT) && line[COMMAND_INDENT.length] !== " ";
