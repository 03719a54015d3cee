// Generated blocks in Markdown files. A block stands between `<!-- NAME -->` and `<!-- /WORD -->`, where WORD is the
// first word of NAME.

function split(markdown: string, name: string): readonly [before: string, body: string, after: string] {
  const [word = name] = name.split(" ");
  const block = new RegExp(`^([\\s\\S]*<!-- ${name} -->\n)([\\s\\S]*?)(<!-- /${word} -->[\\s\\S]*)$`);
  const [, before, body, after] = block.exec(markdown) ?? [];
  if (before === undefined || body === undefined || after === undefined) {
    throw new Error(`the marks <!-- ${name} --> and <!-- /${word} --> are missing`);
  }
  return [before, body, after];
}

/** @throws Error  the marks are missing */
export function readBlock(markdown: string, name: string): string {
  return split(markdown, name)[1];
}

/** @throws Error  the marks are missing */
export function replaceBlock(markdown: string, name: string, body: string): string {
  const [before, , after] = split(markdown, name);
  return `${before}${body.trimEnd()}\n${after}`;
}

/** Replace the body of a block in a file. */
export async function writeBlock(file: string, name: string, body: string): Promise<void> {
  await Bun.write(file, replaceBlock(await Bun.file(file).text(), name, body));
}

/** The program's output as a block of text. */
export const asText = (output: string): string => `\`\`\`text\n${output}\`\`\``;

/**
 * Write the files, or with `--check` compare them with what is there.
 *
 * @param fresh  what each file should contain
 * @param command  the command that brings the files up to date
 * @returns whether the files are up to date
 */
export async function writeOrCheck(fresh: ReadonlyMap<string, string>, command: string): Promise<boolean> {
  let isCurrent = true;
  for (const [file, text] of fresh) {
    const old = await Bun.file(file).text();
    if (text === old) continue;
    if (!process.argv.includes("--check")) {
      await Bun.write(file, text);
      continue;
    }
    isCurrent = false;
    const [before, now] = [new Set(old.split("\n")), new Set(text.split("\n"))];
    for (const line of before.difference(now)) console.error(`- ${line}`);
    for (const line of now.difference(before)) console.error(`+ ${line}`);
    console.error(`${file}: out of date; run: ${command}`);
  }
  return isCurrent;
}
