import { locksOf } from "../../aws/holds.ts";
import { rehearsalsOf } from "../../aws/rehearsals.ts";
import { leftOutByTags } from "../../config/backup-tag.ts";
import { BackupError } from "../../core/errors.ts";
import { type Finding, NotTestable, nothingFound, type Untested } from "../../core/finding.ts";
import { grantCommand, lockCondition, statementOf } from "../../core/grant.ts";
import type { Discovery } from "../../core/instance.ts";
import type { Job } from "../../core/job.ts";
import type { LockWish } from "../../core/lock.ts";
import { marksOf } from "../../core/point-tags.ts";
import type { RecoveryPoint } from "../../core/recovery-point.ts";
import { scopeOf, selectVolumes } from "../../core/selection.ts";
import { uuidV7 } from "../../host/uuid.ts";
import { thisHost } from "../this-host.ts";
import { askFor, type DoctorCheck } from "./check.ts";
import type { Ground } from "./ground.ts";
import type { Reach } from "./reach.ts";

const refused = "every run of this job ends with exit code 77 and makes no backup";

const unanswered = "it is not sure that the endpoint takes notice of DryRun";

/** The very request of each job's capture, as a dry run. Its tags at birth are part of it. */
export const capture: DoctorCheck = {
  name: "capture",
  about: "the permission to capture (ec2:CreateSnapshots, a dry run)",
  why: refused,
  command: "ec2-backup plan",
  async run(ground, signal) {
    const reach = await ground.reach("ec2:CreateSnapshots");
    const discovery = await ground.found("ec2:CreateSnapshots");
    if (reach.dryRun === undefined) throw new NotTestable("ec2:CreateSnapshots", unanswered);
    if (!reach.dryRun) return { findings: [ignored()] };
    const jobs = await ground.jobs();
    const mounts = await mountsFor(jobs, ground, discovery);
    const all = await Promise.all(jobs.map((job) => rehearse(job, discovery, mounts, reach, signal)));
    return { findings: distinct(all.flat()) };
  },
};

/** A denial is the same for each job that meets it. */
function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [`${one.command} ${one.severity}`, one])).values()];
}

function ignored(): Finding {
  return {
    severity: "error",
    what: "the endpoint of EC2 takes no notice of DryRun",
    why: "permissions cannot be asked for without using them, and before a freeze the agent asks so",
    advice: "is AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_EC2 set to something that is not AWS?",
    command: "env | grep AWS_ENDPOINT_URL",
  };
}

/** Where a job names its volumes by mounts, they must be known. */
async function mountsFor(jobs: readonly Job[], { given }: Ground, { volumes }: Discovery) {
  const named = jobs.some(({ volumes: { include = [], exclude } }) =>
    [...include, ...exclude].some((one) => "mount" in one),
  );
  return named ? (await thisHost(given.self, given.stateDirectory).mounts(volumes)).mounts : [];
}

async function rehearse(
  job: Job,
  { instance, volumes }: Discovery,
  mounts: Awaited<ReturnType<typeof mountsFor>>,
  reach: Reach,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { engine } = reach;
  const scope = scopeOf(selectVolumes(volumes, job.volumes, ({ tags }) => leftOutByTags(tags), mounts));
  if (!("expected" in scope))
    return [
      {
        severity: "error",
        what: `job ${job.name} captures nothing: ${scope.found}`,
        why: "its runs fail and make no backup",
        advice: scope.remedy,
        command: `ec2-backup plan ${job.name}`,
        kind: "configuration",
      },
    ];
  const runId = uuidV7(Date.now());
  const prepared = await engine.prepare({ job, instance, scope, runId }, signal);
  try {
    const denied = await askFor({
      right: "ec2:CreateSnapshots",
      why: refused,
      ask: () => prepared.rehearse(runId, new Date(), signal),
    });
    if (denied !== undefined) return [denied];
    if (job.image === undefined) return [];
    const { imageRights } = await import("./check-images.ts");
    return await imageRights({ job, instance, scope, runId }, reach, signal);
  } catch (error) {
    // Limits, such as a snapshot of this minute, say nothing of the permission.
    if (error instanceof BackupError && error.kind === "throttled") return [];
    throw error;
  }
}

