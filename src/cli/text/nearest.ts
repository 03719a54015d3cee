// "Did you mean …?": the known word that is nearest to a mistyped one.

/** In a shorter word, two changes make a different word: `nope` and `gone`, `--kill` and `--all`. */
const MIN_LENGTH_FOR_TWO = 6;

/** How many mistakes a word may have and still be recognized. */
export const maxDistance = (word: string): number => (word.length < MIN_LENGTH_FOR_TWO ? 1 : 2);

/**
 * The edit distance: the number of insertions, deletions, replacements, and swaps of adjacent characters.
 *
 * @param max  bounds the cost, which is proportional to the word length times `max`
 * @returns any number above `max` if the distance exceeds it
 */
export function distance(a: string, b: string, max: number = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  let lowestAbove = 0;
  for (let i = 1; i <= a.length; i++) {
    // Farther from the diagonal, every cell exceeds `max`.
    const row: number[] = [];
    const [from, to] = [Math.max(1, i - max), Math.min(b.length, i + max)];
    row[from - 1] = from === 1 ? i : max + 1;
    let lowest = row[from - 1] as number;
    const above = rows[i - 1] as number[];
    for (let j = from; j <= to; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((above[j] ?? max) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, (rows[i - 2]?.[j - 2] as number) + 1);
      row[j] = best;
      lowest = Math.min(lowest, best);
    }
    rows.push(row);
    // A swap skips one row, so that both of the last two rows must exceed `max`.
    if (lowest > max && lowestAbove > max) return max + 1;
    lowestAbove = lowest;
  }
  return rows[a.length]?.[b.length] as number;
}

/** Find the nearest known word within `maxDistance`. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const max = maxDistance(word);
  const [best] = known
    .map((candidate) => ({ candidate, away: distance(word, candidate, max) }))
    .filter(({ away, candidate }) => away <= max && away < candidate.length)
    .sort((a, b) => a.away - b.away);
  return best?.candidate;
}
