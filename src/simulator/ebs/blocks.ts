import { digest } from "../ids.ts";
import type { Snapshot } from "../world.ts";

/** "The size of the blocks in the snapshot, in bytes": 512 KiB. */
export const blockSize = 524_288;

const day = 86_400_000;

/** Blocks from one index up to, but without, another one. */
export interface Range {
  from: number;
  to: number;
}

/** The blocks that a snapshot has data in: those at the beginning of its volume. */
export function blocksOf({ fullSizeBytes }: Snapshot): Range[] {
  return [{ from: 0, to: Math.ceil(fullSizeBytes / blockSize) }];
}

/**
 * The blocks that differ between two snapshots of a volume. Writers go round its data again and again, at a pace that is
 * always the same: so what changed from one snapshot to another does not depend on which were taken in between.
 */
export function changedBlocks(one: Snapshot, other: Snapshot, lineage: string, perDay: number): Range[] {
  const [first, second] = capturedAt(one) <= capturedAt(other) ? [one, other] : [other, one];
  const total = Math.ceil(second.fullSizeBytes / blockSize);
  if (total === 0) return [];
  const offset = Number.parseInt(digest(`blocks/${lineage}`).slice(0, 8), 16);
  const head = (snapshot: Snapshot) => Math.floor((capturedAt(snapshot) / day) * perDay * total) + offset;
  const from = head(first);
  const count = Math.min(total, head(second) - from);
  if (count === total) return [{ from: 0, to: total }];
  const start = from % total;
  const end = start + count;
  if (end <= total) return [{ from: start, to: end }];
  return [
    { from: 0, to: end - total },
    { from: start, to: total },
  ];
}

/** At most so many of the blocks, from an index on. */
export function pageOfBlocks(ranges: readonly Range[], after: number, most: number): number[] {
  const found: number[] = [];
  for (const { from, to } of ranges) {
    for (let index = Math.max(from, after); index < to && found.length < most; index += 1) found.push(index);
  }
  return found;
}

/** Whether any of the blocks lies at or beyond an index. */
export function anyFrom(ranges: readonly Range[], index: number): boolean {
  return ranges.some(({ from, to }) => to > index && to > from);
}

const capturedAt = ({ copy, startTime }: Snapshot): number => copy?.capturedAt ?? startTime;
