import { ApiError, commonError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import { newId } from "../ids.ts";
import { tagSet } from "../tags.ts";
import type { Snapshot, Tags } from "../world.ts";
import { checkCommon } from "./begin-snapshots.ts";
import { keyOfCopy, keysFail } from "./copy-keys.ts";
import { copySource } from "./copy-source.ts";
import { type CopyTime, timeOfCopy } from "./copy-time.ts";
import { isIncremental, lineageOf } from "./lineage.ts";
import { operation } from "./operation.ts";
import { checkSnapshotQuota } from "./snapshot-limits.ts";
import { tagsByKind } from "./tag-specifications.ts";

type Source = ReturnType<typeof copySource>;

interface Plan {
  source: Source;
  key: string | null;
  minutes: number | undefined;
  description: string;
  tags: Tags;
}

/** A copy in the Region of the request. No client token: repeating it makes a second one. Tags are only those given. */
export const copySnapshot = operation({
  name: "CopySnapshot",
  changes: true,
  parameters: {
    SourceSnapshotId: "string",
    SourceRegion: "string",
    DestinationRegion: "string",
    DestinationOutpostArn: "string",
    DestinationAvailabilityZone: "string",
    Description: "string",
    Encrypted: "boolean",
    KmsKeyId: "string",
    PresignedUrl: "string",
    CompletionDurationMinutes: "integer",
    TagSpecification: [{ ResourceType: "string", Tag: [{ Key: "string", Value: "string" }] }],
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "CopySnapshot", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world } = context;
    checkCommon({
      Description: input.Description,
      OutpostArn: input.DestinationOutpostArn ?? input.DestinationAvailabilityZone,
      Location: undefined,
    });
    // Of other requests it is only part of what signs the PresignedUrl.
    if (input.DestinationRegion !== undefined && input.DestinationRegion !== world.settings.region)
      throw new ApiError(
        "InvalidParameterValue",
        "The destination is the Region that the request is sent to.",
      );
    const source = copySource(input, context);
    const key = keyOfCopy(world, source.snapshot, input);
    const tags = tagsByKind(input.TagSpecification, ["snapshot"]).snapshot;
    const minutes = input.CompletionDurationMinutes;
    timeOfCopy(context, source.snapshot.fullSizeBytes, minutes);
    const { partition, region } = source.world.settings;
    return {
      needs: input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [],
      resource: `arn:${partition}:ec2:${region}::snapshot/${source.snapshot.id}`,
      async commit() {
        const description = input.Description ?? "";
        const copy = await begin(context, { source, key, minutes, description, tags });
        return {
          snapshotId: copy.id,
          ...(Object.keys(tags).length === 0 ? {} : { tagSet: tagSet(tags) }),
        };
      },
    };
  },
});

async function begin(context: Context, plan: Plan): Promise<Snapshot> {
  const { world, bytes } = context;
  const { atOnce } = world.settings.copies;
  const underway = Object.values(world.snapshots).filter(
    ({ copy, state }) => copy !== null && state === "pending",
  );
  if (underway.length >= atOnce)
    throw new ApiError(
      "ResourceLimitExceeded",
      `Too many snapshot copies in progress. The limit is ${atOnce} for this destination region.`,
    );
  checkSnapshotQuota(world, 1);
  const { snapshot: source } = plan.source;
  const lineage = lineageOf(plan.source.world, source);
  const incremental = isIncremental(world, lineage, plan.key);
  const amount = Math.round(source.fullSizeBytes * (incremental ? world.settings.copies.share : 1));
  const copy = newCopy(context, plan, { lineage, incremental, bytes: amount });
  if (keysFail(context, plan.key, plan.source)) fail(copy, world.settings.copies.keyFaultAfter);
  const partial = faultOf(context, "partial");
  if (partial !== undefined)
    fail(copy, partial.seconds === undefined ? world.settings.copies.keyFaultAfter : partial.seconds * 1_000);
  world.snapshots[copy.id] = copy;
  if (source.file === null) return copy;
  try {
    const [captured] = await bytes.capture([{ source: source.file, snapshot: copy.id }]);
    Object.assign(copy, { file: captured?.file ?? null, pointInTime: source.pointInTime });
  } catch (error) {
    delete world.snapshots[copy.id];
    throw commonError("ec2", "internal", `The snapshot's file cannot be copied: ${(error as Error).message}`);
  }
  return copy;
}

function newCopy(
  context: Context,
  { source: { world: from, snapshot: source }, key, minutes, description, tags }: Plan,
  facts: Pick<NonNullable<Snapshot["copy"]>, "lineage" | "incremental" | "bytes">,
): Snapshot {
  const { world, now, elapsed } = context;
  const { account, seed, consistency } = world.settings;
  const time: CopyTime = timeOfCopy(context, facts.bytes, minutes);
  const invisible = faultOf(context, "invisible");
  return {
    ...source,
    id: newId("snap", seed, ++world.sequence),
    volumeId: "vol-ffffffff",
    ownerId: account,
    ownerAlias: null,
    description,
    tags,
    state: "pending",
    stateMessage: null,
    startTime: now,
    completesAt: now + time.milliseconds,
    completionTime: null,
    failsAt: null,
    stoppedAt: null,
    encrypted: key !== null,
    kmsKeyId: key,
    storageTier: "standard",
    tiering: null,
    recycledAt: null,
    lock: null,
    deleteWhenSettled: false,
    visibleFrom: elapsed + (invisible === undefined ? consistency : (invisible.seconds ?? 60) * 1_000),
    formerTags: null,
    file: null,
    pointInTime: null,
    sharedWith: [],
    copy: {
      ...facts,
      sourceAccount: from.settings.account,
      sourceRegion: from.settings.region,
      sourceSnapshotId: source.id,
      capturedAt: source.copy?.capturedAt ?? source.startTime,
      completionMinutes: minutes ?? null,
    },
  };
}

function fail(copy: Snapshot, after: number): void {
  copy.failsAt = copy.startTime + after;
  copy.stateMessage = "Given key ID is not accessible";
}
