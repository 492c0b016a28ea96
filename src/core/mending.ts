import { BackupError, type Failure, failureOf, sentenceOf } from "./errors.ts";
import type { Unreadable, UnreadableFile } from "./store-answers.ts";
import type { Store } from "./store-ports.ts";

/** The codes of failures that come of a file of a repository that is there and cannot be read. */
export const unreadableCodes: Readonly<Record<UnreadableFile, string>> = {
  index: "UnreadableIndex",
  snapshot: "UnreadableSnapshot",
};

/** What restic goes on without, or is about to mend. */
const passedBy = /^\s*(?:Ignoring|could not load|removing invalid)/;

/** The file that a line of restic says cannot be read: what is in it is not what its name says. */
export function unreadableIn(line: string): Unreadable | undefined {
  const [, kind, id = ""] = /<(index|snapshot)\/([0-9a-f]+)>\)?: invalid data returned/.exec(line) ?? [];
  return (kind === "index" || kind === "snapshot") && !passedBy.test(line) ? { kind, id } : undefined;
}

/** What could not be read, where an operation failed by that. */
export function unreadableOf(error: unknown): Unreadable | undefined {
  if (!(error instanceof BackupError)) return undefined;
  const found = unreadableIn(error.found);
  return found !== undefined && unreadableCodes[found.kind] === error.code ? found : undefined;
}

/** What is told of a repository in which something was mended or passed by. */
export function mendedIn(repository: string, found: string): Failure {
  return {
    kind: "unexpected",
    code: "Mended",
    doing: `work in the repository ${repository}`,
    found,
    remedy: `see why its server died or lost what it had accepted, then: ec2-backup repository check ${repository}`,
  };
}

/** Hears what was mended in the repository of that name. */
export type TellMended = (repository: string, found: string) => void;

/**
 * Does it; where a file of an index cannot be read, which a dying server has left half-written, makes that index anew and
 * does it again, once. It is done again also where nothing had to be mended any more: somebody else was quicker.
 */
export async function mending<T>(
  stores: readonly Store[],
  act: () => Promise<T>,
  tell: TellMended,
  signal: AbortSignal,
): Promise<T> {
  let unreadable: Unreadable | undefined;
  try {
    return await act();
  } catch (error) {
    unreadable = unreadableOf(error);
    if (unreadable?.kind !== "index") throw error;
  }
  const failures: Failure[] = [];
  for (const store of stores) {
    const failure = await repaired(store, unreadable.id, tell, signal);
    if (failure !== undefined) failures.push(failure);
  }
  try {
    return await act();
  } catch (error) {
    if (failures.length === 0 || unreadableOf(error) === undefined) throw error;
    const { found, ...failure } = failureOf(error, "work in the repository");
    const why = failures.map(sentenceOf).join("; ");
    throw new BackupError(
      { ...failure, found: `${found}; and it could not be mended: ${why}` },
      { cause: error },
    );
  }
}

/** Makes the index of a repository anew if that file of it is there and cannot be read. Why it could not. */
export async function repaired(
  store: Store,
  id: string,
  tell: TellMended,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const doing = `repair the index of ${store.config.name}`;
  try {
    if (await store.repairIndex(id, signal))
      tell(
        store.config.name,
        `a file of its index could not be read (${id}), and the index was made anew of the data`,
      );
    return undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    return failureOf(error, doing);
  }
}
