// Reads many processes without keeping a signal waiting.

import type { Pace } from "./subtree.ts";

/** Processes read between two yields: up to 8 ms of work. */
const YIELD_EVERY = 64;

/** The same items, with a yield to signals after every few. */
export async function* paced<T>(items: Iterable<T>, pace: Pace): AsyncGenerator<T, void, void> {
  let count = 0;
  for (const item of items) {
    yield item;
    if (++count % YIELD_EVERY === 0) await pace.yieldToSignals?.();
  }
}
