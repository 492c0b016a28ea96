/** What AsyncDisposableStack is in later versions of Node: disposes in reverse of what it was given. */
export class Stack implements AsyncDisposable {
  #owned: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(one: T): T {
    this.#owned.push(one);
    return one;
  }

  defer(dispose: () => Promise<void> | void): void {
    this.#owned.push({ [Symbol.asyncDispose]: async () => dispose() });
  }

  /** Hands all that it owns to a new one, so that this one disposes of nothing. */
  move(): Stack {
    const other = new Stack();
    other.#owned = this.#owned.splice(0);
    return other;
  }

  /** Disposes of all, whatever fails; the first failure is thrown at the end. */
  async disposeAsync(): Promise<void> {
    const failures: unknown[] = [];
    for (const one of this.#owned.splice(0).reverse()) {
      try {
        await one[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync();
  }
}
