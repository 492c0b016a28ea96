import { BackupError, failureOf } from "../core/errors.ts";
import { seriesOf } from "../core/job.ts";
import type { Listing } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { RunReport } from "../core/report.ts";
import { type CaptureScope, type Selected, scopeOf, selectVolumes } from "../core/selection.ts";
import { assemble } from "./assemble-report.ts";
import { backup } from "./backup.ts";
import { inspect } from "./inspect.ts";
import { prune } from "./prune.ts";
import { gateOf } from "./prune-gate.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import { settle } from "./settle.ts";
import { type Recorder, recorder } from "./steps.ts";

/**
 * One run of one job, from the lock to the report. Never throws: what fails is in the report, and a
 * captured point is reported whatever happens after it.
 */
export async function runJob(request: RunRequest, deps: RunDeps, signal: AbortSignal): Promise<RunReport> {
  const began = deps.clock.elapsed();
  const started = deps.clock.now();
  const record = recorder(deps.clock, deps.log, { run: request.run, job: request.job.name });
  for (const problem of request.problems) record.report(problem.severity, problem);
  const found: Findings = { selected: { chosen: [], left: [] }, points: [] };
  let skipped = false;
  try {
    const lock = await deps.locks.take(request.job.name, `run ${request.run}`);
    if ("heldBy" in lock) {
      skipped = true;
      record.report("error", lockedBy(request.job.name, lock.heldBy));
    } else {
      try {
        await work(request, deps, record, found, signal);
      } finally {
        await lock.release();
      }
    }
  } catch (error) {
    record.report("error", failureOf(error, `run job ${request.job.name}`));
  }
  const elapsedMs = deps.clock.elapsed() - began - (found.settleMs ?? 0);
  return assemble(request, record, found, { started, finished: deps.clock.now(), elapsedMs, skipped });
}

async function work(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { job, discovery } = request;
  const before = deps.journal.unfinished(job.name);
  found.selected = selectVolumes(discovery.volumes, job.volumes, deps.leftOutByTag);
  const point = request.capture ? await capture(request, deps, record, found.selected, signal) : undefined;
  if (request.capture && point === undefined) return;
  if (point !== undefined) found.points.push(point);
  if (point !== undefined && request.wait) await settlePoint(point, request, deps, record, found, signal);
  found.listing = await record.step("list points", () =>
    list(request, deps, request.planned ? [] : found.points, signal),
  );
  if (found.listing === undefined) return;
  const { listing } = found;
  // EC2 knows more of the point by now; it may have failed already.
  found.points = found.points.map((one) => listing.points.find(({ id }) => id === one.id) ?? one);
  inspect(request, deps, record, found, before?.point);
  if (request.prune) await thin(request, deps, record, found, listing, signal);
}

/** Removes what retention gives up, as far as this run has the right to. */
async function thin(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  listing: Listing,
  signal: AbortSignal,
): Promise<void> {
  const gate = gateOf(request, listing, request.planned ? [] : found.points, deps.clock);
  if (gate.because !== undefined) record.report("error", gate.because);
  if (gate.may === "nothing") return;
  const consent = { ...request.consent, failedOnly: gate.may === "failed-only" };
  const tools = { ...deps, record, run: request.run };
  found.retention = await record.step("prune", () => prune(request.job, listing, consent, tools, signal));
}

async function capture(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  selected: Selected,
  signal: AbortSignal,
): Promise<RecoveryPoint | undefined> {
  const { job, discovery, run, planned } = request;
  const scope = scopeOf(selected);
  if (!("expected" in scope)) {
    record.report("error", {
      kind: "configuration",
      doing: `choose the volumes of job ${job.name}`,
      ...scope,
    });
    return undefined;
  }
  const { instance, asOf } = discovery;
  const order = { job, instance, scope, runId: run, ...(asOf === undefined ? {} : { asOf }) };
  const prepared = await record.step("prepare", () => deps.engine.prepare(order, signal));
  if (prepared === undefined) return undefined;
  for (const what of prepared.dropped) record.report("warning", droppedTags(what));
  const pointId = deps.newId();
  if (!planned) await note(request, deps, record, pointId);
  const expected = scope.expected.map((volume) => volume.id);
  const point = await record.step("capture", () =>
    backup(prepared, pointId, expected, job.waits, deps, signal),
  );
  if (point !== undefined) compare(point, scope, record);
  return point;
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

function droppedTags(what: string) {
  return {
    kind: "refused" as const,
    doing: `put ${what} on the snapshots`,
    found: "there is no room for them, or they clash with ours (EC2 allows 50 tags)",
    remedy: "the snapshots are good without them; use fewer tags",
  };
}

/** The answer is held against what was asked for. */
function compare(point: RecoveryPoint, scope: CaptureScope, record: Recorder): void {
  const doing = "compare the snapshots with the plan";
  const captured = new Set(point.snapshots.map((one) => one.volumeId));
  const expected = new Set(scope.expected.map((volume) => volume.id));
  const missing = [...expected].filter((id) => !captured.has(id));
  const extra = [...captured].filter((id) => !expected.has(id));
  if (missing.length > 0) {
    const found = `${missing.join(", ")} was to be captured and is not in the set`;
    record.report("error", {
      kind: "unexpected",
      doing,
      found,
      remedy: "was it detached meanwhile? Run again.",
    });
  }
  if (extra.length > 0) {
    const found = `${extra.join(", ")} is in the set and was not planned (attached meanwhile); it is kept`;
    record.report("warning", { kind: "unexpected", doing, found });
  }
  if (scope.unwanted.length > 0) {
    const found = `${scope.unwanted.length} volumes were to be left out, EC2 can leave out 40, so all were captured`;
    record.report("warning", {
      kind: "refused",
      doing,
      found,
      remedy: "split the volumes between instances",
    });
  }
}

async function settlePoint(
  point: RecoveryPoint,
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const began = deps.clock.elapsed();
  const settled = await record.step("settle", () => settle(point, request.job.waits, deps, signal));
  found.settleMs = deps.clock.elapsed() - began;
  if (settled !== undefined) found.points[0] = settled;
}

/** The listing, and what this run knows better: EC2 may not show a fresh point yet. */
async function list(
  { job, discovery }: RunRequest,
  { engine }: RunDeps,
  made: readonly RecoveryPoint[],
  signal: AbortSignal,
): Promise<Listing> {
  const { points, asOf } = await engine.list({ series: seriesOf(job.name, discovery.instance.arn) }, signal);
  const byId = new Map(made.map((point) => [point.id, point]));
  for (const point of points) {
    const known = byId.get(point.id);
    if (known === undefined || point.snapshots.length >= known.snapshots.length) byId.set(point.id, point);
  }
  return { points: [...byId.values()], asOf };
}

function lockedBy(job: string, holder: string): BackupError {
  return new BackupError({
    kind: "locked",
    doing: `run job ${job}`,
    found: `another run holds its lock (${holder})`,
    remedy: "wait for it to end; see `ec2-backup status`",
  });
}
