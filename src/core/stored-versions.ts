import type { RecoveryPoint } from "./recovery-point.ts";
import type { StoredEntry } from "./store-ports.ts";
import { inTreeOrder } from "./stored-diff.ts";

/** A path as it is in some points, one after the other, without a change of what is listed of it. */
export interface FoundVersion {
  readonly entry: StoredEntry;
  /** Newest first. */
  readonly points: readonly RecoveryPoint[];
}

/** The versions of each path, in the order of the tree, newest first. */
export function versionsOf(
  hits: readonly { readonly point: RecoveryPoint; readonly entries: readonly StoredEntry[] }[],
): readonly FoundVersion[] {
  const byPath = new Map<string, { entry: StoredEntry; points: RecoveryPoint[] }[]>();
  for (const { point, entries } of hits)
    for (const entry of entries) {
      const versions = byPath.get(entry.path) ?? [];
      byPath.set(entry.path, versions);
      const last = versions.at(-1);
      if (last !== undefined && isSame(last.entry, entry)) last.points.push(point);
      else versions.push({ entry, points: [point] });
    }
  return [...byPath].toSorted(([a], [b]) => inTreeOrder(a, b)).flatMap(([, versions]) => versions);
}

function isSame(a: StoredEntry, b: StoredEntry): boolean {
  const isListed =
    a.type === b.type && a.size === b.size && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
  return isListed && a.mtime?.getTime() === b.mtime?.getTime();
}
