// Globs for cgroup names: `*`, `?`, `[a-z]`, `[!a-z]`, `{one,other}`, and `\` before any of these. An unclosed bracket
// or brace is literal. Not Bun.Glob, which treats all bytes that are not UTF-8 as one character and a leading `!` as a
// negation; here `!` is an ordinary character.

/** Inclusive ranges of characters. */
interface CharSet {
  readonly ranges: ReadonlyArray<readonly [number, number]>;
  readonly isNegated: boolean;
}

type Token =
  | { readonly kind: "char"; readonly code: number }
  | { readonly kind: "any" | "star" | "open" | "comma" | "close" }
  | { readonly kind: "set"; readonly set: CharSet };

/** One instruction of the matcher. Jump targets are filled in once they are known. */
type Step =
  | { readonly kind: "take"; readonly takes: (code: number) => boolean }
  | { readonly kind: "fork"; first: number; second: number }
  | { readonly kind: "jump"; to: number };

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
): { readonly set: CharSet; readonly end: number } | undefined {
  const isNegated = chars[at + 1] === "!" || chars[at + 1] === "^";
  const ranges: Array<[number, number]> = [];
  let next = at + (isNegated ? 2 : 1);
  const take = (): number => {
    if (chars[next] === "\\" && next + 1 < codes.length) next++;
    return codes[next++] as number;
  };
  for (let isFirst = true; next < codes.length; isFirst = false) {
    if (chars[next] === "]" && !isFirst) return { set: { ranges, isNegated }, end: next + 1 };
    const low = take();
    const isRange = chars[next] === "-" && next + 1 < codes.length && chars[next + 1] !== "]";
    if (isRange) next++;
    ranges.push([low, isRange ? take() : low]);
  }
  return undefined;
}

const SPECIAL: Readonly<Record<string, "any" | "star" | "open" | "comma" | "close">> = {
  "?": "any",
  "*": "star",
  "{": "open",
  ",": "comma",
  "}": "close",
};

function tokenize(pattern: string): Token[] {
  const codes = codesOf(pattern);
  const chars = codes.map(charOf);
  const tokens: Token[] = [];
  // If one set is unclosed, every later one is too: stop searching, which keeps the cost linear.
  let mayClose = true;
  for (let at = 0; at < codes.length;) {
    const code = codes[at] as number;
    const char = chars[at] as string;
    const kind = Object.hasOwn(SPECIAL, char) ? SPECIAL[char] : undefined;
    const found = char === "[" && mayClose ? readSet(codes, chars, at) : undefined;
    if (char === "[" && found === undefined) mayClose = false;
    if (found !== undefined) {
      tokens.push({ kind: "set", set: found.set });
      at = found.end;
    } else if (kind !== undefined) {
      tokens.push({ kind });
      at++;
    } else {
      const isEscape = char === "\\" && at + 1 < codes.length;
      tokens.push({ kind: "char", code: isEscape ? (codes[at + 1] as number) : code });
      at += isEscape ? 2 : 1;
    }
  }
  return tokens;
}

/** Turn unpaired braces, and commas outside braces, into literal characters. */
function withLiterals(tokens: readonly Token[]): Token[] {
  const open: number[] = [];
  const paired = new Set<number>();
  for (const [at, { kind }] of tokens.entries()) {
    if (kind === "open") open.push(at);
    const partner = kind === "close" ? open.pop() : undefined;
    if (partner !== undefined) paired.add(partner).add(at);
  }
  let depth = 0;
  return tokens.map((token, at): Token => {
    const { kind } = token;
    if (paired.has(at)) depth += kind === "open" ? 1 : -1;
    const isLiteral = kind === "comma" ? depth === 0 : (kind === "open" || kind === "close") && !paired.has(at);
    if (!isLiteral) return token;
    return { kind: "char", code: (kind === "comma" ? "," : kind === "open" ? "{" : "}").charCodeAt(0) };
  });
}

const isIn = ({ ranges, isNegated }: CharSet, code: number): boolean =>
  ranges.some(([low, high]) => low <= code && code <= high) !== isNegated;

function matcherOf(token: Token): (code: number) => boolean {
  if (token.kind === "char") return (code) => code === token.code;
  if (token.kind === "set") return (code) => isIn(token.set, code);
  return (code) => code !== SLASH;
}

interface Alternatives {
  fork: { first: number; second: number };
  readonly ends: Array<{ to: number }>;
}

function compile(tokens: readonly Token[]): Step[] {
  const steps: Step[] = [];
  const nested: Alternatives[] = [];
  const fork = (): Alternatives["fork"] => {
    const step = { kind: "fork" as const, first: steps.length + 1, second: steps.length + 1 };
    steps.push(step);
    return step;
  };
  const jump = (to: number): { to: number } => {
    const step = { kind: "jump" as const, to };
    steps.push(step);
    return step;
  };
  for (const token of tokens) {
    const inner = nested.at(-1);
    if (token.kind === "open") {
      nested.push({ fork: fork(), ends: [] });
    } else if (token.kind === "comma" && inner !== undefined) {
      inner.ends.push(jump(0));
      inner.fork.second = steps.length;
      inner.fork = fork();
    } else if (token.kind === "close" && inner !== undefined) {
      for (const end of inner.ends) end.to = steps.length;
      nested.pop();
    } else if (token.kind === "star") {
      const again = steps.length;
      const step = fork();
      steps.push({ kind: "take", takes: matcherOf(token) });
      jump(again);
      step.second = steps.length;
    } else {
      steps.push({ kind: "take", takes: matcherOf(token) });
    }
  }
  return steps;
}

/**
 * Compile a glob that matches whole names. `*` and `?` do not match a slash; a byte that is not UTF-8 (`\udcXX`) is one
 * character.
 *
 * @returns a matcher whose cost is at most proportional to the length of the pattern times the length of the name
 */
export function compileGlob(pattern: string): (name: string) => boolean {
  const steps = compile(withLiterals(tokenize(pattern)));
  return (name) => {
    let current = reach(steps, [0]);
    for (const code of codesOf(name)) {
      const next: number[] = [];
      for (const at of current) {
        const step = steps[at];
        if (step?.kind === "take" && step.takes(code)) next.push(at + 1);
      }
      if (next.length === 0) return false;
      current = reach(steps, next);
    }
    return current.has(steps.length);
  };
}

/** All steps reachable from these without consuming a character. */
function reach(steps: readonly Step[], from: readonly number[]): Set<number> {
  const reached = new Set<number>();
  const pending = [...from];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (reached.has(at)) continue;
    reached.add(at);
    const step = steps[at];
    if (step?.kind === "fork") pending.push(step.first, step.second);
    else if (step?.kind === "jump") pending.push(step.to);
  }
  return reached;
}