/** What later runs need: to list, to mark and to remove points; by a dry run on a point that is there. */
export const retention: DoctorCheck = {
  name: "retention",
  about: "the permissions to list, mark and remove points",
  why: "points that retention gives up stay and cost money",
  command: "ec2-backup list",
  async run(ground, signal) {
    const reach = await ground.reach("ec2:DescribeSnapshots, ec2:DeleteSnapshot");
    const { instance } = await ground.found("ec2:DescribeSnapshots, ec2:DeleteSnapshot");
    const listing = await askFor({
      right: "ec2:DescribeSnapshots",
      why: "no run can tell what there is, so nothing is removed and a lost capture is not found again",
      ask: () => reach.engine.list({ instanceArn: instance.arn }, signal),
    });
    if (listing !== undefined) return { findings: [listing] };
    const { points } = await ground.points("ec2:DeleteSnapshot");
    if (reach.dryRun !== true) throw new NotTestable("ec2:DeleteSnapshot", unanswered);
    const sample = sampleOf(points);
    if (sample === undefined) return { ...nothingFound, untested: [withoutPoint] };
    const jobs = await ground.jobs();
    // Where another role prunes all of them, this one needs no right to.
    const prunes = jobs.some(({ prune }) => prune === undefined);
    const asked = questions(ground, reach, sample, signal).filter(
      ({ pruning }) => prunes || pruning !== true,
    );
    const findings = await Promise.all([...asked.map(askFor), locksSeen(reach, sample, signal)]);
    const locking = jobs.flatMap(({ lock }) => lock ?? []);
    const locks = locking.length === 0 ? [] : await mayLock(locking, points, reach, signal);
    const copying = jobs.filter(({ copy }) => copy !== undefined);
    const copies = copying.length === 0 ? [] : await mayCopy(copying, points, reach, ground, signal);
    return { findings: [...findings.filter((one) => one !== undefined), ...locks, ...copies] };
  },
};

async function mayCopy(
  jobs: readonly Job[],
  points: readonly RecoveryPoint[],
  reach: Reach,
  { given }: Ground,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { copyRights } = await import("./check-copies.ts");
  return copyRights(jobs, points, reach, given, signal);
}

const withoutPoint: Untested = {
  what: "ec2:DeleteSnapshot, ec2:CreateTags on points",
  because: "there is no complete point yet that a dry run could be about",
};

/** One that nothing holds, since EC2 may speak of the hold first. */
function sampleOf(points: readonly RecoveryPoint[]): RecoveryPoint | undefined {
  const complete = points.filter(({ state }) => state === "complete");
  return complete.filter(({ holds }) => holds.length === 0).at(-1) ?? complete.at(-1);
}

function questions(ground: Ground, { connection, engine }: Reach, point: RecoveryPoint, signal: AbortSignal) {
  const rehearsals = rehearsalsOf(connection);
  const ids = point.snapshots.map(({ id }) => id);
  const kept =
    "points that retention gives up stay and cost money; where another role prunes, say `prune: elsewhere` in the job instead";
  return [
    {
      right: "ec2:DeleteSnapshot" as const,
      pruning: true as const,
      why: kept,
      ask: () => tolerant(() => rehearsals.remove(ids[0] ?? "", signal)),
    },
    {
      right: "ec2:DescribeImages" as const,
      pruning: true as const,
      why: "what images hold cannot be told, so nothing is removed",
      ask: () => engine.withHolds([point], signal),
    },
    {
      right: "ec2:CreateTags (after the capture)" as const,
      why: "points stay marked as crash-consistent, however still they were held",
      severity: "warning" as const,
      ask: async () => {
        const holding = (await ground.jobs()).some(({ hooks }) => hooks.length > 0);
        const marks = marksOf({ consistency: point.consistency, frozenMs: 0 });
        if (holding) await rehearsals.tag(ids, marks, signal);
      },
    },
  ];
}

/** The locks of the jobs on a point that is there, as dry runs. */
async function mayLock(
  wishes: readonly LockWish[],
  points: readonly RecoveryPoint[],
  { connection }: Reach,
  signal: AbortSignal,
): Promise<Finding[]> {
  const { rehearseLock } = await import("../../aws/lock-snapshots.ts");
  const [snapshot] = points.filter(({ state }) => state === "complete").at(0)?.snapshots ?? [];
  if (snapshot === undefined) return [];
  const findings = await Promise.all(
    wishes.map((wish) =>
      askFor({
        right: "ec2:LockSnapshot",
        change: { condition: lockCondition(wish.days) },
        why: "points are made and are not locked, and each run says so with exit code 1",
        ask: () => tolerant(() => rehearseLock(connection, snapshot.id, wish, signal)),
      }),
    ),
  );
  return distinct(findings.filter((one) => one !== undefined));
}

/** Some roles may not ask for locks and some partitions do not know them, and then runs go on without. */
async function locksSeen(
  { connection }: Reach,
  { snapshots }: RecoveryPoint,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const locks = await locksOf(
    connection,
    snapshots.map(({ id }) => id),
    signal,
  );
  if (locks !== undefined) return undefined;
  return {
    severity: "note",
    what: "AWS does not tell which snapshots are locked (ec2:DescribeLockedSnapshots)",
    why: "a lock is noticed only when a removal is refused, and half a point may be gone by then",
    command: grantCommand(statementOf("ec2:DescribeLockedSnapshots")),
  };
}

/** That this one is held or has just gone says that removing as such is allowed. */
async function tolerant(ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (error instanceof BackupError && ["refused", "not-found", "throttled"].includes(error.kind)) return;
    throw error;
  }
}
