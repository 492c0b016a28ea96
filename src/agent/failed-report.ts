import type { Failure } from "../core/errors.ts";
import type { RunReport } from "../core/report.ts";
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
  const { kind, doing, found, remedy, code } = failure;
  const facts = { ...(remedy === undefined ? {} : { remedy }), ...(code === undefined ? {} : { code }) };
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
    problems: [{ severity: "error", kind, doing, found, ...facts }],
    elapsedMs: 0,
  };
}
