import type { Failure } from "../core/errors.ts";
import { problemOf, type RunReport } from "../core/report.ts";
import { systemClock } from "../host/clock.ts";
import type { Session } from "./session.ts";
import type { Wish } from "./wish.ts";

/** The report of a run that never began its work. */
export function failedReport(
  run: string,
  job: string,
  wish: Wish,
  failure: Failure,
  session?: Session,
): RunReport {
  const now = systemClock.now().toISOString();
  const instance = session?.discovery.instance;
  return {
    version: 1,
    run,
    job,
    trigger: wish.trigger,
    ...(wish.slot === undefined ? {} : { slot: wish.slot }),
    ...(wish.missed === undefined ? {} : { missed: wish.missed }),
    ...(instance === undefined ? {} : { instance: { id: instance.id, arn: instance.arn } }),
    started: now,
    finished: now,
    outcome: "failed",
    planned: wish.planned,
    chosen: [],
    left: [],
    instanceStores: [],
    points: [],
    steps: [],
    problems: [problemOf("error", failure)],
    elapsedMs: 0,
  };
}
