// Translates the Markdown of manual.md to roff for man(7): headings, paragraphs, tables, code. Tables become tagged
// paragraphs. Generated blocks (`<!-- NAME -->` to `<!-- /NAME -->`) are left out.

/** Escape text: backslashes, hyphens, a control character at the start of a line, and anything that is not ASCII. */
export function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1")
    .replace(
      /[^\0-\x7f]/gu,
      (char) => `\\[u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}

/** Escape code, so that its quotes are not typeset: it may be pasted into a shell. */
const code = (text: string): string =>
  roff(text).replaceAll("'", "\\(aq").replaceAll("`", "\\(ga").replaceAll("^", "\\(ha").replaceAll("~", "\\(ti");

/** Keep long words of code from being hyphenated. */
export const bold = (text: string): string => `\\fB${code(text).replace(/(^| )(?=\S{8})/g, "$1\\%")}\\fR`;

/** A tagged paragraph. */
export const item = (tag: string, text: string): string => `.TP\n${tag}\n${text}`;

/** One line of text with `code`, *emphasis* and [links](url). */
function inline(text: string): string {
  const parts = text.split(/(`[^`]+`|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)]+\))/);
  const line = parts.map((part) => {
    if (part.startsWith("`") && part.length > 1) return bold(part.slice(1, -1));
    if (/^\*[^*\s]/.test(part)) return `\\fI${roff(part.slice(1, -1))}\\fR`;
    const link = /^\[([^\]]+)\]\(/.exec(part);
    return link === null ? roff(part) : roff(link[1] as string);
  });
  return line.join("").trim();
}

/** The header row of a table is left out. If a row has three cells, the last two become two lines. */
function table(lines: readonly string[]): string[] {
  return lines.slice(2).map((line) => {
    const [tag = "", ...rest] = line
      .replaceAll("\\|", "\0")
      .split("|")
      .slice(1, -1)
      .map((cell) => inline(cell.replaceAll("\0", "|").trim()));
    return item(tag, rest.join("\n.br\n"));
  });
}

function block(lines: readonly string[]): string[] {
  const [first = ""] = lines;
  if (first.startsWith("```")) return [".PP", ".nf", ...lines.slice(1, -1).map(code), ".fi"];
  if (first.startsWith("### ")) return [`.SS ${roff(first.slice(4))}`];
  if (first.startsWith("|")) return table(lines);
  return [".PP", inline(lines.join(" "))];
}

/** @returns the sections below `## TITLE`, as lines of roff by title */
export function sectionsOf(markdown: string): Map<string, readonly string[]> {
  const written = markdown.replace(/<!-- (\w+)[^>]*-->\n[\s\S]*?<!-- \/\1 -->\n/g, "");
  const [, ...sections] = written.split(/^## /m);
  return new Map(
    sections.map((section): [string, readonly string[]] => {
      const [title = "", ...lines] = section.split("\n");
      const blocks = lines
        .join("\n")
        .split(/\n{2,}/)
        .map((text) => text.trim())
        .filter((text) => text !== "");
      return [title, blocks.flatMap((text) => block(text.split("\n")))];
    }),
  );
}
