import { BackupError, type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Discovery } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { Clock, Engine, LeftOutByTag, Log } from "../core/ports.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { scopeOf, selectVolumes } from "../core/selection.ts";
import { type CreateFacts, newestPoints, type Overdue, planCreate } from "../core/sweep-create.ts";
import type { PointService, SweepInstance } from "../core/sweep-ports.ts";
import type { CreateSwept, InstanceCaptured } from "../core/sweep-report.ts";
import type { SweepCreateRules } from "../core/sweep-settings.ts";
import { backup } from "./backup.ts";
import { pace } from "./pace.ts";
import { onceEach } from "./sweep-trouble.ts";

export interface SweepCreateDeps extends Pick<CreateFacts, "wished" | "tagged"> {
  readonly ec2: Pick<PointService, "points" | "instances">;
  readonly engine: Engine;
  /** Ids of the instances that EC2's filters leave. */
  readonly filtered: (
    filters: SweepCreateRules["filters"],
    signal: AbortSignal,
  ) => Promise<ReadonlySet<string>>;
  readonly discover: (instance: SweepInstance, signal: AbortSignal) => Promise<Discovery>;
  /** A job of that name and policy that takes all volumes and holds nothing still. */
  readonly jobOf: (name: string, policy: Overdue["policy"]) => Job;
  readonly leftOutByTag: LeftOutByTag;
  readonly newId: () => string;
  readonly run: string;
  readonly rules: SweepCreateRules;
  readonly clock: Clock;
  readonly log: Log;
  readonly tell: (done: number, of: number) => void;
}

/** EC2 lets an account begin five sets a second, and its agents begin theirs. */
const perSecond = 2;

/** Captures in place of their agents the instances of a unit that are overdue: one set of snapshots each. */
export async function sweepCreate(
  dryRun: boolean,
  deps: SweepCreateDeps,
  signal: AbortSignal,
): Promise<{ readonly swept: CreateSwept; readonly problems: readonly Problem[] }> {
  const { ec2, rules, clock, wished, tagged } = deps;
  const instances = await ec2.instances(signal);
  const { snapshots, asOf } = await ec2.points(signal);
  const filtered = rules.filters.length === 0 ? undefined : await deps.filtered(rules.filters, signal);
  const newest = newestPoints(snapshots);
  const facts = { instances, newest, wished, tagged, ...(filtered && { filtered }) };
  const overdue = planCreate(facts, rules, asOf);
  const captured: InstanceCaptured[] = [];
  const failures: Failure[] = [];
  const turns = pace(perSecond, clock);
  for (const [index, one] of overdue.entries()) {
    const told = toldOf(one);
    if (dryRun) {
      captured.push({ ...told, outcome: "overdue" });
      continue;
    }
    await turns.turn(signal);
    if (signal.aborted) {
      failures.push(interrupted("capture instances that are overdue", "the sweep"));
      break;
    }
    try {
      captured.push({ ...told, ...(await captureOne(one, deps, signal)) });
    } catch (error) {
      failures.push(failureOf(error, `capture ${one.instance.id}`));
      captured.push({ ...told, outcome: "failed" });
    }
    deps.tell(index + 1, overdue.length);
  }
  return {
    swept: { asOf: asOf.toISOString(), instances: instances.length, captured },
    problems: onceEach(failures).map((failure) => problemOf("error", failure)),
  };
}

function toldOf({ instance, job, last }: Overdue): Omit<InstanceCaptured, "outcome"> {
  return {
    instance: instance.id,
    ...(instance.name === undefined ? {} : { name: instance.name }),
    job,
    ...(last === undefined ? {} : { last: last.toISOString() }),
  };
}

/** Looks once more whether it is still overdue: another sweep or its agent may have been there. */
async function captureOne(
  { instance, job: name, policy }: Overdue,
  deps: SweepCreateDeps,
  signal: AbortSignal,
): Promise<Pick<InstanceCaptured, "outcome" | "point">> {
  const { engine, clock, log, rules, run } = deps;
  const discovery = await deps.discover(instance, signal);
  const job = deps.jobOf(name, policy);
  const scope = scopeOf(selectVolumes(discovery.volumes, job.volumes, deps.leftOutByTag));
  if ("found" in scope)
    throw new BackupError({ kind: "refused", doing: `capture ${instance.id}`, code: "NoVolumes", ...scope });
  const prepared = await engine.prepare(
    { job, instance: discovery.instance, scope, runId: run, ...(discovery.asOf && { asOf: discovery.asOf }) },
    signal,
  );
  const { points, asOf: now } = await engine.list({ instanceArn: instance.arn }, signal);
  const since = now.getTime() - rules.overdueAfter;
  if (points.some(({ state, captured }) => state !== "failed" && captured.getTime() >= since))
    return { outcome: "recent" };
  const pointId = deps.newId();
  const expected = scope.expected.map(({ id }) => id);
  const capture = () => prepared.capture(pointId, clock.now());
  await backup(capture, pointId, expected, job.waits, { engine, clock, log }, signal);
  log("info", `captured ${instance.id} in place of its agent`, { run, job: name, point: pointId });
  return { outcome: "created", point: pointId };
}
