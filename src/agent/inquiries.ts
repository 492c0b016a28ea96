import { brake } from "../core/brake.ts";
import { BackupError } from "../core/errors.ts";
import type { Explanation } from "../core/explanation.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { Problem } from "../core/report.ts";
import { newestFirst, planRetention } from "../core/retention.ts";
import { describePolicy } from "../core/retention-policy.ts";
import { storedPolicy } from "../core/stored-policy.ts";
import type { CopiesInRegion, CopiesSeen } from "./copies-seen.ts";
import { imagePoints } from "./instance-images.ts";
import type { Opened } from "./open.ts";
import { openReading, storedOf } from "./reading.ts";
import type { AgentOptions } from "./wish.ts";

/** Points, and which of them are beyond the retention of jobs that another role prunes. */
export interface Found {
  readonly points: readonly RecoveryPoint[];
  readonly beyond?: ReadonlySet<string>;
  /** What other Regions have of them, and of points that are gone here. */
  readonly copies?: readonly CopiesInRegion[];
  /** Repositories and Regions that could not be asked. */
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
  const { points: inRepositories } = stored;
  const copied = await copiesOf(opened, listing.points, options, signal);
  const problems = [...stored.problems, ...copied.problems];
  const regions = copied.regions.filter(({ job }) => jobs.length === 0 || jobs.includes(job.name));
  const copies = regions.length === 0 ? {} : { copies: regions };
  const all = [...ofVolumes, ...inRepositories];
  const asked = all.filter((point) => jobs.length === 0 || jobs.includes(point.job)).sort(newestFirst);
  if (!force.jobs.some(({ prune, lock }) => prune !== undefined || lock !== undefined))
    return { points: asked, problems, ...copies };
  const { beyondRetention, withLocks } = await import("./point-marks.ts");
  const locking = force.jobs.some(({ lock }) => lock !== undefined);
  return {
    points: locking ? await withLocks(asked, session, signal) : asked,
    beyond: beyondRetention(asked, force.jobs, listing.asOf),
    problems,
    ...copies,
  };
}

/** Most jobs copy nowhere, and load nothing of it. */
async function copiesOf(
  opened: Opened,
  here: readonly RecoveryPoint[],
  options: AgentOptions,
  signal: AbortSignal,
): Promise<CopiesSeen> {
  if (!opened.force.jobs.some(({ copy }) => copy !== undefined)) return { regions: [], problems: [] };
  const { copiesSeen } = await import("./copies-seen.ts");
  return copiesSeen(opened, here, options, signal);
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
  const copied =
    point === undefined ? await copiesOf(opened, points, options, signal) : { regions: [], problems: [] };
  const there = copied.regions.find((one) => one.points.some(isMeant));
  if (there !== undefined) {
    const { explainCopy } = await import("./explain-copy.ts");
    return explainCopy(snapshot, there);
  }
  const [unasked] = [...stored.problems, ...copied.problems];
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
