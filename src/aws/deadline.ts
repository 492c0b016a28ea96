import { BackupError, interrupted } from "../core/errors.ts";

/**
 * Settles with the promise, or fails when the time is up or the signal aborts, whatever the promise
 * does: no wait of ours may depend on a library noticing that nobody answers.
 */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal,
  doing: string,
  start: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const both = AbortSignal.any([signal, limit.signal]);
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  const cut = new Promise<never>((_, reject) => {
    timer = setTimeout(() => limit.abort(), ms);
    stop = () => reject(cutShort(signal.aborted, ms, doing));
    if (both.aborted) stop();
    both.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([start(both), cut]);
  } catch (error) {
    if (both.aborted) throw cutShort(signal.aborted, ms, doing);
    throw error;
  } finally {
    clearTimeout(timer);
    if (stop !== undefined) both.removeEventListener("abort", stop);
  }
}

function cutShort(stopped: boolean, ms: number, doing: string): BackupError {
  if (stopped) return interrupted(doing);
  return new BackupError({
    kind: "unreachable",
    doing,
    found: `no answer within ${ms / 1000} s`,
    remedy: "check the network, the endpoint and the proxy",
    code: "TimeoutError",
  });
}
