/** Sleeps until the time is over or the signal is aborted. */
type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/**
 * Asks one place after the other, and does not wait for one that is silent: the next is asked once the one before it
 * has failed or had its time. The first answer counts; where there is none, the first failure does.
 */
export async function firstToAnswer<P, T>(
  places: readonly P[],
  ask: (place: P, signal: AbortSignal) => Promise<T>,
  { patience, sleep }: { readonly patience: number; readonly sleep: Sleep },
  signal: AbortSignal,
): Promise<{ readonly place: P; readonly answer: T }> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const tries: Promise<{ place: P; answer: T }>[] = [];
  for (const [index, place] of places.entries()) {
    const before = tries.at(-1);
    const turn = Promise.race([
      before?.then(
        () => new Promise<never>(() => undefined),
        () => undefined,
      ),
      ...(index === 0 ? [] : [sleep(patience * index, stop)]),
    ]);
    tries.push(
      turn.then(async () => {
        if (index > 0) stop.throwIfAborted();
        return { place, answer: await ask(place, stop) };
      }),
    );
  }
  try {
    return await Promise.any(tries);
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    over.abort();
  }
}
