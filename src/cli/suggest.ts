// "Did you mean": the nearest of the known words.

/** In a short word two letters make another word: `nope` is not `gone`, `--kill` is not `--all`. */
const MIN_TWICE_MISTYPED = 6;
const maxDistance = (word: string): number => (word.length < MIN_TWICE_MISTYPED ? 1 : 2);

/** Edit distance (insert, delete, replace, swap of neighbours each count one). */
export function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const above = rows[i - 1] as number[];
      let best = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, (rows[i - 2]?.[j - 2] as number) + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] as number;
}

/** The nearest of the known words, one letter from it, or two if it is long enough. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const max = maxDistance(word);
  const [best] = known
    .filter(({ length }) => Math.abs(length - word.length) <= max)
    .map((candidate) => ({ candidate, away: distance(word, candidate) }))
    .filter(({ away, candidate }) => away <= max && away < candidate.length)
    .sort((a, b) => a.away - b.away);
  return best?.candidate;
}
