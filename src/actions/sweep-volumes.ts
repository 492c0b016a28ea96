import { type Failure, failureOf, interrupted } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import type { Waits } from "../core/job.ts";
import { pointsOf } from "../core/point-tags.ts";
import type { Clock, Engine, Log } from "../core/ports.ts";
import type { RecoveryPoint, Snapshot } from "../core/recovery-point.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { PointService } from "../core/sweep-ports.ts";
import type { VolumeCaptured } from "../core/sweep-report.ts";
import type { SweepCreateRules } from "../core/sweep-settings.ts";
import { newestOfVolumes } from "../core/sweep-stanzas.ts";
import {
  type LooseVolume,
  type OverdueVolume,
  planVolumes,
  tagsOfVolume,
  type VolumeFacts,
  volumeSeries,
} from "../core/sweep-volumes.ts";
import { backup } from "./backup.ts";
import { pace } from "./pace.ts";
import { onceEach } from "./sweep-trouble.ts";

/** One CreateSnapshot request. */
export interface VolumeOrder {
  readonly volume: string;
  readonly description: string;
  readonly tags: Tags;
}

export interface SweepVolumeDeps extends Omit<VolumeFacts, "volumes" | "newest"> {
  readonly ec2: Pick<PointService, "points">;
  /** Volumes that no instance has. */
  readonly loose: (signal: AbortSignal) => Promise<readonly LooseVolume[]>;
  /** One attempt; a failure of kind `unknown-outcome` may have made it. */
  readonly create: (order: VolumeOrder) => Promise<Snapshot>;
  readonly engine: Engine;
  readonly arnOf: (volume: string) => string;
  readonly waits: Waits;
  readonly rules: SweepCreateRules;
  readonly newId: () => string;
  readonly run: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly tell: (done: number, of: number) => void;
}

/** EC2 lets an account begin five a second, and agents begin theirs. */
const perSecond = 2;

/** Captures volumes that no instance has and nobody else would: one snapshot each, a point of a series of its own. */
export async function sweepVolumes(
  dryRun: boolean,
  deps: SweepVolumeDeps,
  signal: AbortSignal,
): Promise<{ readonly swept: readonly VolumeCaptured[]; readonly problems: readonly Problem[] }> {
  const { ec2, rules, clock } = deps;
  const { snapshots, asOf } = await ec2.points(signal);
  const facts = { ...deps, volumes: await deps.loose(signal), newest: newestOfVolumes(snapshots) };
  const overdue = planVolumes(facts, rules, asOf);
  const swept: VolumeCaptured[] = [];
  const failures: Failure[] = [];
  const turns = pace(perSecond, clock);
  for (const [index, one] of overdue.entries()) {
    const told = toldOf(one);
    if (dryRun) {
      swept.push({ ...told, outcome: "overdue" });
      continue;
    }
    await turns.turn(signal);
    if (signal.aborted) {
      failures.push(interrupted("capture volumes that are overdue", "the sweep"));
      break;
    }
    try {
      swept.push({ ...told, ...(await captureOne(one, deps, signal)) });
    } catch (error) {
      failures.push(failureOf(error, `capture ${one.volume.id}`));
      swept.push({ ...told, outcome: "failed" });
    }
    deps.tell(index + 1, overdue.length);
  }
  return { swept, problems: onceEach(failures).map((failure) => problemOf("error", failure)) };
}

function toldOf({ volume, last }: OverdueVolume): Omit<VolumeCaptured, "outcome"> {
  const name = volume.tags["Name"];
  return {
    volume: volume.id,
    ...(name === undefined ? {} : { name }),
    ...(last === undefined ? {} : { last: last.toISOString() }),
  };
}

/** Looks once more whether another sweep has been there; a lost answer is looked for and never asked for again. */
async function captureOne(
  one: OverdueVolume,
  deps: SweepVolumeDeps,
  signal: AbortSignal,
): Promise<Pick<VolumeCaptured, "outcome" | "point">> {
  const { engine, clock, log, rules, run, version, waits } = deps;
  const { id } = one.volume;
  const arn = deps.arnOf(id);
  const recent = async (): Promise<RecoveryPoint | undefined> => {
    const { points, asOf } = await engine.list({ series: volumeSeries(arn) }, signal);
    const since = asOf.getTime() - rules.overdueAfter;
    return points.find(({ state, captured }) => state !== "failed" && captured.getTime() >= since);
  };
  if ((await recent()) !== undefined) return { outcome: "recent" };
  const pointId = deps.newId();
  let tries = 0;
  const capture = async (): Promise<RecoveryPoint> => {
    tries += 1;
    // EC2 takes no second snapshot of a volume within 15 s: what turned this one away may be another sweep's.
    const others = tries === 1 ? undefined : await recent();
    if (others !== undefined) return others;
    const { tags } = tagsOfVolume(one, { pointId, runId: run, arn, captured: clock.now(), version });
    const name = one.volume.tags["Name"] ?? "";
    const made = await deps.create({ volume: id, description: `${name} (${id})`.trim().slice(-255), tags });
    const [point] = pointsOf([{ ...made, tags }], made.startTime);
    if (point === undefined) throw new Error("a snapshot with a point's tags is no point");
    return point;
  };
  const { id: became } = await backup(capture, pointId, [id], waits, { engine, clock, log }, signal);
  if (became !== pointId) return { outcome: "recent" };
  log("info", `captured ${id}, which no instance has`, { run, point: pointId });
  return { outcome: "created", point: pointId };
}
