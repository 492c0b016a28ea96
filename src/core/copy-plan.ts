/** An entry of a tree that is to be copied. Names are bytes, each as one character. */
export interface TreeEntry {
  /** From the directory that holds the tree. */
  readonly path: string;
  /** `f`, `d`, `l`, `p`, `s`, `b`, `c`, as find(1) writes it. */
  readonly kind: string;
  /** Bytes that its content takes on the disk or is long, whichever is less. */
  readonly bytes: number;
  /** Tells hard links of one file: equal for all of them; absent where there is one alone. */
  readonly inode?: string;
}

/** A part of the work that is done or not done. */
export interface CopyBatch {
  readonly entries: readonly TreeEntry[];
  /** Further names of files, with the first name: made once that is there. */
  readonly links: readonly { readonly path: string; readonly first: string }[];
  readonly bytes: number;
}

export interface CopyPlan {
  readonly directories: readonly TreeEntry[];
  readonly batches: readonly CopyBatch[];
  readonly sockets: readonly string[];
  readonly bytes: number;
  readonly entries: number;
}

/** Where a batch ends; what is interrupted does at most one batch again. */
export interface BatchLimits {
  readonly bytes: number;
  readonly entries: number;
}

/** The same plan for the same tree in whatever order it is read, so that a later call can go on in the middle. */
export function copyPlan(tree: readonly TreeEntry[], limits: BatchLimits): CopyPlan {
  const sorted = tree.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const firsts = new Map<string, string>();
  const batches: { entries: TreeEntry[]; links: { path: string; first: string }[]; bytes: number }[] = [];
  let now: (typeof batches)[number] | undefined;
  for (const entry of sorted) {
    if (entry.kind === "d" || entry.kind === "s") continue;
    if (now === undefined || isFull(now, limits)) {
      now = { entries: [], links: [], bytes: 0 };
      batches.push(now);
    }
    const first = entry.inode === undefined ? undefined : firsts.get(entry.inode);
    if (first !== undefined) {
      now.links.push({ path: entry.path, first });
      continue;
    }
    if (entry.inode !== undefined) firsts.set(entry.inode, entry.path);
    now.entries.push(entry);
    now.bytes += entry.bytes;
  }
  return {
    directories: sorted.filter(({ kind }) => kind === "d"),
    batches,
    sockets: sorted.filter(({ kind }) => kind === "s").map(({ path }) => path),
    bytes: batches.reduce((sum, { bytes }) => sum + bytes, 0),
    entries: sorted.length,
  };
}

function isFull({ bytes, entries, links }: CopyBatch, limits: BatchLimits): boolean {
  return bytes >= limits.bytes || entries.length + links.length >= limits.entries;
}
