import { BackupError, type Failure } from "./errors.ts";
import type { UnreadableFile } from "./store-answers.ts";
import type { Store } from "./store-ports.ts";

/** The codes of failures that come of a file of a repository that is there and cannot be read. */
export const unreadableCodes: Readonly<Record<UnreadableFile, string>> = {
  index: "UnreadableIndex",
  snapshot: "UnreadableSnapshot",
};

const kinds: readonly UnreadableFile[] = ["index", "snapshot"];

/** What cannot be read, where an operation failed by that. */
export function unreadableIn(error: unknown): UnreadableFile | undefined {
  return error instanceof BackupError ? kinds.find((one) => unreadableCodes[one] === error.code) : undefined;
}

/** What is told of a repository in which something was cleared or passed by. */
export function mendedIn(repository: string, found: readonly string[]): Failure {
  return {
    kind: "unexpected",
    code: "Mended",
    doing: `work in the repository ${repository}`,
    found: found.join("; "),
    remedy: `see why its server died or lost what it had accepted, then: ec2-backup repository check ${repository}`,
  };
}

/**
 * Does it; where files keep it from being done that a dying server has left half-written, clears them and does it again.
 * `tell` hears what was cleared. Throws what could not be cleared away.
 */
export async function mending<T>(
  stores: readonly Store[],
  act: () => Promise<T>,
  tell: (mended: readonly string[]) => void,
  signal: AbortSignal,
): Promise<T> {
  const tried = new Set<UnreadableFile>();
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const what = unreadableIn(error);
      if (what === undefined || tried.has(what)) throw error;
      tried.add(what);
      const mended: string[] = [];
      // Who may not delete there, or cannot reach it any more, tells of what was found first.
      for (const store of stores) mended.push(...(await store.mend(what, signal).catch(() => [])));
      if (mended.length === 0) throw error;
      tell(mended);
    }
  }
}
