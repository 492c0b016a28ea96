import { BackupError, type Failure, sentenceOf } from "../core/errors.ts";
import type { CopyResult, Existing } from "../core/file-ports.ts";
import { rateOf, type Sample, withSample } from "../core/rate.ts";
import type { StoredEntry, StoreProgress } from "../core/store-ports.ts";
import { systemClock } from "../host/clock.ts";
import { type Fetched, fetchTree } from "../host/fetch-tree.ts";
import type { Reading } from "./stored-reading.ts";
import type { StoredSession } from "./stored-session.ts";

/** One tree of a snapshot that is brought into place. */
export interface TreeOrder {
  readonly path: string;
  readonly to: string;
  readonly entries: readonly StoredEntry[];
  readonly bytes: number;
  readonly existing: Existing;
  /** Whether only this user may read it. */
  readonly confined: boolean;
}

/** Attributes that this host or its filesystem does not take: what is in the files is as it was. */
const ofAttributes =
  /xattr|extended attribute|lchown|chown|chmod|operation not (?:permitted|supported)|utimes/i;

/** Has restic restore a tree into a directory of ours, and brings it into place from there. */
export async function restoreTree(
  { path, to, entries, bytes, existing, confined }: TreeOrder,
  { store, snapshot, point }: Reading,
  session: StoredSession,
  signal: AbortSignal,
): Promise<CopyResult> {
  const tell = telling(bytes, entries.length, session);
  const fetch = async (target: string): Promise<Fetched> => {
    const { problems, fillsHoles = false } = await store.restore(
      { snapshot, include: [path], target },
      tell,
      signal,
    );
    const grave = problems.find(({ found }) => !ofAttributes.test(found));
    if (grave !== undefined) throw notRestored(path, grave);
    return { notes: problems.map(sentenceOf), fillsHoles };
  };
  const identity = `${point.id}, ${snapshot}`;
  const order = { path, to, identity, existing, entries, confined, fetch };
  return fetchTree(order, signal);
}

/** Where it is not this host that lacks room, what is stored cannot be read: a mirror may have it. */
function notRestored(path: string, { found }: Failure): BackupError {
  const isOurs = /no space left|quota exceeded|read-only file system|file too large/i.test(found);
  return new BackupError({
    kind: isOurs ? "cannot-write" : "unexpected",
    doing: `restore ${path}`,
    found,
    remedy: isOurs
      ? "free some space, or name another place by --to"
      : "nothing has been put into place; see what `ec2-backup repository check` finds",
  });
}

function telling(
  ofBytes: number,
  ofEntries: number,
  { options }: StoredSession,
): (progress: StoreProgress) => void {
  let samples: readonly Sample[] = [];
  return ({ bytesDone, filesDone }) => {
    if (bytesDone === undefined) {
      options.tell({ percent: 0, doing: "restoring" });
      return;
    }
    samples = withSample(samples, { at: systemClock.elapsed(), bytes: bytesDone });
    const rate = rateOf(samples);
    const percent = ofBytes > 0 ? (bytesDone / ofBytes) * 100 : 0;
    const doing = filesDone === undefined ? "restoring" : `${filesDone} of ${ofEntries} restored`;
    options.tell({ percent, doing, ...(rate === undefined ? {} : { rate }) });
  };
}
