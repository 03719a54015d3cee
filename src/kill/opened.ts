// What a function has opened: closed at its end, unless it hands it over. A `DisposableStack`, which Node has only since 24.

type Closable = Disposable | null | undefined;

export interface Opened extends Disposable {
  /** @returns the same value, which is closed too */
  use<T extends Closable>(value: T): T;
  /** @returns all of it: here, nothing is left to be closed */
  move(): Opened;
}

export function newOpened(all: Closable[] = []): Opened {
  return {
    use(value) {
      all.push(value);
      return value;
    },
    move: () => newOpened(all.splice(0)),
    [Symbol.dispose]() {
      for (const one of all.splice(0).reverse()) one?.[Symbol.dispose]();
    },
  };
}
