import { failureOf } from "../core/errors.ts";
import { seriesOf } from "../core/job.ts";
import type { Listing } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { RunReport } from "../core/report.ts";
import { namedMounts, type Selected, selectVolumes } from "../core/selection.ts";
import { assemble } from "./assemble-report.ts";
import { capture } from "./capture.ts";
import { inspect } from "./inspect.ts";
import { repairMarks } from "./mark.ts";
import { prune } from "./prune.ts";
import { type Gate, gateOf } from "./prune-gate.ts";
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
      const { lockedBy } = await import("./run-refusals.ts");
      record.report("error", lockedBy(request.job.name, lock.heldBy));
    } else {
      request.began?.();
      try {
        await work(request, deps, record, found, signal);
      } finally {
        await lock.release();
      }
    }
  } catch (error) {
    record.report("error", failureOf(error, `run job ${request.job.name}`));
  }
  const elapsedMs = deps.clock.elapsed() - began - (found.settleMs ?? 0) - (found.copyMs ?? 0);
  return assemble(request, record, found, { started, finished: deps.clock.now(), elapsedMs, skipped });
}

async function work(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { stored = request.consent.former && { dumps: [], volumes: true } } = request.job;
  if (request.only !== undefined || (stored === undefined && request.discovery.elsewhere !== true))
    return workOnVolumes(request, deps, record, found, signal);
  const { storing } = await import("./store-run.ts");
  await storing(stored, request, deps, record, found, signal, workOnVolumes);
}

async function workOnVolumes(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const gate = await captureAndThin(request, deps, record, found, signal);
  if (request.job.copy === undefined || request.consent.forget !== undefined) return;
  const { copyRound, rightsOf } = await import("./copy.ts");
  // A capture that failed is no reason to leave what is complete where it is.
  found.listing ??= await record.step("list points", () => list(request, deps, [], signal));
  const began = deps.clock.elapsed();
  found.copies = await copyRound(request, rightsOf(request, gate), deps, record, found, signal);
  if (request.wait) found.copyMs = deps.clock.elapsed() - began;
}

/** Returns what may be removed by this run; nothing where that is not even known. */
async function captureAndThin(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<Gate | undefined> {
  const { job } = request;
  const before = deps.journal.unfinished(job.name);
  found.selected = await choose(request, deps, record, found);
  const point = request.capture ? await capture(request, deps, record, found, signal) : undefined;
  if (request.capture && point === undefined) return undefined;
  if (point !== undefined) found.points.push(point);
  const locks = job.lock && (await import("./lock-points.ts"));
  if (point !== undefined) await locks?.lockMade(point, request, deps, record, found, signal);
  if (point !== undefined && request.wait) await settlePoint(point, request, deps, record, found, signal);
  found.listing = await record.step("list points", () =>
    list(request, deps, request.planned ? [] : found.points, signal),
  );
  if (found.listing === undefined) return undefined;
  const known = deps.journal.marksOf(job.name);
  if (!request.planned) found.listing = await repairMarks(found.listing, known, deps, record, signal);
  const { listing } = found;
  // EC2 knows more of the point by now; it may have failed already.
  found.points = found.points.map((one) => listing.points.find(({ id }) => id === one.id) ?? one);
  inspect(request, deps, record, found, before?.point);
  if (request.capture) await locks?.lockMissed(listing, request, deps, record, found, signal);
  const gate = request.prune ? gateFor(request, deps, record, found, listing) : undefined;
  if (request.only !== undefined) return gate;
  if (gate !== undefined) await thin(request, gate, deps, record, found, signal);
  if (request.job.image === undefined && listing.images === undefined) return gate;
  const { imageRound } = await import("./image-round.ts");
  found.image = await imageRound(request, gate, deps, record, found, signal);
  return gate;
}

/** The volumes of the job; matchers that name mounts need to know what is mounted where. */
async function choose(
  { job, discovery, planned }: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
): Promise<Selected> {
  const named = namedMounts(job.volumes);
  if (planned || named.length > 0) {
    found.mounts = await record.step("look at the mounts", () => deps.host.mounts(discovery.volumes));
  }
  const mounts = found.mounts?.mounts ?? [];
  for (const path of named) {
    if (mounts.some((mount) => mount.path === path && mount.volumes.length > 0)) continue;
    const { nothingMounted } = await import("./run-refusals.ts");
    record.report("warning", nothingMounted(path));
  }
  return selectVolumes(discovery.volumes, job.volumes, deps.leftOutByTag, mounts);
}

/** What this run has the right to remove, if anything. */
function gateFor(
  request: RunRequest,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  listing: Listing,
): Gate | undefined {
  const gate = gateOf(request, listing, request.planned ? [] : found.points, deps.clock);
  if (gate.because !== undefined) record.report("error", gate.because);
  return gate.may === "nothing" ? undefined : gate;
}

/** Removes what retention gives up, as far as this run has the right to. */
async function thin(
  request: RunRequest,
  gate: Gate,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { listing } = found;
  if (listing === undefined) return;
  if (request.capture && request.job.prune !== undefined) {
    const { leaveBeyond } = await import("./leave-beyond.ts");
    found.retention = leaveBeyond(request.job, listing, record);
    return;
  }
  const consent = { ...request.consent, failedOnly: gate.may === "failed-only" };
  const tools = { ...deps, record, run: request.run };
  // The point that a plan only imagines counts as the one that a run makes does, so that both decide alike.
  const imagined = request.planned ? found.points : [];
  const counted = { ...listing, points: [...imagined, ...listing.points] };
  const report = await record.step("prune", () => prune(request.job, counted, consent, tools, signal));
  const isThere = ({ id }: { readonly id: string }) => imagined.every((one) => one.id !== id);
  found.retention = report && { ...report, keep: report.keep.filter(({ point }) => isThere(point)) };
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
  const scope = { series: seriesOf(job.name, discovery.instance.arn) };
  const { points, ...rest } = await engine.list(scope, signal);
  const byId = new Map(made.map((point) => [point.id, point]));
  for (const point of points) {
    const known = byId.get(point.id);
    if (known === undefined) byId.set(point.id, point);
    // The mark of how still it was held may be too fresh to be listed.
    else if (point.snapshots.length >= known.snapshots.length)
      byId.set(point.id, { ...point, consistency: known.consistency });
  }
  return { ...rest, points: [...byId.values()] };
}
