import { BackupError, sentenceOf } from "../core/errors.ts";
import type { Instance } from "../core/instance.ts";
import { pointsOf, tagKeys } from "../core/point-tags.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { type Choice, choosePoint, matching, type PointWish } from "../core/restore-choice.ts";
import { asCaptured, copyBack, originsOf } from "../core/restore-copies.ts";
import { instantOf } from "../core/restore-instant.ts";
import type { FoundSnapshot } from "../core/restore-ports.ts";
import type { PointQuery } from "../core/restore-query.ts";
import type { RestoreSession } from "./restore-session.ts";

/** Points that were asked for, and the clock of the answer. */
export interface FoundPoints {
  /** Newest first. */
  readonly points: readonly RecoveryPoint[];
  readonly all: readonly RecoveryPoint[];
  readonly asOf: Date;
  readonly wish: PointWish;
  /** What `--at` came to. */
  readonly at?: Date;
  readonly zone: string;
  /** The Region that they are in, where that is not this instance's. */
  readonly away?: string;
}

/** The points of this instance or of another, as far as they were asked for. */
export async function findPoints(
  query: PointQuery,
  session: RestoreSession,
  signal: AbortSignal,
): Promise<FoundPoints> {
  const { instance } = session.opened.session.discovery;
  const { zone } = session;
  const away = query.region === undefined || query.region === instance.region ? undefined : query.region;
  const finder = away === undefined ? session.snapshots : session.snapshotsIn(away);
  if (query.from !== undefined) {
    const where = { snapshots: finder, zone, region: away ?? instance.region };
    return { ...(await fromSnapshot(query, query.from, where, signal)), ...(away && { away }) };
  }
  const [key, value] = sourceOf(query.instance, instance);
  const { snapshots: listed, asOf } = await finder.byTag(key, value, signal);
  const wish = wishOf(query, zone, asOf);
  // Those that copies in another Region were made of are here, if they still are.
  const origins = away === undefined ? [] : await present(originsOf(listed), session, signal);
  const all = pointsOf(asCaptured(listed, origins), asOf);
  if (away !== undefined)
    return { points: matching(all, wish), all, asOf, wish, zone, away, ...(wish.at && { at: wish.at }) };
  return { points: matching(all, wish), all, asOf, wish, zone, ...(wish.at && { at: wish.at }) };
}

/** What cannot be looked at only leaves unknown which volumes they were taken of. */
async function present(
  ids: readonly string[],
  { snapshots, deps }: RestoreSession,
  signal: AbortSignal,
): Promise<readonly FoundSnapshot[]> {
  try {
    return await snapshots.byId(ids, signal);
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    deps.log("warn", `which volumes the copies are of is told by their sizes only: ${sentenceOf(error)}`);
    return [];
  }
}

/** Points carry the ARN and the Name tag of their instance, so that those of a terminated one are found too. */
function sourceOf(named: string | undefined, { arn, id }: Instance): readonly [string, string] {
  if (named === undefined || named === id || named === arn) return [tagKeys.instance, arn];
  if (/^i-[0-9a-f]{8,17}$/.test(named)) return [tagKeys.instance, arn.replace(/[^/]+$/, named)];
  return /^arn:/.test(named) ? [tagKeys.instance, named] : [tagKeys.name, named];
}

/** What was asked for, with times as instants. `others`: what may be said instead of `--at`, where it is no flag. */
export function wishOf(query: PointQuery, zone: string, now: Date, others?: string): PointWish {
  const { at: text, point, from, jobs, tags, consistency } = query;
  let at: Date | undefined;
  try {
    at = text === undefined ? undefined : instantOf(text, zone, now);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    const doing = others === undefined ? `read --at ${text}` : `find the point ${text}`;
    throw new BackupError({ kind: "usage", doing, found, ...(others && { remedy: others }) });
  }
  return {
    ...(at && { at }),
    ...(point !== undefined && { point }),
    ...(from !== undefined && { from }),
    jobs,
    tags,
    ...(consistency && { consistency }),
  };
}

/** One snapshot that is named, whoever made it: of a point it stands for itself alone. */
async function fromSnapshot(
  query: PointQuery,
  id: string,
  { snapshots, zone, region }: Pick<RestoreSession, "snapshots" | "zone"> & { readonly region: string },
  signal: AbortSignal,
): Promise<FoundPoints> {
  const [found] = await snapshots.byId([id], signal);
  if (found === undefined) throw await notThere(id, snapshots, region, signal);
  // Only to tell what is left of a wait; what is restored does not go by it.
  const asOf = found.startTime;
  const [tagged] = pointsOf([found], asOf);
  const recipe = tagged?.recipe.filter(({ volumeId }) => volumeId === found.volumeId) ?? [];
  const point = {
    ...(tagged ?? foreign(found)),
    snapshots: [found],
    recipe: recipe.length > 0 ? recipe : [{ volumeId: found.volumeId }],
    state: found.state === "completed" ? ("complete" as const) : ("pending" as const),
  };
  const wish = wishOf({ ...query, from: id }, zone, asOf);
  return { points: [point], all: [point], asOf, wish, zone };
}

function foreign({ id, startTime }: FoundSnapshot) {
  return {
    id,
    run: "",
    job: "",
    series: "",
    instanceArn: "",
    captured: startTime,
    consistency: "crash" as const,
    holds: [],
  };
}

async function notThere(
  id: string,
  snapshots: RestoreSession["snapshots"],
  region: string,
  signal: AbortSignal,
): Promise<BackupError> {
  const bin = await snapshots.inRecycleBin([id], signal);
  const binned = bin?.has(id) === true;
  return new BackupError({
    kind: "not-found",
    doing: `restore ${id}`,
    found: binned
      ? "it was deleted and lies in the Recycle Bin"
      : `there is no such snapshot in this region${bin === undefined ? ", and the Recycle Bin cannot be looked into" : ""}`,
    remedy: binned
      ? `aws ec2 restore-snapshot-from-recycle-bin --region ${region} --snapshot-id ${id}`
      : "see `ec2-backup restore list`; one of another account must be shared with this one",
  });
}

/** Throws `refused` where the point is in another Region, with the commands that bring it here. */
export function requireHere({ point }: Choice, { away }: FoundPoints, here: string): void {
  if (away === undefined) return;
  const commands = copyBack(point.snapshots, away, here).join("; ");
  throw new BackupError({
    kind: "refused",
    doing: `restore ${point.id}`,
    found: `its snapshots are in ${away}, and volumes for this instance can only be made of snapshots in ${here}`,
    remedy: `bring them here with \`${commands}\`, and when they are complete restore each: ec2-backup restore volumes --from SNAPSHOT`,
  });
}

/** Has somebody choose among the points that were found, and gives the id of one. */
export type PickPoint = (found: FoundPoints) => Promise<string>;

/** The point to be restored. */
export function choose({ all, wish }: FoundPoints): Choice {
  return choosePoint(all, wish);
}

/** The same, or the one that somebody picks where he can be asked. */
export async function choosing(found: FoundPoints, pick: PickPoint | undefined): Promise<Choice> {
  if (pick === undefined) return choose(found);
  return { ...choosePoint(found.all, { point: await pick(found) }), because: "it was chosen from the list" };
}
