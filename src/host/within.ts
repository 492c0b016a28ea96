import { setTimeout as pause } from "node:timers/promises";

/**
 * What a promise comes to, or `late` after so many milliseconds. The wait keeps the process: were it left to
 * something that has died unseen to keep it, it would end in the middle, and without an error.
 */
export async function within<T, L>(ms: number, promise: Promise<T>, late: L): Promise<T | L> {
  const done = new AbortController();
  try {
    return await Promise.race([promise, pause(ms, late, { signal: done.signal })]);
  } finally {
    done.abort();
  }
}
