import { brake } from "../../src/core/brake.ts";
import type { Instance, Volume } from "../../src/core/instance.ts";
import type { Job } from "../../src/core/job.ts";
import { pointsOf, tagsOf } from "../../src/core/point-tags.ts";
import type { RecoveryPoint, Snapshot } from "../../src/core/recovery-point.ts";
import { planRetention, type RetentionPlan } from "../../src/core/retention.ts";
import type { RetentionPolicy } from "../../src/core/retention-policy.ts";
import { job as aJob, instance as anInstance, volume as aVolume } from "../core/points.ts";

interface Life {
  readonly captured: Date;
  readonly settles: Date;
  readonly ends: "completed" | "error";
  readonly volumes: readonly Volume[];
  readonly tags: Readonly<Record<string, string>>;
  seen?: { readonly settled: boolean; readonly point: RecoveryPoint };
}

export interface CaptureWish {
  readonly policy: RetentionPolicy;
  /** Milliseconds until the snapshots are complete (or have failed). */
  readonly settle?: number;
  readonly fails?: boolean;
  readonly volumes?: readonly Volume[];
  /** What the host believes the time is, where that is not what it is. */
  readonly hostClock?: Date;
}

export interface Pruned {
  readonly plan: RetentionPlan;
  readonly removed: readonly RecoveryPoint[];
  readonly postponed: readonly RecoveryPoint[];
}

/**
 * A series in a cloud that keeps time of its own: captures become snapshots with tags, snapshots complete
 * after a while, a listing reads them back, and a prune deletes what planner and brake say.
 */
export class PrunedSeries {
  readonly #lives = new Map<string, Life>();
  readonly #instance: Instance = anInstance;
  readonly #job: Job = aJob();

  /** One capture at an instant of the cloud's clock; the id of its point. */
  capture(
    at: Date,
    { policy, settle = 0, fails = false, volumes = [aVolume()], hostClock = at }: CaptureWish,
  ) {
    const pointId = `point-${at.toISOString()}`;
    const job = { ...this.#job, retention: policy };
    const birth = { pointId, runId: "run", job, instance: this.#instance, captured: hostClock, volumes };
    const { tags } = tagsOf({ ...birth, version: "1.0.0" });
    const settles = new Date(at.getTime() + settle);
    this.#lives.set(pointId, { captured: at, settles, ends: fails ? "error" : "completed", volumes, tags });
    return pointId;
  }

  list(asOf: Date): RecoveryPoint[] {
    return [...this.#lives.values()].map((life) => {
      const settled = life.settles <= asOf;
      if (life.seen?.settled !== settled) {
        const [point] = pointsOf(snapshotsOf(life, settled), asOf);
        if (point === undefined) throw new Error("a set that was captured is not listed");
        life.seen = { settled, point };
      }
      return life.seen.point;
    });
  }

  /** What follows a captured run: list, plan by the cloud's clock, brake, remove. */
  prune(policy: RetentionPolicy, asOf: Date, yes = false): Pruned {
    const plan = planRetention(this.list(asOf), policy, asOf);
    const { remove, postponed } = brake(plan, yes);
    for (const point of remove) this.#lives.delete(point.id);
    return { plan, removed: remove, postponed };
  }
}

function snapshotsOf(life: Life, settled: boolean): Snapshot[] {
  return life.volumes.map((volume) => ({
    id: `snap-${life.captured.getTime()}-${volume.id}`,
    volumeId: volume.id,
    state: settled ? life.ends : "pending",
    startTime: life.captured,
    volumeSizeGiB: volume.sizeGiB,
    encrypted: volume.encrypted,
    archived: false,
    tags: life.tags,
  }));
}
