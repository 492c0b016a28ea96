import { brake } from "../core/brake.ts";
import { BackupError } from "../core/errors.ts";
import type { Explanation } from "../core/explanation.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { restorableVolumes } from "../core/recovery-point.ts";
import { newestFirst, planRetention } from "../core/retention.ts";
import { describePolicy } from "../core/retention-policy.ts";
import { imagePoints } from "./instance-images.ts";
import { type Opened, open } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

/** Points, and which of them are beyond the retention of jobs that another role prunes. */
export interface Found {
  readonly points: readonly RecoveryPoint[];
  readonly beyond?: ReadonlySet<string>;
}

/** The points of this instance, newest first; of the given jobs only, if any are given. */
export async function points(
  jobs: readonly string[],
  options: AgentOptions,
  signal: AbortSignal,
): Promise<Found> {
  const { session, force } = await openReading(options, signal);
  const listing = await session.engine.list({ instanceArn: session.discovery.instance.arn }, signal);
  const all = [...listing.points, ...(await imagePoints(listing, session, options, signal))];
  const asked = all.filter((point) => jobs.length === 0 || jobs.includes(point.job)).sort(newestFirst);
  if (!force.jobs.some(({ prune, lock }) => prune !== undefined || lock !== undefined))
    return { points: asked };
  const { beyondRetention, withLocks } = await import("./point-marks.ts");
  const locking = force.jobs.some(({ lock }) => lock !== undefined);
  return {
    points: locking ? await withLocks(asked, session, signal) : asked,
    beyond: beyondRetention(asked, force.jobs, listing.asOf),
  };
}

/** What a snapshot belongs to, and what the next run would do with it. */
export async function explain(
  snapshot: string,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<Explanation> {
  const { session, force } = await openReading(options, signal);
  const { instance } = session.discovery;
  const listing = await session.engine.list({ instanceArn: instance.arn }, signal);
  const { points, asOf } = listing;
  const images = await imagePoints(listing, session, options, signal);
  const point = [...points, ...images].find(
    (one) => one.id === snapshot || one.snapshots.some(({ id }) => id === snapshot),
  );
  if (point === undefined) {
    throw new BackupError({
      kind: "not-found",
      doing: `explain ${snapshot}`,
      found: `no recovery point of ${instance.id} is or has this`,
      remedy: "see `ec2-backup list --json`; snapshots of other tools and instances are not ours to explain",
    });
  }
  // Points of images are judged among their like.
  const all = point.image === undefined ? points : images;
  return {
    ...(await verdictOf(point, all, asOf, { session, force }, signal)),
    snapshot: memberOf(point, snapshot),
  };
}

function memberOf(point: RecoveryPoint, id: string): string {
  return point.id === id ? (point.snapshots[0]?.id ?? id) : id;
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
  const plan = planRetention(await withHolds(series, point, { session, force }, signal), job.retention, asOf);
  const kept = plan.keep.find((one) => one.point.id === point.id);
  const policy = describePolicy(job.retention);
  if (kept !== undefined) {
    return {
      point: kept.point,
      policy,
      verdict: "keep",
      reasons: kept.reasons.map((one) => one.detail),
    };
  }
  if (job.prune !== undefined) return { point, policy, verdict: "elsewhere", reasons: [] };
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
  const engine = point.image === undefined ? session.engine : await session.images();
  const [held] = await engine.withHolds([point], signal);
  return series.map((one) => (one.id === point.id && held !== undefined ? held : one));
}

/** Refuses to give up a volume that is still there; `forget` is for those that are gone. */
export async function forgettable(
  volume: string,
  options: AgentOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { session } = await openReading(options, signal);
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
  const all = [...regular, ...images];
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
  return [...jobs];
}

async function openReading(options: AgentOptions, signal: AbortSignal): Promise<Opened> {
  const { newRunId } = await import("./session.ts");
  return open(newRunId(), options, signal);
}
