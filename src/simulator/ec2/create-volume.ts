import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { own } from "../own.ts";
import type { Decoded } from "../shapes.ts";
import { tagSpecificationShape } from "./begin-snapshots.ts";
import { beginVolume, checkRate, encryptionOf, usableSnapshot, type VolumePlan } from "./begin-volume.ts";
import { repetitionOf } from "./client-tokens.ts";
import { describedVolume } from "./describe-volumes.ts";
import { operation } from "./operation.ts";
import { tagsByKind } from "./tag-specifications.ts";
import { shapeOf } from "./volume-rules.ts";

const parameters = {
  AvailabilityZone: "string",
  AvailabilityZoneId: "string",
  Encrypted: "boolean",
  Iops: "integer",
  KmsKeyId: "string",
  OutpostArn: "string",
  Size: "integer",
  SnapshotId: "string",
  VolumeType: "string",
  TagSpecification: tagSpecificationShape,
  MultiAttachEnabled: "boolean",
  Throughput: "integer",
  ClientToken: "string",
  VolumeInitializationRate: "integer",
  DryRun: "boolean",
} as const;

/** A volume, empty or with the bytes of a snapshot. gp2 unless another type is named. */
export const createVolume = operation({
  name: "CreateVolume",
  changes: true,
  parameters,
  rate: () => ({ bucket: "CreateVolume", rate: ec2Rates.snapshots }),
  prepare(input, context) {
    const { world } = context;
    const repetition = repetitionOf("CreateVolume", input, context);
    const resource = `arn:${world.settings.partition}:ec2:${world.settings.region}:${world.settings.account}:volume/*`;
    const needs = input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [];
    const [earlier] = repetition.earlier ?? [];
    if (earlier !== undefined) {
      return {
        needs,
        resource,
        commit() {
          const volume = own(world.volumes, earlier);
          // What a token leads to when its volume is gone is not documented.
          if (volume === undefined)
            throw new ApiError("InvalidVolume.NotFound", `The volume '${earlier}' does not exist.`);
          return describedVolume(volume) as Record<string, never>;
        },
      };
    }
    const plan = planOf(input, context);
    return {
      needs,
      resource,
      async commit() {
        const begun = beginVolume(context, plan, repetition.keep);
        const volume = await begun.catch((error: unknown) => {
          repetition.forget();
          throw error;
        });
        return { ...(describedVolume(volume) as Record<string, never>), status: "creating" };
      },
    };
  },
});

function planOf(input: Decoded<typeof parameters>, context: Context): VolumePlan {
  const { world } = context;
  const zone = zoneOf(input, context);
  if (input.OutpostArn !== undefined)
    throw new ApiError("UnsupportedOperation", "Volumes can be created only in the Region.");
  const snapshot = input.SnapshotId === undefined ? undefined : usableSnapshot(context, input.SnapshotId);
  const shape = shapeOf({
    type: input.VolumeType,
    size: input.Size,
    iops: input.Iops,
    throughput: input.Throughput,
    atLeast: snapshot?.volumeSize,
  });
  const encryption = encryptionOf(world, snapshot, { encrypted: input.Encrypted, key: input.KmsKeyId });
  const multiAttachEnabled = input.MultiAttachEnabled === true;
  if (multiAttachEnabled && shape.type !== "io1" && shape.type !== "io2")
    throw new ApiError(
      "InvalidParameterCombination",
      `The parameter MultiAttachEnabled is not supported for ${shape.type} volumes.`,
    );
  checkRate(context, input.VolumeInitializationRate, snapshot);
  const tags = tagsByKind(input.TagSpecification, ["volume"]).volume;
  const rate = input.VolumeInitializationRate;
  return { ...shape, ...encryption, zone, snapshot, rate, tags, multiAttachEnabled };
}

function zoneOf(
  { AvailabilityZone: zone, AvailabilityZoneId: zoneId }: Decoded<typeof parameters>,
  { world }: Context,
): string {
  if ((zone === undefined) === (zoneId === undefined)) {
    const message = "Either AvailabilityZone or AvailabilityZoneId must be specified, but not both.";
    throw new ApiError("MissingParameter", message);
  }
  // Zone ids are not simulated.
  const { region } = world.settings;
  if (zone === undefined || !new RegExp(`^${region}[a-z]$`).test(zone))
    throw new ApiError("InvalidZone.NotFound", `The zone '${zone ?? zoneId}' does not exist.`);
  return zone;
}
