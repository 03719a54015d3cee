// Tables that not every call needs. To build one while its module loads would delay every kill by some 0.1 ms.

/** @returns a function that makes the value at its first call, and returns the same one afterwards */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
