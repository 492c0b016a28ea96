import type { Instance, Volume } from "../../src/core/instance.ts";
import { type Job, seriesOf } from "../../src/core/job.ts";
import type { Hold, PointState, RecoveryPoint, Snapshot } from "../../src/core/recovery-point.ts";
import type { RetentionPlan } from "../../src/core/retention.ts";
import {
  type Consistency,
  type CountedRule,
  defaultRetention,
  type RetentionPolicy,
} from "../../src/core/retention-policy.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** An instant in UTC: `2027-03-28T01:00`. */
export function at(text: string): Date {
  return new Date(`${text}Z`);
}

export function earlier(instant: Date, ms: number): Date {
  return new Date(instant.getTime() - ms);
}

export function later(instant: Date, ms: number): Date {
  return new Date(instant.getTime() + ms);
}

export type PolicyWish = Partial<Record<CountedRule, number>> &
  Partial<Pick<RetentionPolicy, "within" | "timezone" | "demanded" | "shrinkDelay">>;

/** A policy of just the rules that are named: `policy({ daily: 7, timezone: "Europe/Berlin" })`. */
export function policy(wish: PolicyWish = {}): RetentionPolicy {
  const { within, timezone = "UTC", demanded = "crash", shrinkDelay = 7 * day, ...counts } = wish;
  return { counts, timezone, demanded, shrinkDelay, ...(within === undefined ? {} : { within }) };
}

export function snapshot(wish: Partial<Snapshot> = {}): Snapshot {
  return {
    id: "snap-1",
    volumeId: "vol-1",
    state: "completed",
    startTime: at("2027-01-01T00:00"),
    volumeSizeGiB: 8,
    encrypted: false,
    archived: false,
    tags: {},
    ...wish,
  };
}

export interface PointWish {
  readonly id?: string;
  readonly state?: PointState;
  /** Volumes that the point has a member of. */
  readonly volumes?: readonly string[];
  readonly consistency?: Consistency;
  readonly policy?: RetentionPolicy | "unreadable";
  readonly holds?: readonly Hold[];
}

/**
 * A point whose members agree with its state: of a failed one the first member is an error, of a pending
 * one the last is pending, and a partial one lacks a volume that it was to hold.
 */
export function point(captured: Date, wish: PointWish = {}): RecoveryPoint {
  const { id = `point-${captured.toISOString()}`, state = "complete", volumes = ["vol-1"] } = wish;
  const stateOf = (index: number): Snapshot["state"] => {
    if (state === "failed" && index === 0) return "error";
    return state === "pending" && index === volumes.length - 1 ? "pending" : "completed";
  };
  const planned = state === "partial" ? [...volumes, "vol-fff"] : volumes;
  return {
    id,
    run: "run",
    job: "default",
    series: "series",
    instanceArn: "arn",
    state,
    captured,
    consistency: wish.consistency ?? "crash",
    snapshots: volumes.map((volumeId, index) =>
      snapshot({ id: `snap-${id}-${volumeId}`, volumeId, state: stateOf(index), startTime: captured }),
    ),
    recipe: planned.map((volumeId) => ({ volumeId })),
    holds: wish.holds ?? [],
    ...(wish.policy === undefined ? {} : { policy: wish.policy }),
  };
}

/** `count` points, one every `step` ms, the newest of them at `newest`; oldest first. */
export function everyStep(newest: Date, step: number, count: number, wish: PointWish = {}): RecoveryPoint[] {
  return Array.from({ length: count }, (_, index) =>
    point(earlier(newest, (count - 1 - index) * step), wish),
  );
}

export function idsOf(points: readonly RecoveryPoint[]): string[] {
  return points.map((one) => one.id).sort();
}

export function keptOf(plan: RetentionPlan): RecoveryPoint[] {
  return plan.keep.map((kept) => kept.point);
}

/** Whether any of the reasons to keep the point is of that rule. */
export function reasonsOf(plan: RetentionPlan, wanted: RecoveryPoint): string[] {
  const kept = plan.keep.find((one) => one.point.id === wanted.id);
  return kept?.reasons.map((reason) => reason.rule) ?? [];
}

export const instance: Instance = {
  id: "i-0123456789abcdef0",
  arn: "arn:aws:ec2:eu-central-1:123456789012:instance/i-0123456789abcdef0",
  account: "123456789012",
  region: "eu-central-1",
  zone: "eu-central-1a",
  name: "web-1",
  type: "m7g.large",
  rootDevice: "/dev/xvda",
  tags: {},
};

export function volume(wish: Partial<Volume> = {}): Volume {
  return {
    id: "vol-1",
    device: "/dev/sdf",
    root: false,
    sizeGiB: 100,
    type: "gp3",
    iops: 3000,
    throughput: 125,
    encrypted: true,
    multiAttach: false,
    deleteOnTermination: false,
    attachment: "attached",
    tags: {},
    ...wish,
  };
}

/** The root volume and as many data volumes as make `count`, with ids as long as EC2's. */
export function volumes(count: number, wish: (index: number) => Partial<Volume> = () => ({})): Volume[] {
  return Array.from({ length: count }, (_, index) =>
    volume({
      id: `vol-${index.toString(16).padStart(17, "0")}`,
      device: index === 0 ? "/dev/xvda" : `/dev/xvd${String.fromCharCode(98 + (index % 24))}${index}`,
      root: index === 0,
      deleteOnTermination: index === 0,
      ...wish(index),
    }),
  );
}

export function job(wish: Partial<Job> = {}): Job {
  return {
    name: "default",
    timezone: "UTC",
    splay: 0,
    volumes: { root: true, exclude: [] },
    retention: defaultRetention,
    addTags: {},
    hooks: [],
    whenLess: "degrade" as const,
    dialect: "none",
    waits: {
      request: 30_000,
      capture: 30_000,
      retryFor: 600_000,
      retryEvery: 15_000,
      reconcileFor: 300_000,
      reconcileEvery: 2_000,
      settleFor: day,
      settleEvery: 15_000,
    },
    ...wish,
  };
}

export const series = seriesOf("default", instance.arn);
