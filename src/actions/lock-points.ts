import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import { daysLeft, describeLock, type LockWish, lockDays } from "../core/lock.ts";
import type { SnapshotLocks } from "../core/lock-ports.ts";
import type { LockReport } from "../core/lock-report.ts";
import type { Listing } from "../core/ports.ts";
import type { RecoveryPoint, Snapshot } from "../core/recovery-point.ts";
import { pauseAfter } from "./backup.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/** Milliseconds between two locks: EC2 gives back five a second of all that an account asks for (API throttling). */
const pace = 250;

/** One snapshot that is to be locked, and for how many days. */
interface Wanted {
  readonly snapshot: Snapshot;
  readonly days: number;
  /** Made by this run: EC2 may not know it everywhere yet. */
  readonly fresh: boolean;
}

/** What the parts of the work have in common. */
interface Locking {
  readonly job: Job;
  readonly deps: Pick<RunDeps, "clock" | "log">;
  readonly locks: SnapshotLocks;
  readonly record: Recorder;
  readonly wish: LockWish;
}

/** Locks the snapshots of the point that this run has made. Nothing is held still any more. */
export async function lockMade(
  point: RecoveryPoint,
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const locking = await lockingOf(request, deps, record);
  if (locking === undefined) return;
  const wanted = lockable(point).map((snapshot) => ({ snapshot, days: locking.wish.days, fresh: true }));
  found.locks = await lockAll(wanted, locking, emptyReport(locking.wish), signal);
}

/**
 * Locks what runs before have left unlocked: they were killed, or were refused. Only points that are young enough to
 * be locked at all, for the days that are left of their time; EC2 is asked which of them are locked.
 */
export async function lockMissed(
  { points, asOf }: Listing,
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { wish } = found.locks === undefined ? wishOf(request.job) : { wish: found.locks };
  if (request.planned || wish === undefined) {
    if (wish !== undefined) found.locks ??= emptyReport(wish);
    return;
  }
  const own = new Set(found.points.map(({ id }) => id));
  const young = points.filter(({ id, captured }) => !own.has(id) && daysLeft(wish.days, captured, asOf) > 0);
  const candidates = young.flatMap((point) =>
    lockable(point).map((snapshot) => ({
      snapshot,
      days: daysLeft(wish.days, point.captured, asOf),
      fresh: false,
    })),
  );
  if (candidates.length === 0) return;
  const locking = { job: request.job, deps, locks: await deps.snapshotLocks(), record, wish };
  const ids = candidates.map(({ snapshot }) => snapshot.id);
  const locked = await record.step("look for locks", () => locking.locks.locked(ids, signal));
  if (locked === undefined) {
    record.report("notice", unasked(request.job, ids.length));
    return;
  }
  const missed = candidates.filter(({ snapshot }) => !locked.has(snapshot.id));
  const report = found.locks ?? emptyReport(wish);
  const counted = { ...report, already: report.already + candidates.length - missed.length };
  found.locks = await lockAll(missed, locking, counted, signal);
}

/** A point that is half or failed is locked by nobody: retention gives it up at any time. */
function lockable({ state, snapshots, image }: RecoveryPoint): readonly Snapshot[] {
  if (image !== undefined || (state !== "pending" && state !== "complete")) return [];
  return snapshots.filter((one) => one.state === "pending" || one.state === "completed");
}

async function lockingOf(
  { job, planned }: RunRequest,
  deps: RunDeps,
  record: Recorder,
): Promise<Locking | undefined> {
  const { wish, shortened } = wishOf(job);
  if (shortened !== undefined) record.report("warning", shortened);
  if (wish === undefined || planned) return undefined;
  return { job, deps, locks: await deps.snapshotLocks(), record, wish };
}

