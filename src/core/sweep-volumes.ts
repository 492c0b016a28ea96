import { copyTag } from "./copy-target.ts";
import type { Tags } from "./instance.ts";
import { seriesOf } from "./job.ts";
import { encodeManifest } from "./manifest.ts";
import { maxTags, tagKeys } from "./point-tags.ts";
import type { Snapshot } from "./recovery-point.ts";
import { formatPolicy, parsePolicy, type RetentionPolicy } from "./retention-policy.ts";
import { policyFor } from "./sweep-create.ts";
import type { SweepUnit } from "./sweep-ports.ts";
import type { SweepCreateRules, TaggedRules } from "./sweep-settings.ts";

/** A volume that no instance has. */
export interface LooseVolume {
  readonly id: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly iops?: number;
  readonly throughput?: number;
  readonly tags: Tags;
}

/** One that nobody has captured in time, with the policy of the point that it is to get. */
export interface OverdueVolume {
  readonly volume: LooseVolume;
  readonly policy: RetentionPolicy;
  readonly last?: Date;
  /** Where its last point is copied to, as it is recorded. */
  readonly copy?: string;
}

export interface VolumeFacts {
  readonly volumes: readonly LooseVolume[];
  /** The newest snapshot of ours of each volume. */
  readonly newest: ReadonlyMap<string, Snapshot>;
  readonly wished: (tags: Tags) => boolean | undefined;
  readonly tagged: (tags: Tags) => TaggedRules | "unreadable" | undefined;
  /** The tag that leaves a volume out of every backup. */
  readonly leftOut: (tags: Tags) => string | undefined;
}

/** The volumes without an instance that are to be captured, the longest overdue first. */
export function planVolumes(
  { volumes, newest, wished, tagged, leftOut }: VolumeFacts,
  rules: Pick<SweepCreateRules, "overdueAfter" | "all" | "retention">,
  now: Date,
): readonly OverdueVolume[] {
  return volumes
    .filter(({ tags }) => leftOut(tags) === undefined && (wished(tags) ?? rules.all))
    .flatMap((volume): OverdueVolume[] => {
      const last = newest.get(volume.id);
      if (last !== undefined && now.getTime() - last.startTime.getTime() <= rules.overdueAfter) return [];
      const written = last?.tags[tagKeys.retention];
      const recorded = written === undefined ? undefined : (parsePolicy(written) ?? "unreadable");
      const copy = last?.tags[copyTag];
      return [
        {
          volume,
          policy: policyFor(tagged(volume.tags), recorded, rules),
          ...(last === undefined ? {} : { last: last.startTime }),
          ...(copy === undefined ? {} : { copy }),
        },
      ];
    })
    .sort((a, b) => (a.last?.getTime() ?? 0) - (b.last?.getTime() ?? 0));
}

/** The ARN of a volume, which stands for an instance on its points. */
export function volumeArn(id: string, { region, account }: SweepUnit, partition: string): string {
  return `arn:${partition}:ec2:${region}:${account}:volume/${id}`;
}

/** What is true of the point of one volume. */
export interface VolumeBirth {
  readonly pointId: string;
  readonly runId: string;
  readonly arn: string;
  readonly captured: Date;
  readonly version: string;
}

/** The job of all points of volumes without an instance. */
const job = "default";

export function volumeSeries(arn: string): string {
  return seriesOf(job, arn);
}

/** Tags that would mean something on the snapshot, and those that only a volume has. */
const notCarried = /^(?:aws:|ec2-backup:)|^(?:KeepForever|DeleteOn|Type)$/;

/** The tags of a volume's point: ours, and those of the volume as far as there is room. */
export function tagsOfVolume(
  { volume, policy, copy }: OverdueVolume,
  { pointId, runId, arn, captured, version }: VolumeBirth,
): { readonly tags: Tags; readonly dropped: number } {
  const { id: volumeId, tags: written, ...shape } = volume;
  const name = written["Name"] ?? "";
  const [recipe = volumeId] = encodeManifest([{ volumeId, ...shape }], "full");
  const own: Tags = {
    [tagKeys.point]: pointId,
    [tagKeys.run]: runId,
    [tagKeys.job]: job,
    [tagKeys.series]: volumeSeries(arn),
    [tagKeys.instance]: arn,
    [tagKeys.captured]: captured.toISOString(),
    [tagKeys.retention]: formatPolicy(policy),
    [tagKeys.consistency]: "crash",
    [tagKeys.version]: version,
    [`${tagKeys.manifest}1`]: recipe,
    ...(name === "" ? {} : { [tagKeys.name]: name }),
    ...(copy === undefined ? {} : { [copyTag]: copy }),
  };
  const carried = Object.entries(written).filter(([key]) => !notCarried.test(key));
  const room = maxTags - Object.keys(own).length;
  return {
    tags: { ...Object.fromEntries(carried.slice(0, room)), ...own },
    dropped: Math.max(0, carried.length - room),
  };
}
