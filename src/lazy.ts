// Values made on first use, since not every call needs them: a table built while its module loads would delay every kill by
// about 0.1 ms.

/** @returns a function that makes the value on its first call and returns the same one afterwards */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
