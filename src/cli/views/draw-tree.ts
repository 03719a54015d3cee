// Trees drawn with branches. Without recursion, because a tree may be thousands of levels deep.

/** What is drawn before an item. All four have the same width. */
export interface Branches {
  /** Before the last child of a parent, and before the others. */
  readonly last: string;
  readonly other: string;
  /** Below an ancestor with later siblings, and below one without. */
  readonly open: string;
  readonly closed: string;
  /** Deeper levels are not indented further. */
  readonly maxDepth?: number;
}

export const UNICODE_BRANCHES: Branches = { last: "└─ ", other: "├─ ", open: "│  ", closed: "   " };
export const ASCII_BRANCHES: Branches = { last: "`- ", other: "|- ", open: "|  ", closed: "   " };

export interface Drawn<T> {
  readonly item: T;
  readonly branch: string;
}

interface Pending<T> extends Drawn<T> {
  /** Before the branches of its children. */
  readonly indent: string;
  readonly childDepth: number;
}

/** Draw trees depth-first, parents before their children. An item that was drawn already is skipped. */
export function drawTree<T>(
  roots: readonly T[],
  childrenOf: (item: T) => readonly T[],
  { last, other, open, closed, maxDepth = Number.POSITIVE_INFINITY }: Branches,
): Drawn<T>[] {
  const drawn = new Map<T, Drawn<T>>();
  const top = { branch: "", indent: "", childDepth: 1 };
  const pending: Pending<T>[] = roots.map((item) => ({ item, ...top })).reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { item, branch, indent, childDepth } = next;
    if (drawn.has(item)) continue;
    drawn.set(item, { item, branch });
    childrenOf(item)
      .toReversed()
      .forEach((child, index) => {
        const [own, below] = index === 0 ? [last, closed] : [other, open];
        const deeper = childDepth < maxDepth ? indent + below : indent;
        pending.push({ item: child, branch: indent + own, indent: deeper, childDepth: childDepth + 1 });
      });
  }
  return [...drawn.values()];
}
