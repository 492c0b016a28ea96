/**
 * A signal that aborts after so many milliseconds, or with one of the others. Unlike `AbortSignal.timeout` below
 * `AbortSignal.any` it is not collected as garbage while somebody waits for it; it keeps no process.
 */
export function timeLimit(ms: number, ...others: readonly AbortSignal[]): AbortSignal {
  const limit = new AbortController();
  const abort = (): void => limit.abort();
  setTimeout(abort, Math.max(0, ms)).unref();
  for (const other of others) {
    if (other.aborted) abort();
    other.addEventListener("abort", abort, { once: true });
  }
  return limit.signal;
}
