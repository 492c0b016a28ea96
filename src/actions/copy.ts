import { failureOf } from "../core/errors.ts";
import type { CopyReport } from "../core/report.ts";
import { inRegion, ownRegion } from "./copy-failures.ts";
import { type CopyRights, copyTo, emptyReport } from "./copy-to.ts";
import type { Gate } from "./prune-gate.ts";
import type { Findings, RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/** By what is asked for, and by what the gate of the run lets through; without one nothing is removed. */
export function rightsOf({ capture, only, job }: RunRequest, gate: Gate | undefined): CopyRights {
  return {
    send: capture || only !== undefined,
    // Whoever runs `prune` has a role that may; a job that another role prunes leaves it to that.
    tidy: gate !== undefined && (job.prune === undefined || !(capture || only !== undefined)),
    failedOnly: gate?.may === "failed-only",
  };
}

/**
 * Copies what is complete here and wanted there, and thins what is there: each Region for itself and side by side,
 * so that one that hangs delays no other, and the run by its own limit only. What goes wrong is in the report and
 * never touches the point.
 */
export async function copyRound(
  request: RunRequest,
  rights: CopyRights,
  deps: RunDeps,
  record: Recorder,
  found: Findings,
  signal: AbortSignal,
): Promise<readonly CopyReport[]> {
  const here = found.listing;
  const targets = request.job.copy ?? [];
  if (here === undefined || signal.aborted) return [];
  const gone = new Set(
    found.retention?.removals.filter(({ outcome }) => outcome === "removed").map(({ point }) => point),
  );
  const left = { ...here, points: here.points.filter(({ id }) => !gone.has(id)) };
  return Promise.all(
    targets.map(async (target) => {
      const { instance } = request.discovery;
      if (target.region === instance.region) {
        record.report("error", ownRegion(request.job, target));
        return emptyReport(target);
      }
      const limit = AbortSignal.timeout(limitOf(request));
      try {
        const region = await deps.copies(target.region);
        const copying = { request, deps, record, rights, target, region, here: left };
        return await copyTo(copying, AbortSignal.any([signal, limit]), limit);
      } catch (error) {
        record.report("error", inRegion(failureOf(error, "copy points"), target, limit));
        return emptyReport(target);
      }
    }),
  );
}

/** Milliseconds that one Region may delay a run. */
function limitOf({ job: { waits }, wait }: RunRequest): number {
  return wait ? waits.settleFor : waits.retryFor + 4 * waits.request;
}
