import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { newId } from "../ids.ts";
import type { Snapshot } from "../world.ts";
import { ownSnapshot } from "./named-snapshot.ts";
import { operation } from "./operation.ts";
import { tagsByKind } from "./tag-specifications.ts";

const accounts = [{ UserId: "string", Group: "string" }] as const;

/** Who may make volumes of a snapshot. That it is shared is not kept: nothing here looks at it. */
export const modifySnapshotAttribute = operation({
  name: "ModifySnapshotAttribute",
  changes: false,
  parameters: {
    SnapshotId: "string",
    Attribute: "string",
    OperationType: "string",
    UserId: ["string"],
    UserGroup: ["string"],
    CreateVolumePermission: { Add: accounts, Remove: accounts },
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "ModifySnapshotAttribute", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const snapshot = ownSnapshot(input.SnapshotId, context);
    return { resource: arnOf(context, snapshot.id), commit: () => ({ return: true }) };
  },
});

/** A copy in the same Region; tags are not copied. */
export const copySnapshot = operation({
  name: "CopySnapshot",
  changes: true,
  parameters: {
    SourceSnapshotId: "string",
    SourceRegion: "string",
    DestinationRegion: "string",
    Description: "string",
    Encrypted: "boolean",
    KmsKeyId: "string",
    PresignedUrl: "string",
    TagSpecification: [{ ResourceType: "string", Tag: [{ Key: "string", Value: "string" }] }],
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "CopySnapshot", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world, now, elapsed } = context;
    const source = ownSnapshot(input.SourceSnapshotId, context);
    if (source.state !== "completed")
      throw new ApiError("IncorrectState", `Snapshot is in invalid state - ${source.state}`);
    if (input.SourceRegion !== world.settings.region)
      throw new ApiError("InvalidParameterValue", "Copies between Regions are not simulated.");
    const tags = tagsByKind(input.TagSpecification, ["snapshot"]).snapshot;
    return {
      resource: arnOf(context, source.id),
      commit() {
        const { fixed, perGiB } = world.settings.settle;
        const id = newId("snap", world.settings.seed, ++world.sequence);
        const copy: Snapshot = {
          ...source,
          id,
          tags,
          description: input.Description ?? "",
          volumeId: "vol-ffffffff",
          state: "pending",
          startTime: now,
          completesAt: now + fixed + source.volumeSize * perGiB,
          completionTime: null,
          lock: null,
          visibleFrom: elapsed,
          formerTags: null,
          // Bytes belong to one snapshot; a copy has none here.
          file: null,
          pointInTime: null,
        };
        world.snapshots[id] = copy;
        return { snapshotId: id };
      },
    };
  },
});

function arnOf({ world: { settings } }: Context, id: string): string {
  return `arn:${settings.partition}:ec2:${settings.region}::snapshot/${id}`;
}
