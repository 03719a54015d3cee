// Globs over names of cgroups: `*`, `?`, `[a-z]`, `[!a-z]`, `{one,other}`, and `\` before any of these. Pure text. Not
// Bun.Glob: it takes all bytes that are not UTF-8 for the same character, and `!x` for "everything but x". Here a leading
// `!` is an ordinary character. A bracket or brace that is never closed stands for itself.

/** Inclusive ranges of characters. */
interface CharSet {
  readonly ranges: ReadonlyArray<readonly [number, number]>;
  readonly isNegated: boolean;
}

type Token =
  | { readonly kind: "char"; readonly code: number }
  | { readonly kind: "any" | "star" | "open" | "comma" | "close" }
  | { readonly kind: "set"; readonly set: CharSet };

/** One instruction of the matcher; the targets of jumps are filled in once they are known. */
type Step =
  | { readonly kind: "take"; readonly takes: (code: number) => boolean }
  | { readonly kind: "fork"; first: number; second: number }
  | { readonly kind: "jump"; to: number };

const SLASH = 0x2f;
const AFTER_UNICODE = 0x110000;

/** Code points; the lone surrogates that stand for bytes come after them, so that no range of characters holds a byte. */
function codesOf(text: string): number[] {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) as number;
    return code >= 0xd800 && code <= 0xdfff ? AFTER_UNICODE + code : code;
  });
}

const charOf = (code: number): string => (code < AFTER_UNICODE ? String.fromCodePoint(code) : "");

/** The set that opens at `at`, and where it ends; `undefined` if it is never closed. */
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
  // Once one set is not closed, no later one is: each is looked for to the end only once.
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

/** Braces without a partner, and commas outside braces, are characters. */
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

function takerOf(token: Token): (code: number) => boolean {
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
      steps.push({ kind: "take", takes: takerOf(token) });
      jump(again);
      step.second = steps.length;
    } else {
      steps.push({ kind: "take", takes: takerOf(token) });
    }
  }
  return steps;
}

/**
 * A matcher of whole names.
 *
 * @returns a function whose cost is at most the length of the pattern times that of the name, whatever they are; bytes
 *          that are not UTF-8 (`\udcXX`) are characters of their own, `*` and `?` do not match a slash
 */
export function globOf(pattern: string): (name: string) => boolean {
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

/** Every step that is reached from these without taking a character. */
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
