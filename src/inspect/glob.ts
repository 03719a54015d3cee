// Globs for cgroup names: `*`, `?`, `[a-z]`, `[!a-z]`, `{one,other}`, and `\` before any of these. An unclosed bracket
// or brace is literal. Not Bun.Glob, which treats all bytes that are not UTF-8 as one character and a leading `!` as a
// negation; here `!` is an ordinary character.

/** What a place in a pattern matches: one character, any number of them, or a part of an alternative. */
interface Token {
  readonly kind: "one" | "star" | "open" | "comma" | "close";
  readonly takes: (code: number) => boolean;
}

const SLASH = 0x2f;
const AFTER_UNICODE = 0x110000;

/** Code points. Lone surrogates, which stand for bytes, are moved past the end of Unicode, out of character ranges. */
function codesOf(text: string): number[] {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) as number;
    return code >= 0xd800 && code <= 0xdfff ? AFTER_UNICODE + code : code;
  });
}

const charOf = (code: number): string => (code < AFTER_UNICODE ? String.fromCodePoint(code) : "");

/** Parse the set that opens at `at`; `undefined` if it is never closed. */
function readSet(
  codes: readonly number[],
  chars: readonly string[],
  at: number,
): { readonly takes: Token["takes"]; readonly end: number } | undefined {
  const isNegated = chars[at + 1] === "!" || chars[at + 1] === "^";
  /** Inclusive. */
  const ranges: Array<readonly [low: number, high: number]> = [];
  let next = at + (isNegated ? 2 : 1);
  const take = (): number => {
    if (chars[next] === "\\" && next + 1 < codes.length) next++;
    return codes[next++] as number;
  };
  for (let isFirst = true; next < codes.length; isFirst = false) {
    if (chars[next] === "]" && !isFirst) {
      const takes = (code: number): boolean => ranges.some(([low, high]) => low <= code && code <= high) !== isNegated;
      return { takes, end: next + 1 };
    }
    const low = take();
    const isRange = chars[next] === "-" && next + 1 < codes.length && chars[next + 1] !== "]";
    if (isRange) next++;
    ranges.push([low, isRange ? take() : low]);
  }
  return undefined;
}

const WILD: Readonly<Record<string, Token["kind"]>> = { "?": "one", "*": "star" };
const BRACES: Readonly<Record<string, Token["kind"]>> = { "{": "open", ",": "comma", "}": "close" };

function tokenize(pattern: string): Token[] {
  const codes = codesOf(pattern);
  const chars = codes.map(charOf);
  const tokens: Token[] = [];
  const isNoSlash = (code: number): boolean => code !== SLASH;
  // If one set is unclosed, every later one is too: stop searching, which keeps the cost linear.
  let mayClose = true;
  for (let at = 0; at < codes.length;) {
    const char = chars[at] as string;
    const set = char === "[" && mayClose ? readSet(codes, chars, at) : undefined;
    if (char === "[" && set === undefined) mayClose = false;
    const wild = Object.hasOwn(WILD, char) ? WILD[char] : undefined;
    if (set !== undefined) {
      tokens.push({ kind: "one", takes: set.takes });
      at = set.end;
    } else if (wild !== undefined) {
      tokens.push({ kind: wild, takes: isNoSlash });
      at++;
    } else {
      const isEscape = char === "\\" && at + 1 < codes.length;
      const literal = codes[isEscape ? at + 1 : at] as number;
      const kind = Object.hasOwn(BRACES, char) ? (BRACES[char] as Token["kind"]) : "one";
      tokens.push({ kind, takes: (code) => code === literal });
      at += isEscape ? 2 : 1;
    }
  }
  return tokens;
}

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
    leads.set(
      brace,
      [brace, ...commas].map((start) => start + 1),
    );
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
    for (const code of codesOf(name)) {
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
