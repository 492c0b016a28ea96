import { formatDuration } from "../core/duration.ts";
import { BackupError, interrupted } from "../core/errors.ts";

/** How long something may take, and who may end it earlier. */
export interface Bound {
  /** Milliseconds. */
  readonly ms: number;
  /** Absent where nothing may end it, as in a release. */
  readonly signal?: AbortSignal | undefined;
  /** What is being done, as in {@link BackupError}. */
  readonly doing: string;
  readonly remedy?: string;
}

/**
 * Waits for the work within its bound. The work itself goes on when the time is up: the caller ends it.
 * Fails with `unreachable` when the time is up and with `interrupted` when the signal aborts.
 */
export async function bounded<T>(work: Promise<T>, { ms, signal, doing, remedy }: Bound): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const end = new Promise<never>((_, reject) => {
    abort = () => reject(interrupted(doing));
    if (signal?.aborted) return abort();
    signal?.addEventListener("abort", abort, { once: true });
    timer = setTimeout(() => {
      const found = `no answer within ${formatDuration(ms)}`;
      reject(
        new BackupError({ kind: "unreachable", doing, found, ...(remedy === undefined ? {} : { remedy }) }),
      );
    }, ms);
  });
  // Whatever comes after the bound has nobody left to be told to.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener("abort", abort);
  }
}

/** Waits so many milliseconds; an abort ends the wait with `interrupted`. */
export async function pause(ms: number, doing: string, signal?: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const work = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await bounded(work, { ms: ms + 60_000, signal, doing }).finally(() => clearTimeout(timer));
}

/** A text of a server or a driver without the secrets that it might repeat, in one line. */
export function withoutSecrets(text: string, secrets: readonly (string | undefined)[]): string {
  const known = secrets.filter((secret) => secret !== undefined && secret !== "") as string[];
  const clean = known.reduce((all, secret) => all.replaceAll(secret, "***"), text);
  return clean.replace(/\s+/g, " ").trim();
}
