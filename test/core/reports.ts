import type { ErrorKind } from "../../src/core/errors.ts";
import { type PointSummary, type Problem, type RunReport, summaryOf } from "../../src/core/report.ts";
import { at, point } from "./points.ts";

export function report(wish: Partial<RunReport> = {}): RunReport {
  return {
    version: 1,
    run: "run-1",
    job: "default",
    trigger: "schedule",
    started: "2027-03-28T01:00:00.000Z",
    finished: "2027-03-28T01:00:02.500Z",
    outcome: "done",
    planned: false,
    chosen: [],
    left: [],
    instanceStores: [],
    points: [],
    steps: [],
    problems: [],
    elapsedMs: 2_500,
    ...wish,
  };
}

export function problem(kind: ErrorKind, severity: Problem["severity"] = "error"): Problem {
  return { kind, severity, doing: "back up", found: `it was ${kind}` };
}

type RemovalReport = NonNullable<RunReport["retention"]>["removals"][number];

export function removal(outcome: RemovalReport["outcome"]): RemovalReport {
  return { point: "p", snapshotId: "snap-1", volumeId: "vol-1", outcome };
}

export const captured: PointSummary = summaryOf(point(at("2027-03-28T01:00"), { id: "p", state: "pending" }));
