import type { Instance, Volume } from "../../src/core/instance.ts";
import type { Job } from "../../src/core/job.ts";
import { type Birth, descriptionOf, tagsOf } from "../../src/core/point-tags.ts";
import { defaultRetention, type RetentionPolicy } from "../../src/core/retention-policy.ts";

const day = 86_400_000;
const volumeCount = 4;

const instance: Instance = {
  id: "i-0be00000000000001",
  arn: "arn:aws:ec2:eu-central-1:111122223333:instance/i-0be00000000000001",
  account: "111122223333",
  region: "eu-central-1",
  zone: "eu-central-1a",
  name: "bench",
  type: "m7i.large",
  rootDevice: "/dev/xvda",
  tags: { Name: "bench" },
};

const volumes: readonly Volume[] = Array.from({ length: volumeCount }, (_, index) => ({
  id: `vol-0be0000000000000${index}`,
  device: index === 0 ? "/dev/xvda" : `/dev/sd${"efgh"[index]}`,
  root: index === 0,
  sizeGiB: 100,
  type: "gp3",
  iops: 3000,
  throughput: 125,
  encrypted: false,
  multiAttach: false,
  deleteOnTermination: index === 0,
  attachment: "attached",
  tags: {},
}));

/** A policy under which the next run removes exactly one point of a history this long. */
export const policyFor = (points: number): RetentionPolicy => ({
  counts: { last: points },
  timezone: defaultRetention.timezone,
  demanded: defaultRetention.demanded,
  shrinkDelay: defaultRetention.shrinkDelay,
});

/** The agent's configuration for the same policy. */
export const configFor = (points: number): string => `version: 1
timezone: UTC
jobs:
  default:
    schedule: "0 2 * * *"
    splay: 0s
    retention: { last: ${points} }
`;

function jobFor(points: number): Job {
  const waits = {
    request: 0,
    capture: 0,
    retryFor: 0,
    retryEvery: 0,
    reconcileFor: 0,
    reconcileEvery: 0,
    settleFor: 0,
    settleEvery: 0,
  };
  const retention = policyFor(points);
  const volumes = { root: true, exclude: [] };
  return {
    name: "default",
    timezone: "UTC",
    splay: 0,
    volumes,
    retention,
    addTags: {},
    hooks: [],
    whenLess: "degrade",
    dialect: "none",
    waits,
  };
}

/** A daily history: what the agent itself would have written, a set of four snapshots a day. */
function pointSnapshots(index: number, points: number, now: Date): object[] {
  const captured = new Date(now.getTime() - (index + 1) * day);
  const id = `0be00000-0000-7000-8000-${index.toString(16).padStart(12, "0")}`;
  const job = jobFor(points);
  const birth: Birth = { pointId: id, runId: id, job, instance, captured, volumes, version: "0.0.0" };
  const { tags } = tagsOf(birth);
  return volumes.map((volume, member) => ({
    id: `snap-0${(index * volumeCount + member).toString(16).padStart(16, "0")}`,
    volumeId: volume.id,
    volumeSize: volume.sizeGiB,
    description: descriptionOf(instance, job.name),
    tags,
    state: "completed",
    startTime: captured.toISOString(),
    fullSizeBytes: 10 * 1024 ** 3,
  }));
}

/** One instance with four volumes and the given number of points; no settling, no rate limits. */
export function scenario(points: number, now: Date): object {
  return {
    account: instance.account,
    region: instance.region,
    zone: instance.zone,
    self: instance.id,
    limits: false,
    settle: { seconds: 0, secondsPerGiB: 0 },
    instances: [
      {
        id: instance.id,
        name: instance.name,
        instanceType: instance.type,
        rootDeviceName: instance.rootDevice,
      },
    ],
    volumes: volumes.map((volume) => ({
      id: volume.id,
      size: volume.sizeGiB,
      type: volume.type,
      attachments: [
        { instance: instance.id, device: volume.device, deleteOnTermination: volume.deleteOnTermination },
      ],
    })),
    snapshots: Array.from({ length: points }, (_, index) => pointSnapshots(index, points, now)).flat(),
  };
}
