import { lastDeps } from "../actions/last-deps.ts";
import { leftOutByTags } from "../config/backup-tag.ts";
import type { Failure } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import { lastJob, shareOf, toPublish } from "../core/last-job.ts";
import { type Problem, problemOf, type RunReport } from "../core/report.ts";
import { namedMounts, selectVolumes } from "../core/selection.ts";
import { asked } from "../core/termination.ts";
import { systemClock as clock } from "../host/clock.ts";
import { fileLocks } from "../host/lock.ts";
import { StateDirectory } from "../host/state.ts";
import { firstSeen } from "../host/termination-state.ts";
import { timeLimit } from "../host/time-limit.ts";
import type { Opened } from "./open.ts";
import type { AgentOptions } from "./wish.ts";

/** What all jobs of a last run have in common. */
export interface LastOrder {
  readonly opened: Opened;
  readonly options: AgentOptions;
  readonly notice?: string;
  /** What is wrong already. */
  readonly problems: readonly Problem[];
}

interface Time {
  readonly signal: AbortSignal;
  readonly left: () => number;
  readonly budget: number;
}

/** EC2 captures a volume no sooner than 15 s after it did so before: what is so young is as good. In milliseconds. */
const fresh = 15_000;

/** How long a point is looked for that a run before may have made: EC2 may not list it yet. In milliseconds. */
const looks = [0, 1_500, 3_000];

/**
 * Captures job after job, and says what became of each, of those as well that it was told to stop before; of those that
 * have a point of this notice, nothing.
 */
export async function captureLast(
  jobs: readonly Job[],
  order: LastOrder,
  time: Time,
): Promise<readonly RunReport[]> {
  const since = await begunOf(order);
  const reports: RunReport[] = [];
  const taken = new Set<string>();
  for (const [index, job] of jobs.entries()) {
    if (isTaken(job, order, taken)) {
      order.options.log("info", "its volumes are in the point of another job of this last run", {
        job: job.name,
      });
      continue;
    }
    const share = shareOf(time.left() - toPublish(time.budget), jobs.length - index);
    const until = timeLimit(share.hold, time.signal);
    await whenFree(job, order, until);
    if (await isCaptured(job, since, order, time.signal)) {
      order.options.log("info", "it has been captured since the notice", { job: job.name });
      continue;
    }
    const first = reports.length === 0;
    const report = await captureOne(job, share, until, first, order, time);
    for (const { snapshots } of report.points) for (const { volume } of snapshots) taken.add(volume);
    reports.push(report);
  }
  return reports;
}

async function captureOne(
  job: Job,
  share: ReturnType<typeof shareOf>,
  until: AbortSignal,
  first: boolean,
  { opened, notice = asked, problems }: LastOrder,
  { signal }: Time,
): Promise<RunReport> {
  const { session, force } = opened;
  const report = await session.perform(
    {
      job: lastJob(job, share),
      trigger: "termination",
      capture: true,
      prune: false,
      wait: false,
      consent: {},
      planned: false,
      problems: [...problems.filter((one) => first || one.severity === "error"), ...withoutVss(job)],
    },
    force.settings,
    timeLimit(share.whole, signal),
    (deps) => lastDeps(deps, job, notice, until),
  );
  return signal.aborted ? report : { ...report, problems: report.problems.map(nobodyStopped) };
}

/** It was the time that ended a step, and nobody. */
function nobodyStopped(problem: Problem): Problem {
  if (problem.kind !== "interrupted") return problem;
  return { ...problem, kind: "refused", found: "the time of the last run was over", code: "NoTimeLeft" };
}

function withoutVss({ vss }: Job): Problem[] {
  if (vss === undefined) return [];
  const failure: Failure = {
    kind: "refused",
    doing: "have VSS hold all still",
    found: "it needs longer to begin than a last run has: the point is crash-consistent",
    code: "NoTimeLeft",
  };
  return [problemOf("error", failure)];
}

/** Whether other jobs of this run have captured all of its volumes; where mounts decide, that is not known here. */
function isTaken({ volumes }: Job, { opened }: LastOrder, taken: ReadonlySet<string>): boolean {
  if (taken.size === 0 || namedMounts(volumes).length > 0) return false;
  const found = opened.session.discovery.volumes;
  const { chosen } = selectVolumes(found, volumes, ({ tags }) => leftOutByTags(tags));
  return chosen.length > 0 && chosen.every(({ volume }) => taken.has(volume.id));
}

/** From when on a point serves for this run: by the host's clock, and by EC2's. */
interface Since {
  readonly here: Date;
  readonly there: Date;
}

async function begunOf({ opened, notice }: LastOrder): Promise<Since> {
  const { session } = opened;
  const now = clock.now();
  const { directory, instanceId } = session.state;
  const seen = notice === undefined ? now : await firstSeen(`${directory}/${instanceId}`, notice, now);
  const { asOf = now } = session.discovery;
  const here = seen.getTime() - fresh;
  return { here: new Date(here), there: new Date(here + asOf.getTime() - now.getTime()) };
}

/** A run that was at work when the notice came is about to end: it was told to, and lets go of its lock. */
async function whenFree({ name }: Job, { options }: LastOrder, signal: AbortSignal): Promise<void> {
  const locks = fileLocks(`${options.stateDirectory}/locks`);
  while (!signal.aborted) {
    const lock = await locks.take(name, options.owner);
    if (!("heldBy" in lock)) return lock.release();
    await clock.sleep(250, signal);
  }
}

/**
 * Whether a run has made a point of the job since the notice: one that was at work then, or the last run of a daemon
 * that died. Of one that never came to its report EC2 is asked for the point.
 */
async function isCaptured(
  { name }: Job,
  since: Since,
  { opened }: LastOrder,
  signal: AbortSignal,
): Promise<boolean> {
  const { engine, state: before } = opened.session;
  const state = await StateDirectory.open(before.directory, before.instanceId);
  const { report, note } = state.job(name) ?? {};
  const made = report?.points.filter((point) => point.state !== "failed") ?? [];
  if (made.some(({ captured }) => new Date(captured) >= since.there)) return true;
  if (note === undefined || new Date(note.at) < since.here) return false;
  for (const pause of looks) {
    await clock.sleep(pause, signal);
    const found = await engine.find(note.point, signal).catch(() => undefined);
    if (found !== undefined && found.state !== "failed") return true;
  }
  return false;
}
