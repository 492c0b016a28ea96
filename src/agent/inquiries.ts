import type { FormerContent } from "../actions/prune.ts";
import { brake } from "../core/brake.ts";
import { BackupError } from "../core/errors.ts";
import type { Explanation } from "../core/explanation.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { restorableVolumes } from "../core/recovery-point.ts";
import type { Problem } from "../core/report.ts";
import { newestFirst, planRetention } from "../core/retention.ts";
import { describePolicy } from "../core/retention-policy.ts";
import { storedPolicy } from "../core/stored-policy.ts";
import type { StoredWish } from "../core/stored-wish.ts";
import { imagePoints } from "./instance-images.ts";
import { type Opened, open } from "./open.ts";
import type { StoredSeen } from "./stored-inquiries.ts";
import type { AgentOptions } from "./wish.ts";

/** Points, and which of them are beyond the retention of jobs that another role prunes. */
export interface Found {
  readonly points: readonly RecoveryPoint[];
  readonly beyond?: ReadonlySet<string>;
  /** Repositories that could not be asked. */
  readonly problems: readonly Problem[];
}

/** The points of this instance, newest first; of the given jobs only, if any are given. */
export async function points(
  jobs: readonly string[],
  options: AgentOptions,
  signal: AbortSignal,
): Promise<Found> {
  const opened = await openReading(options, signal);
  const { session, force } = opened;
  const [listing, stored] = await Promise.all([
    session.engine.list({ instanceArn: session.discovery.instance.arn }, signal),
    storedOf(opened, options, signal),
  ]);
  const ofVolumes = [...listing.points, ...(await imagePoints(listing, session, options, signal))];
  const { problems, points: inRepositories } = stored;
  const all = [...ofVolumes, ...inRepositories];
  const asked = all.filter((point) => jobs.length === 0 || jobs.includes(point.job)).sort(newestFirst);
  if (!force.jobs.some(({ prune, lock }) => prune !== undefined || lock !== undefined))
    return { points: asked, problems };
  const { beyondRetention, withLocks } = await import("./point-marks.ts");
  const locking = force.jobs.some(({ lock }) => lock !== undefined);
  return {
    points: locking ? await withLocks(asked, session, signal) : asked,
    beyond: beyondRetention(asked, force.jobs, listing.asOf),
    problems,
  };
}

