import { BackupError } from "../core/errors.ts";
import type { Discovery } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { Clock, Engine, LeftOutByTag, Log } from "../core/ports.ts";
import { scopeOf, selectVolumes } from "../core/selection.ts";
import type { Overdue } from "../core/sweep-create.ts";
import type { SweepInstance } from "../core/sweep-ports.ts";
import type { SweepCreateRules } from "../core/sweep-settings.ts";
import { backup } from "./backup.ts";
import type { ReadyCapture } from "./sweep-stop.ts";

export interface SweepCaptureDeps {
  readonly engine: Engine;
  readonly discover: (instance: SweepInstance, signal: AbortSignal) => Promise<Discovery>;
  /** A job that takes what is wanted of its volumes and holds nothing still. */
  readonly jobOf: (one: Overdue, discovery: Discovery) => Job;
  readonly leftOutByTag: LeftOutByTag;
  readonly newId: () => string;
  readonly run: string;
  readonly rules: Pick<SweepCreateRules, "overdueAfter">;
  readonly clock: Clock;
  readonly log: Log;
}

/** What stands still for a capture does not do so for longer than this, while EC2 turns it away. Milliseconds. */
const patience = 120_000;

/** Finds out all that the capture of an instance needs, so that nothing but its request is left to be made. */
export async function readyCapture(
  one: Overdue,
  deps: SweepCaptureDeps,
  signal: AbortSignal,
): Promise<ReadyCapture> {
  const { instance, job: name } = one;
  const { engine, clock, log, rules, run } = deps;
  const discovery = await deps.discover(instance, signal);
  const job = deps.jobOf(one, discovery);
  const scope = scopeOf(selectVolumes(discovery.volumes, job.volumes, deps.leftOutByTag));
  if ("found" in scope)
    throw new BackupError({ kind: "refused", doing: `capture ${instance.id}`, code: "NoVolumes", ...scope });
  const prepared = await engine.prepare(
    { job, instance: discovery.instance, scope, runId: run, ...(discovery.asOf && { asOf: discovery.asOf }) },
    signal,
  );
  const expected = scope.expected.map(({ id }) => id);
  return {
    tags: discovery.instance.tags,
    async isRecent() {
      const { points, asOf: now } = await engine.list({ instanceArn: instance.arn }, signal);
      // By stanzas it may be due long before: any newer point than the one that was known is another's.
      const since = one.stanzas ? (one.last?.getTime() ?? 0) + 1 : now.getTime() - rules.overdueAfter;
      return points.some(({ state, captured }) => state !== "failed" && captured.getTime() >= since);
    },
    async capture(uncertain) {
      const pointId = deps.newId();
      const capture = async () => {
        try {
          return await prepared.capture(pointId, clock.now());
        } catch (error) {
          if (error instanceof BackupError && error.kind === "unknown-outcome") await uncertain?.();
          throw error;
        }
      };
      const { retryFor } = job.waits;
      const waits =
        uncertain === undefined ? job.waits : { ...job.waits, retryFor: Math.min(retryFor, patience) };
      const point = await backup(capture, pointId, expected, waits, { engine, clock, log }, signal);
      log("info", `captured ${instance.id} in place of its agent`, { run, job: name, point: pointId });
      return point;
    },
  };
}
