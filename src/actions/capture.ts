import { type Failure, failureOf } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { CaptureMarks, Clock, Prepared } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { type CaptureScope, scopeOf } from "../core/selection.ts";
import type { Attempts, Given } from "./attempts.ts";
import { backup } from "./backup.ts";
import { compare, droppedTags } from "./compare.ts";
import { mark } from "./mark.ts";
import type { StillnessPlan } from "./plan-stillness.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/** Makes the point of a run, held as still as the job asks for, and tells how still it was. */
export async function capture(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<RecoveryPoint | undefined> {
  const { job, discovery, run, planned } = request;
  const scope = scopeOf(found.selected);
  if (!("expected" in scope)) {
    record.report("error", {
      kind: "configuration",
      doing: `choose the volumes of job ${job.name}`,
      ...scope,
    });
    return undefined;
  }
  const { instance, asOf } = discovery;
  const mounts = () => found.mounts?.mounts;
  const order = { job, instance, scope, runId: run, mounts, ...(asOf === undefined ? {} : { asOf }) };
  const prepared = await record.step("prepare", () => deps.engine.prepare(order, signal));
  if (prepared === undefined) return undefined;
  for (const what of prepared.dropped) record.report("warning", droppedTags(what));
  const warm = () => prepared.warm(signal);
  // VSS holds still itself, and nothing of ours would hold beside it.
  const byHooks = job.vss === undefined;
  const plan = byHooks ? await stillness(request, deps, record, found, scope, warm) : undefined;
  if (plan === undefined && byHooks && asksForStillness(job)) {
    // Why it could not be planned is in the report.
    found.stillness = { demanded: job.consistency ?? job.retention.demanded, achieved: "crash", hooks: [] };
    if (job.whenLess === "fail") return undefined;
  }
  const pointId = deps.newId();
  if (!planned) await note(request, deps, record, pointId);
  const still =
    plan === undefined
      ? unheld(prepared, pointId, deps.clock)
      : await held({ request, deps, scope, plan, prepared, pointId }, signal);
  const expected = scope.expected.map((volume) => volume.id);
  const made = await record.step("capture", () =>
    backup(() => still.attempt(), pointId, expected, job.waits, deps, signal),
  );
  if (plan !== undefined && !planned)
    await record.step("look where databases lie", () => still.lookForData());
  still.tell(record, found, made !== undefined);
  const byVss = await vssMarks(request, made, prepared, scope, record, found);
  if (made === undefined) return undefined;
  compare(made, scope, record);
  const marks = byVss ?? still.marks();
  if (!planned) await mark(made, marks, job.waits, deps, record, signal);
  return { ...made, consistency: planned && plan !== undefined ? plan.attainable : marks.consistency };
}

async function vssMarks(
  request: RunRequest,
  made: RecoveryPoint | undefined,
  prepared: Prepared,
  scope: CaptureScope,
  record: Recorder,
  found: Findings,
): Promise<CaptureMarks | undefined> {
  const { vss } = request.job;
  if (vss === undefined) return undefined;
  const { tellVss } = await import("./tell-vss.ts");
  return tellVss(vss, made, prepared, request, scope, record, found);
}

/** Captures by which nothing is held. */
function unheld(prepared: Prepared, pointId: string, clock: Clock): Pick<Attempts, keyof Attempts> {
  return {
    attempt: () => prepared.capture(pointId, clock.now()),
    lookForData: () => Promise.resolve(),
    marks: () => ({ consistency: "crash" }),
    tell: () => undefined,
  };
}

async function held(given: Given, signal: AbortSignal): Promise<Pick<Attempts, keyof Attempts>> {
  const { request, plan, prepared, pointId, deps } = given;
  if (request.planned) {
    const { foreseen } = await import("./less-consistent.ts");
    return {
      ...unheld(prepared, pointId, deps.clock),
      tell: (record) => foreseen(plan, request.job, record),
    };
  }
  const { Attempts } = await import("./attempts.ts");
  return new Attempts(given, signal);
}

function asksForStillness({ hooks, consistency }: Job): boolean {
  return hooks.length > 0 || consistency !== undefined;
}

/** Only a job that asks for stillness pays for looking at the mounts. */
async function stillness(
  { job, discovery, planned }: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  scope: CaptureScope,
  warm: () => Promise<void>,
): Promise<StillnessPlan | undefined> {
  if (!asksForStillness(job) && !planned) return undefined;
  return record.step("look at the mounts", async () => {
    const { planStillness } = await import("./plan-stillness.ts");
    const map = found.mounts ?? (await deps.host.mounts(discovery.volumes));
    found.mounts = map;
    const plan = await planStillness(job, scope, map, deps.host, warm);
    found.stillness = { demanded: plan.demanded, achieved: plan.attainable, hooks: [] };
    found.summary = plan.summary;
    if (job.consistency !== "crash")
      for (const shortfall of plan.shortfalls) record.report("warning", outside(job.name, shortfall));
    return plan;
  });
}

/** A full disk is no reason to go without a backup: the tags find the point as well. */
async function note(request: RunRequest, deps: RunDeps, record: Recorder, point: string): Promise<void> {
  try {
    await deps.journal.begin(request.job.name, {
      run: request.run,
      point,
      at: deps.clock.now().toISOString(),
    });
  } catch (error) {
    record.report("error", failureOf(error, "note the capture in the state file"));
  }
}

function outside(job: string, found: string): Failure {
  return { kind: "configuration", doing: `hold all that job ${job} captures still`, found };
}
