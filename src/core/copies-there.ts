import { holdsOf } from "./point-holds.ts";
import { pointsOf, tagKeys } from "./point-tags.ts";
import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";
import { asCaptured, copiedFrom, copyKeys } from "./restore-copies.ts";

/** All copies of one snapshot in one Region. */
export interface CopiesOfOne {
  readonly point: string;
  readonly source: string;
  /** The one that counts: the oldest complete one, of those that are held if any is; else the oldest under way. */
  readonly keeper?: Snapshot;
  /** Others beside it that are or may become complete, as two who copy at once make them. */
  readonly doubled: readonly Snapshot[];
  /** The newest last. */
  readonly failed: readonly Snapshot[];
}

/**
 * The copies of a series as they are in one Region, by point and source. What another tool has copied is not among
 * them, nor what does not tell which snapshot of which point it is of: neither is ours to judge. `asOf`: the clock of the listing.
 */
export function copiesThere(snapshots: readonly Snapshot[], asOf: Date): readonly CopiesOfOne[] {
  // By id: of one that a listing tells twice, one would be cleared as the other's double.
  const once = [...new Map(snapshots.map((one) => [one.id, one])).values()];
  const told = once.filter(
    ({ tags, state }) =>
      /^snap-[0-9a-f]{8,17}$/.test(tags[copiedFrom] ?? "") &&
      (tags[tagKeys.point] ?? "") !== "" &&
      tags[copyKeys.from] !== undefined &&
      tags[copyKeys.volume] !== undefined &&
      state !== "recoverable" &&
      state !== "recovering",
  );
  const isHeld = (one: Snapshot) => holdsOf(one, asOf).length > 0;
  const groups = Map.groupBy(told, ({ tags }) => `${tags[tagKeys.point]} ${tags[copiedFrom]}`);
  return [...groups.values()].map((group) => {
    const ordered = [...group].sort(oldestFirst);
    const complete = ordered.filter(({ state }) => state === "completed");
    const [held, free] = [complete.filter(isHeld), complete.filter((one) => !isHeld(one))];
    const living = [...held, ...free, ...ordered.filter(({ state }) => state === "pending")];
    const [keeper, ...doubled] = living;
    const tags = group[0]?.tags ?? {};
    return {
      point: tags[tagKeys.point] ?? "",
      source: tags[copiedFrom] ?? "",
      ...(keeper && { keeper }),
      doubled,
      failed: ordered.filter(({ state }) => state === "error"),
    };
  });
}

function oldestFirst(a: Snapshot, b: Snapshot): number {
  return a.startTime.getTime() - b.startTime.getTime() || (a.id < b.id ? -1 : 1);
}

/**
 * The points that the copies in a Region are, of the copies that count alone: with the volumes and the instant of
 * their capture.
 */
export function pointsThere(copies: readonly CopiesOfOne[], asOf: Date): RecoveryPoint[] {
  return pointsOf(
    asCaptured(
      copies.flatMap(({ keeper }) => keeper ?? []),
      [],
    ),
    asOf,
  );
}

/** Which try a failed copy was. */
export function attemptOf({ tags }: Snapshot): number {
  const told = Number(tags[copyKeys.attempt] ?? 1);
  return Number.isSafeInteger(told) && told >= 1 ? told : 1;
}
