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

/** Whether what hangs on such a file may be mended. */
export type MayMend = (unreadable: Unreadable) => boolean;

/**
 * Does it; where restic meets a file that a dying server has left half-written, mends the repository and does it again:
 * an index is made anew, once, and of snapshots goes what came of saves of this host that broke off. Where an index
 * had not to be mended any more it is done again all the same: somebody else was quicker.
 */
export async function mending<T>(
  stores: readonly Store[],
  act: () => Promise<T>,
  tell: TellMended,
  signal: AbortSignal,
  may: MayMend = () => true,
): Promise<T> {
  const isNew = onceEach();
  let failures: readonly Failure[] = [];
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const unreadable = unreadableOf(error);
      if (unreadable === undefined || !may(unreadable)) throw error;
      if (!isNew(unreadable)) throw unmended(error, failures);
      const ends = await inTurn(stores, (store) => mend(store, unreadable, tell, signal));
      failures = ends.flatMap(({ failure }) => failure ?? []);
      if (!ends.some(({ again }) => again)) throw unmended(error, failures);
    }
  }
}

/** Lets each snapshot be mended once, and the index once: what a server makes of a new one may be no better. */
export function onceEach(): (unreadable: Unreadable) => boolean {
  const met = new Set<string>();
  return ({ kind, id }) => {
    const what = kind === "index" ? kind : id;
    if (met.has(what)) return false;
    met.add(what);
    return true;
  };
}

async function inTurn<T, R>(all: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const one of all) done.push(await act(one));
  return done;
}

function unmended(error: unknown, failures: readonly Failure[]): unknown {
  if (failures.length === 0) return error;
  const { found, ...failure } = failureOf(error, "work in the repository");
  const why = failures.map(sentenceOf).join("; ");
  return new BackupError(
    { ...failure, found: `${found}; and it could not be mended: ${why}` },
    { cause: error },
  );
}

/**
 * Mends one repository if that file of it is there, cannot be read, and may be mended; tells what was done. Whether it is
 * worth another try, as it always is with an index, which somebody else may have mended meanwhile.
 */
export async function mend(
  store: Store,
  unreadable: Unreadable,
  tell: TellMended,
  signal: AbortSignal,
): Promise<{ readonly again: boolean; readonly failure?: Failure }> {
  const { kind, id } = unreadable;
  const { name } = store.config;
  const doing = kind === "index" ? `repair the index of ${name}` : `clear snapshot ${id} out of ${name}`;
  try {
    const mended = await store.mend(unreadable, signal);
    if (mended) tell(name, mendedWords[kind](id));
    return { again: mended || kind === "index" };
  } catch (error) {
    if (signal.aborted) throw error;
    return { again: kind === "index", failure: failureOf(error, doing) };
  }
}

const mendedWords: Readonly<Record<UnreadableFile, (id: string) => string>> = {
  index: (id) => `a file of its index could not be read (${id}), and the index was made anew of the data`,
  snapshot: (id) =>
    `a save of this host broke off while its server wrote snapshot ${id}, and the empty file that came of it was removed; until the next prune \`restic recover\` finds what it may have named`,
};
