import type { Instance, Volume } from "../../src/core/instance.ts";
import type { Job } from "../../src/core/job.ts";
import { type Birth, descriptionOf, tagKeys, tagsOf } from "../../src/core/point-tags.ts";
import { defaultRetention } from "../../src/core/retention-policy.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import type { Snapshot, World } from "../../src/simulator/world.ts";

const day = 86_400_000;

export const instance: Instance = {
  id: "i-0fa00000000000001",
  arn: "arn:aws:ec2:eu-central-1:111122223333:instance/i-0fa00000000000001",
  account: "111122223333",
  region: "eu-central-1",
  zone: "eu-central-1a",
  name: "host",
  type: "m7i.large",
  rootDevice: "/dev/xvda",
  tags: { Name: "host" },
};

/** So many volumes, the first being the root. */
export function volumesOf(count: number): Volume[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `vol-0${index.toString(16).padStart(16, "0")}`,
    device:
      index === 0
        ? "/dev/xvda"
        : `/dev/sd${String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26))}`,
    root: index === 0,
    sizeGiB: 1,
    type: "gp3",
    encrypted: false,
    multiAttach: false,
    deleteOnTermination: index === 0,
    attachment: "attached",
    tags: {},
  }));
}

/** How many of the newest points the job of the tests keeps. */
export const kept = 4;

const { within: _, ...unlimited } = defaultRetention;

export const jobKeeping = (last: number): Job => ({
  name: "default",
  timezone: "UTC",
  splay: 0,
  volumes: { root: true, exclude: [] },
  retention: { ...unlimited, counts: { last } },
  addTags: {},
  hooks: [],
  whenLess: "degrade" as const,
  dialect: "none",
  waits: {} as Job["waits"],
});

/** What an earlier run of the agent left `age` days ago. */
function pointOf(age: number, volumes: readonly Volume[], job: Job, now: number) {
  const captured = new Date(now - age * day);
  const id = `0fa00000-0000-7000-8000-${age.toString(16).padStart(12, "0")}`;
  const birth: Birth = { pointId: id, runId: id, job, instance, captured, volumes, version: "0.0.0" };
  const { tags } = tagsOf(birth);
  return volumes.map((volume, member) => ({
    id: snapshotId(age, member),
    volumeId: volume.id,
    volumeSize: volume.sizeGiB,
    description: descriptionOf(instance, job.name),
    tags,
    state: "completed" as const,
    startTime: captured.toISOString(),
  }));
}

function snapshotId(age: number, member: number): string {
  return `snap-0${(age * 1000 + member).toString(16).padStart(16, "0")}`;
}

/**
 * One instance with a point of each of the last `days` days, the oldest of which an image holds, and a
 * snapshot of somebody else's making of each volume.
 */
export function scenarioOf(
  volumeCount: number,
  days: number,
  change: Partial<Scenario> = {},
  last = kept,
): Scenario {
  const now = Date.now();
  const job = jobKeeping(last);
  const volumes = volumesOf(volumeCount);
  const history = Array.from({ length: days }, (_, index) => pointOf(index + 1, volumes, job, now)).flat();
  const byHand = volumes.map(({ id }, index) => ({
    id: snapshotId(0, index),
    volumeId: id,
    startTime: new Date(now - 400 * day).toISOString(),
    tags: { Name: "made by hand" },
  }));
  return {
    account: instance.account,
    region: instance.region,
    zone: instance.zone,
    self: instance.id,
    settle: { seconds: 60, secondsPerGiB: 0 },
    instances: [{ id: instance.id, name: "host", tags: { Backup: "yes" } }],
    volumes: volumes.map(({ id, sizeGiB: size, device }) => ({
      id,
      size,
      attachments: [{ instance: instance.id, device }],
    })),
    snapshots: [...history, ...byHand],
    images:
      days === 0 ? [] : [{ id: "ami-0fa00000000000001", snapshots: { "/dev/xvda": snapshotId(days, 0) } }],
    ...change,
  };
}

/** A point as the world has it, whether or not EC2 would list it. */
export interface SnapshotSet {
  readonly id: string;
  readonly run: string;
  readonly snapshots: readonly Snapshot[];
}

/** All points in the world, newest first. */
export function setsOf(world: World): SnapshotSet[] {
  const sets = new Map<string, Snapshot[]>();
  for (const snapshot of Object.values(world.snapshots)) {
    const id = snapshot.tags[tagKeys.point];
    if (id !== undefined) sets.set(id, [...(sets.get(id) ?? []), snapshot]);
  }
  return [...sets]
    .map(([id, snapshots]) => ({ id, run: snapshots[0]?.tags[tagKeys.run] ?? "", snapshots }))
    .sort((a, b) => startOf(b) - startOf(a));
}

export function startOf(set: SnapshotSet): number {
  return Math.min(...set.snapshots.map((one) => one.startTime));
}
