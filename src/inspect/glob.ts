// Globs for cgroup names: `*`, `?`, `[a-z]`, `[!a-z]`, `{one,other}`, and `\` before any of these. An unclosed bracket
// or brace is literal, and so is any other backslash outside of brackets: systemd writes `a-b` as `a\x2db`. Not Bun.Glob,
// which treats all bytes that are not UTF-8 as one character and a leading `!` as a negation; here `!` is an ordinary
// character.

/** What a place in a pattern matches: one character, any number of them, or a part of an alternative. */
interface Token {
  readonly kind: "one" | "star" | "open" | "comma" | "close";
  readonly takes: (code: number) => boolean;
}

const AFTER_UNICODE = 0x110000;

/** A code point. Lone surrogates, which stand for bytes, are moved past the end of Unicode, out of character ranges. */
function codeOf(character: string): number {
  const code = character.codePointAt(0) as number;
  return code >= 0xd800 && code <= 0xdfff ? AFTER_UNICODE + code : code;
}

/** An escape, a set whose first character may be a bracket, or one character. */
const PIECE = /\\([*?[\]{},\\!^-])|\[(?:([!^])|(?![!^]))((?:\\[^]|[^\\])(?:\\[^]|[^\\\]])*)\]|[^]/gu;
const PIECE_WITHOUT_SETS = /\\([*?[\]{},\\!^-])|[^]/gu;
/** A range or one character of a set. */
const RANGE = /\\?([^])(?:-\\?([^]))?/gu;

const KINDS: ReadonlyMap<string, Token["kind"]> = new Map([
  ["*", "star"],
  ["{", "open"],
  [",", "comma"],
  ["}", "close"],
]);

function tokenize(pattern: string): Token[] {
  // After the last closing bracket that is not escaped, every search for the end of a set would be in vain, and as long as
  // the pattern.
  const end = pattern.replaceAll(/\\[^]/g, "..").lastIndexOf("]") + 1;
  const pieces = [...pattern.slice(0, end).matchAll(PIECE), ...pattern.slice(end).matchAll(PIECE_WITHOUT_SETS)];
  return Array.from(pieces, ([piece, escaped, not, set]): Token => {
    if (set !== undefined) return { kind: "one", takes: takesOf(set, not !== undefined) };
    const kind = KINDS.get(piece) ?? "one";
    if (piece === "*" || piece === "?") return { kind, takes: (code) => code !== SLASH };
    const literal = codeOf(escaped ?? piece);
    return { kind, takes: (code) => code === literal };
  });
}

function takesOf(set: string, isNegated: boolean): Token["takes"] {
  const ranges = Array.from(set.matchAll(RANGE), ([, low = "", high = low]) => [codeOf(low), codeOf(high)] as const);
  return (code) => ranges.some(([low, high]) => low <= code && code <= high) !== isNegated;
}

const SLASH = codeOf("/");

/**
 * Where each star, and each part of an alternative in braces, leads without a character. Braces without a partner, and
 * commas outside of braces, lead nowhere: they are literal.
 */
function findLeads(tokens: readonly Token[]): ReadonlyMap<number, readonly number[]> {
  const leads = new Map<number, readonly number[]>();
  /** For each open brace: its place, then those of its commas. */
  const open: number[][] = [];
  for (const [at, { kind }] of tokens.entries()) {
    if (kind === "star") leads.set(at, [at + 1]);
    else if (kind === "open") open.push([at]);
    else if (kind === "comma") open.at(-1)?.push(at);
    const [brace, ...commas] = (kind === "close" ? open.pop() : undefined) ?? [];
    if (brace === undefined) continue;
    // To the beginning of each alternative, and from the end of each to what follows.
    const starts = [brace, ...commas].map((start) => start + 1);
    leads.set(brace, starts);
    for (const end of [...commas, at]) leads.set(end, [at + 1]);
  }
  return leads;
}

/**
 * Compile a glob that matches whole names. `*` and `?` do not match a slash; a byte that is not UTF-8 (`\udcXX`) is one
 * character.
 *
 * @returns a matcher whose cost is at most proportional to the length of the pattern times the length of the name
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  const tokens = tokenize(pattern);
  const leads = findLeads(tokens);
  /** The place after a character is taken at this place; `undefined` if it is not. */
  const after = (at: number, code: number): number | undefined => {
    const token = tokens[at];
    if (token === undefined || !token.takes(code)) return undefined;
    if (token.kind === "star") return at;
    return leads.has(at) ? undefined : at + 1;
  };
  return (name) => {
    let current = reach(leads, [0]);
    for (const character of name) {
      const code = codeOf(character);
      const next: number[] = [];
      for (const at of current) {
        const to = after(at, code);
        if (to !== undefined) next.push(to);
      }
      if (next.length === 0) return false;
      current = reach(leads, next);
    }
    return current.has(tokens.length);
  };
}

/** All places that can be reached from these without a character. */
function reach(leads: ReadonlyMap<number, readonly number[]>, from: readonly number[]): Set<number> {
  const reached = new Set<number>();
  const pending = [...from];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (reached.has(at)) continue;
    reached.add(at);
    for (const to of leads.get(at) ?? []) pending.push(to);
  }
  return reached;
}
