import { BackupError } from "./errors.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { type Consistency, consistencies } from "./retention-policy.ts";

/** Which points somebody wants to see or to restore. What is absent asks for nothing. */
export interface PointWish {
  /** The newest point that was captured at or before it. */
  readonly at?: Date;
  /** The id of a point, or the beginning of it, eight characters at least. */
  readonly point?: string;
  /** The id of a snapshot: the point that it is a member of. */
  readonly from?: string;
  readonly jobs?: readonly string[];
  /** Tags that a member of the point carries, `aws:` and ours included; without a value any will do. */
  readonly tags?: readonly { readonly key: string; readonly value?: string }[];
  /** At least this one. */
  readonly consistency?: Consistency;
}

/** The points that the wish allows, newest first; `at` leaves out what is younger. */
export function matching(points: readonly RecoveryPoint[], wish: PointWish): readonly RecoveryPoint[] {
  return points
    .filter((point) => wish.at === undefined || point.captured.getTime() <= wish.at.getTime())
    .filter((point) => wish.point === undefined || isNamed(point, wish.point))
    .filter((point) => wish.from === undefined || point.snapshots.some(({ id }) => id === wish.from))
    .filter((point) => (wish.jobs ?? []).length === 0 || wish.jobs?.includes(point.job) === true)
    .filter((point) => (wish.tags ?? []).every((tag) => hasTag(point, tag)))
    .filter((point) => rank(point.consistency) >= rank(wish.consistency ?? "crash"))
    .sort((a, b) => b.captured.getTime() - a.captured.getTime() || (a.id < b.id ? 1 : -1));
}

/** Points of a repository are also known by the ids that restic gave their snapshots. */
function isNamed(point: RecoveryPoint, name: string): boolean {
  const ids = [point.id, ...(point.stored === undefined ? [] : point.snapshots.map(({ id }) => id))];
  return ids.some((id) => id === name || (name.length >= 8 && id.startsWith(name)));
}

function hasTag(point: RecoveryPoint, { key, value }: { readonly key: string; readonly value?: string }) {
  return point.snapshots.some(
    ({ tags }) => Object.hasOwn(tags, key) && (value === undefined || tags[key] === value),
  );
}

function rank(consistency: Consistency): number {
  return consistencies.indexOf(consistency);
}

/** The point to be restored, and why it is that one. */
export interface Choice {
  readonly point: RecoveryPoint;
  readonly because: string;
  /** Younger points that the wish allows too and that were passed over, newest first, with the reason. */
  readonly passedOver: readonly { readonly point: RecoveryPoint; readonly because: string }[];
}

/**
 * The newest complete point that the wish allows, points of images last. One that is named, by its id or by a snapshot, is taken whatever
 * its state: what it holds can be restored, and what cannot is told by its snapshots. Throws `not-found`, or `usage`
 * where the points are of several machines or the name of several points.
 */
export function choosePoint(points: readonly RecoveryPoint[], wish: PointWish): Choice {
  const allowed = matching(points, wish);
  const doing = "choose the point to restore";
  const named = wish.point ?? wish.from;
  if (named !== undefined) {
    const [only, ...more] = allowed;
    if (only === undefined) throw notThere(points, wish, doing);
    if (more.length > 0) throw ambiguous(named, allowed, doing);
    return { point: only, because: `${named} names it`, passedOver: [] };
  }
  const machines = new Set(allowed.map(({ instanceArn }) => instanceArn));
  if (machines.size > 1) throw severalMachines([...machines], doing);
  // A point of an image is no more than crash-consistent: it is taken where it is named, or nothing else is there.
  const regular = allowed.filter(({ image }) => image === undefined);
  const among = regular.some(({ state }) => state === "complete") ? regular : allowed;
  const index = among.findIndex(({ state }) => state === "complete");
  const point = among[index];
  if (point === undefined) throw notThere(points, wish, doing);
  const passedOver = among.slice(0, index).map((one) => ({ point: one, because: `it is ${one.state}` }));
  return { point, because: "it is the newest complete point that was asked for", passedOver };
}

function notThere(points: readonly RecoveryPoint[], wish: PointWish, doing: string): BackupError {
  const allowed = matching(points, wish);
  const oldest = matching(points, { ...wish, at: new Date(8.64e15) }).at(-1);
  const states = [...new Set(allowed.map(({ state }) => state))].join(" or ");
  const early = wish.at !== undefined && oldest !== undefined && allowed.length === 0;
  return new BackupError({
    kind: "not-found",
    doing,
    found:
      points.length === 0
        ? "there is no recovery point"
        : early
          ? `the oldest point that was asked for is of ${oldest.captured.toISOString()}, which is later than the time`
          : allowed.length > 0
            ? `none of the ${allowed.length} points that were asked for is complete: they are ${states}`
            : `none of the ${points.length} points is as asked for`,
    remedy:
      allowed.length > 0
        ? `name one to restore what it holds: --point ${allowed[0]?.id}`
        : "see all points with `ec2-backup restore list`",
  });
}

function ambiguous(name: string, points: readonly RecoveryPoint[], doing: string): BackupError {
  return new BackupError({
    kind: "usage",
    doing,
    found: `${name} names ${points.length} points: ${points.map(({ id }) => id).join(", ")}`,
    remedy: "give the whole id",
  });
}

function severalMachines(arns: readonly string[], doing: string): BackupError {
  return new BackupError({
    kind: "usage",
    doing,
    found: `the points are of ${arns.length} instances: ${arns.join(", ")}`,
    remedy: "say which one with --instance",
  });
}