/** What a snapshot belongs to, and what the next run would do with it. */
export async function explain(
  snapshot: string,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<Explanation> {
  const opened = await openReading(options, signal);
  const { session, force } = opened;
  const { instance } = session.discovery;
  const [listing, stored] = await Promise.all([
    session.engine.list({ instanceArn: instance.arn }, signal),
    storedOf(opened, options, signal),
  ]);
  const { points, asOf } = listing;
  const images = await imagePoints(listing, session, options, signal);
  const isMeant = (one: RecoveryPoint) =>
    one.id === snapshot || one.snapshots.some(({ id }) => isOf(id, snapshot));
  const known = [...points, ...images, ...stored.points];
  const point = known.find(isMeant) ?? begunBy(snapshot, known);
  const [unasked] = stored.problems;
  // It may well lie where nobody could look.
  if (point === undefined && unasked !== undefined) throw new BackupError(unasked);
  if (point === undefined) {
    throw new BackupError({
      kind: "not-found",
      doing: `explain ${snapshot}`,
      found: `no recovery point of ${instance.id} is or has this`,
      remedy: "see `ec2-backup list --json`; snapshots of other tools and instances are not ours to explain",
    });
  }
  const listed = stored.listings.get(point.stored?.repository ?? "");
  // Points of images are judged among their like, and those of a repository by its clock.
  const all = listed?.points ?? (point.image === undefined ? points : images);
  return {
    ...(await verdictOf(point, all, listed?.asOf ?? asOf, { session, force }, signal)),
    snapshot: memberOf(point, snapshot),
  };
}

/** The one point whose id begins so, as `restore list` shows it. */
function begunBy(given: string, points: readonly RecoveryPoint[]): RecoveryPoint | undefined {
  const begun = given.includes("-") ? points.filter(({ id }) => id.startsWith(given)) : [];
  const ids = [...new Set(begun.map(({ id }) => id))];
  if (ids.length <= 1) return begun[0];
  throw new BackupError({
    kind: "usage",
    doing: `explain ${given}`,
    found: `${ids.length} points begin so: ${ids.slice(0, 3).join(", ")}`,
    remedy: "give more of the id",
  });
}

/** restic's ids are as long as one likes, from eight digits on. */
function isOf(id: string, given: string): boolean {
  return id === given || (/^[0-9a-f]{8,64}$/.test(given) && id.startsWith(given));
}

/** Most hosts have no repositories, and load nothing of them. */
async function storedOf(opened: Opened, options: AgentOptions, signal: AbortSignal): Promise<StoredSeen> {
  if (opened.force.settings.repositories === undefined)
    return { points: [], listings: new Map(), problems: [] };
  const { storedSeen } = await import("./stored-inquiries.ts");
  return storedSeen(opened, options, signal);
}

function memberOf(point: RecoveryPoint, id: string): string {
  return point.snapshots.find((one) => point.id.startsWith(id) || isOf(one.id, id))?.id ?? id;
}

async function verdictOf(
  point: RecoveryPoint,
  all: readonly RecoveryPoint[],
  asOf: Date,
  { session, force }: Opened,
  signal: AbortSignal,
): Promise<Omit<Explanation, "snapshot">> {
  const job = force.jobs.find((one) => one.name === point.job);
  if (job === undefined) {
    return {
      point,
      verdict: "unknown",
      reasons: [`no job ${point.job} is configured, so nothing prunes its series`],
    };
  }
  const series = all.filter((one) => one.series === point.series);
  const retention = point.stored ? storedPolicy(job, point.stored.content) : job.retention;
  const plan = planRetention(await withHolds(series, point, { session, force }, signal), retention, asOf);
  const kept = plan.keep.find((one) => one.point.id === point.id);
  const policy = describePolicy(retention);
  const { appendOnly = false } = force.settings.repositories?.[point.stored?.repository ?? ""] ?? {};
  if (kept !== undefined) {
    return {
      point: kept.point,
      policy,
      verdict: "keep",
      reasons: kept.reasons.map((one) => one.detail),
    };
  }
  if (job.prune !== undefined || appendOnly) return { point, policy, verdict: "elsewhere", reasons: [] };
  const left = brake(plan, false).postponed.some((one) => one.id === point.id);
  return { point, policy, verdict: left ? "postponed" : "remove", reasons: [] };
}

/** The series with what outside it holds the point in question. */
async function withHolds(
  series: readonly RecoveryPoint[],
  point: RecoveryPoint,
  { session }: Opened,
  signal: AbortSignal,
): Promise<readonly RecoveryPoint[]> {
  if (point.stored !== undefined) return series;
  const engine = point.image === undefined ? session.engine : await session.images();
  const [held] = await engine.withHolds([point], signal);
  return series.map((one) => (one.id === point.id && held !== undefined ? held : one));
}

/** Refuses to give up a volume that is still there; `forget` is for those that are gone. */
export async function forgettable(
  volume: string,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<{ readonly jobs: readonly string[]; readonly former: readonly FormerContent[] }> {
  const opened = await openReading(options, signal);
  const { session, force } = opened;
  const { instance, volumes } = session.discovery;
  if (volumes.some((one) => one.id === volume)) {
    throw new BackupError({
      kind: "usage",
      doing: `forget ${volume}`,
      found: `it is attached to ${instance.id}`,
      remedy: "leave it out with the tag Backup=no or volumes.exclude and detach it first",
    });
  }
  const { points: regular, images = [] } = await session.engine.list({ instanceArn: instance.arn }, signal);
  const stored = await storedOf(opened, options, signal);
  const [unasked] = stored.problems;
  if (unasked !== undefined && !volume.startsWith("vol-")) throw new BackupError(unasked);
  const still = force.jobs.find(({ stored: wish }) => stores(wish, volume));
  if (still !== undefined) {
    throw new BackupError({
      kind: "usage",
      doing: `forget ${volume}`,
      found: `the job ${still.name} stores it`,
      remedy: "take it out of the job first; what is still made keeps its newest point",
    });
  }
  const all = [...regular, ...images, ...stored.points];
  const jobs = new Set(
    all.filter((point) => restorableVolumes(point).includes(volume)).map((point) => point.job),
  );
  if (jobs.size === 0) {
    throw new BackupError({
      kind: "not-found",
      doing: `forget ${volume}`,
      found: `no recovery point of ${instance.id} contains it`,
    });
  }
  // Of a dump that is still made, parts that are not found any more go by the rules.
  const isPart = force.jobs.some(({ stored: wish }) =>
    wish?.dumps.some(({ name }) => volume.startsWith(`dump/${name}/`)),
  );
  if (isPart) return { jobs: [...jobs], former: [] };
  const repositories = new Set(
    stored.points
      .filter((point) => restorableVolumes(point).includes(volume))
      .map((one) => one.stored?.repository),
  );
  const former = [...repositories].flatMap((repository) =>
    repository === undefined ? [] : [{ source: volume, repository }],
  );
  return { jobs: [...jobs], former };
}

/** Whether a job is still to store what is called so: `files`, or a dump or a part of one. */
function stores(wish: StoredWish | undefined, volume: string): boolean {
  if (wish === undefined) return false;
  return volume === "files"
    ? wish.files !== undefined
    : wish.dumps.some(({ name }) => volume === `dump/${name}`);
}

async function openReading(options: AgentOptions, signal: AbortSignal): Promise<Opened> {
  const { newRunId } = await import("./session.ts");
  return open(newRunId(), options, signal);
}
