import type { Listing } from "../core/ports.ts";
import { sizeOf } from "../core/recovery-point.ts";
import { type RetentionReport, type RunReport, summaryOf } from "../core/report.ts";
import { newestFirst } from "../core/retention.ts";
import type { Choice } from "../core/selection.ts";
import { volumesSeen } from "../core/volume-ages.ts";
import type { Findings, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/** Puts what a run found into its report. */
export function assemble(
  request: RunRequest,
  record: Recorder,
  found: Findings,
  at: { started: Date; finished: Date; elapsedMs: number; skipped: boolean },
): RunReport {
  const { instance, instanceStores } = request.discovery;
  const { selected, points, settleMs, retention, stillness } = found;
  const wrong = record.problems.some((problem) => problem.severity === "error");
  const { listing, stored = [] } = found;
  const ofVolumes = listing && seriesFacts(listing, retention, selected.chosen);
  const series = found.withStored ? found.withStored(ofVolumes) : ofVolumes;
  const nothing = request.only
    ? (found.copies ?? []).every(({ asOf }) => asOf === undefined)
    : request.capture
      ? points.every((point) => point.state === "failed") && stored.every(({ point }) => point === undefined)
      : retention === undefined && stored.every((one) => one.retention === undefined);
  const outcome = at.skipped ? "skipped" : wrong ? (nothing ? "failed" : "degraded") : "done";
  return {
    version: 1,
    run: request.run,
    job: request.job.name,
    trigger: request.trigger,
    ...(request.slot === undefined ? {} : { slot: request.slot }),
    ...(request.missed === undefined ? {} : { missed: request.missed }),
    ...(request.overlapped === undefined ? {} : { overlapped: request.overlapped }),
    instance: {
      id: instance.id,
      arn: instance.arn,
      ...(instance.name === undefined ? {} : { name: instance.name }),
    },
    started: at.started.toISOString(),
    finished: at.finished.toISOString(),
    outcome,
    planned: request.planned,
    chosen: selected.chosen.map(choiceOf),
    left: selected.left.map(choiceOf),
    instanceStores,
    ...(found.summary === undefined ? {} : { mounts: found.summary }),
    ...(stillness === undefined ? {} : { stillness }),
    points: points.map(summaryOf),
    ...(settleMs === undefined ? {} : { settleMs: Math.round(settleMs) }),
    ...(retention === undefined ? {} : { retention }),
    ...(found.locks && { locks: found.locks }),
    ...(found.image === undefined ? {} : { image: found.image }),
    ...(found.copies && { copies: found.copies }),
    ...(found.stored && { stored: found.stored }),
    ...(series && { series }),
    steps: record.steps,
    problems: record.problems,
    elapsedMs: Math.round(at.elapsedMs),
  };
}

function choiceOf({ volume, because }: Choice) {
  return { volume: volume.id, device: volume.device, because };
}

/** Facts about the series of the volumes. */
function seriesFacts(
  { points, asOf }: Listing,
  retention: RetentionReport | undefined,
  chosen: readonly Choice[],
): NonNullable<RunReport["series"]> {
  const gone = new Set(
    retention?.removals.filter((one) => one.outcome === "removed").map((one) => one.point),
  );
  const there = points.filter((point) => !gone.has(point.id)).sort(newestFirst);
  const complete = there.filter((point) => point.state === "complete");
  const volumes = volumesSeen(
    chosen.map(({ volume }) => volume),
    there,
  );
  const [newest] = complete;
  if (newest === undefined) return { complete: 0, volumes };
  const ageSeconds = Math.max(0, (asOf.getTime() - newest.captured.getTime()) / 1000);
  return {
    complete: complete.length,
    newestComplete: { captured: newest.captured.toISOString(), bytes: sizeOf(newest), ageSeconds },
    volumes,
  };
}