/** The lock that the job may have. The file is checked; tags may have shortened retention since. */
function wishOf(job: Job): { wish?: LockWish; shortened?: Failure } {
  const { lock } = job;
  if (lock === undefined) return {};
  const days = lockDays(lock, job);
  if (days === lock.days) return { wish: lock };
  const shortened: Failure = {
    kind: "configuration",
    doing: `lock the points of job ${job.name} ${describeLock(lock)}`,
    found: `its retention promises to keep them for ${days} d only, so they are locked for ${days} d`,
    remedy:
      "a lock is never longer than retention: lengthen that, by the tag where a tag says it, or shorten lock.days",
    code: "LockShortened",
  };
  return { shortened, ...(days < 1 ? {} : { wish: { ...lock, days } }) };
}

const emptyReport = (wish: LockWish): LockReport => ({ ...wish, locked: [], already: 0, missing: [] });

/** One after the other, at a pace that leaves others room. One refusal never stops the others. */
async function lockAll(
  wanted: readonly Wanted[],
  locking: Locking,
  before: LockReport,
  signal: AbortSignal,
): Promise<LockReport> {
  const { record } = locking;
  if (wanted.length === 0) return before;
  const locked: string[] = [];
  const failures = new Map<string, Failure>();
  const until = locking.deps.clock.elapsed() + locking.job.waits.retryFor;
  await record.step("lock snapshots", async () => {
    for (const [index, one] of wanted.entries()) {
      if (signal.aborted) break;
      if (index > 0) await locking.deps.clock.sleep(pace, signal);
      const failure = await lockOne(one, locking, until, signal);
      if (failure === undefined) locked.push(one.snapshot.id);
      else failures.set(one.snapshot.id, failure);
    }
  });
  const missing = wanted.map(({ snapshot }) => snapshot.id).filter((id) => !locked.includes(id));
  for (const failure of toldOnce(failures, locking, wanted.length)) record.report("error", failure);
  if (signal.aborted && missing.length > failures.size) record.report("error", interrupted("lock snapshots"));
  return {
    ...before,
    locked: [...before.locked, ...locked],
    missing: [...before.missing, ...missing],
  };
}

/** Tries again what passes, until the time is over. */
async function lockOne(
  { snapshot, days, fresh }: Wanted,
  { job, deps, locks, wish }: Locking,
  until: number,
  signal: AbortSignal,
): Promise<Failure | undefined> {
  const { clock, log } = deps;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await locks.lock(snapshot.id, { ...wish, days }, signal);
      log("info", `locked: ${snapshot.id} for ${days} d (${wish.mode})`, {
        job: job.name,
        snapshot: snapshot.id,
      });
      return undefined;
    } catch (error) {
      const failure = failureOf(error, `lock ${snapshot.id}`);
      const passes = failure.kind === "throttled" || (fresh && failure.kind === "not-found");
      const pause = pauseAfter(attempt, job.waits, clock);
      if (!passes || signal.aborted || clock.elapsed() + pause > until) return failure;
      await clock.sleep(pause, signal);
    }
  }
}

/** A refusal is the same for each snapshot that meets it. */
function toldOnce(failures: ReadonlyMap<string, Failure>, { job }: Locking, all: number): BackupError[] {
  const by = Map.groupBy(failures, ([, { kind, code = "" }]) => `${kind} ${code}`);
  return [...by.values()].map((same) => {
    const [[, first] = [undefined, undefined]] = same;
    const kind = first?.kind ?? "unexpected";
    return new BackupError({
      kind,
      doing: `lock ${same.length} of ${all} snapshots of job ${job.name} (${same.map(([id]) => id).join(", ")})`,
      found: first?.found ?? "",
      remedy:
        kind === "denied"
          ? "allow ec2:LockSnapshot on own snapshots (ec2-backup policy lock), or take `lock` out of the job; the next run tries again"
          : "they are kept but can be deleted by who may; the next run tries again",
      ...(first?.code === undefined ? {} : { code: first.code }),
    });
  });
}

function unasked(job: Job, count: number): Failure {
  return {
    kind: "denied",
    doing: `see whether ${count} earlier snapshots of job ${job.name} are locked`,
    found: "AWS does not tell which snapshots are locked (ec2:DescribeLockedSnapshots)",
    remedy: "a lock that an earlier run missed is not made up for; allow ec2:DescribeLockedSnapshots",
    code: "LocksUnknown",
  };
}
