import type { Context } from "../context.ts";
import { type Fields, type Filter, filterOf, filterShape, plainValues } from "../filters.ts";
import { own } from "../own.ts";
import { tagSet } from "../tags.ts";
import { indexOf } from "../world-index.ts";
import type { XmlValue } from "../xml.ts";
import { byIds, describeRate, iso, pageOfSorted, pageSize } from "./describing.ts";
import { operation } from "./operation.ts";
import { type Volume, volumeState } from "./volume.ts";

/** The volumes of the account. */
export const describeVolumes = operation({
  name: "DescribeVolumes",
  changes: false,
  parameters: {
    VolumeId: ["string"],
    IncludeManagedResources: "boolean",
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeVolumes"),
  prepare(input, context) {
    const ids = { name: "volumesSet", values: input.VolumeId };
    // 5 to 500; more gives 500 (docstring of botocore 1.29).
    const maxResults = pageSize(input, ids, { minimum: 5, maximum: 500, clamps: true });
    const { elapsed } = context;
    const passes = filterOf(input.Filter, fields);
    const view = (volume: Volume) => (volume.visibleFrom <= elapsed && passes(volume) ? volume : undefined);
    const sorted = candidates(input, context);
    return {
      commit() {
        const keys = { keyOf: (each: Volume) => each.id, age: (each: Volume) => each.createTime };
        const page = pageOfSorted("DescribeVolumes", sorted, view, input, maxResults, context, keys);
        return { volumeSet: page.things.map(describedVolume), nextToken: page.nextToken };
      },
    };
  },
});

/** All volumes that may be shown, in order: those named, or those of the instances asked for. @throws ApiError */
function candidates(
  { VolumeId: ids, Filter: filters }: { readonly VolumeId: readonly string[]; readonly Filter: Filter[] },
  { world, elapsed }: Context,
): readonly Volume[] {
  const index = indexOf(world);
  if (ids.length > 0) {
    const known = ids.flatMap((id) => own(world.volumes, id) ?? []);
    const named = byIds(
      "vol",
      ids,
      known.filter(({ visibleFrom }) => visibleFrom <= elapsed),
      ({ id }) => id,
    );
    return inOrder(named);
  }
  const instances = plainValues(filters, "attachment.instance-id");
  if (instances === undefined) return index.volumes;
  const found = instances.flatMap((id) => index.attached(id).map(({ volume }) => volume));
  return inOrder([...new Set(found)]);
}

const inOrder = (volumes: Volume[]) => volumes.sort((a, b) => (a.id < b.id ? -1 : 1));

/** A volume as DescribeVolumes and CreateVolume answer it. */
export function describedVolume(volume: Volume): XmlValue {
  return {
    volumeId: volume.id,
    size: volume.size,
    snapshotId: volume.snapshotId,
    availabilityZone: volume.zone,
    status: volumeState(volume),
    createTime: new Date(volume.createTime),
    attachmentSet: volume.attachments.map((attachment) => ({
      volumeId: volume.id,
      instanceId: attachment.instance,
      device: attachment.device,
      status: attachment.state,
      attachTime: new Date(attachment.attachTime),
      deleteOnTermination: attachment.deleteOnTermination,
    })),
    volumeType: volume.type,
    ...(volume.iops === null ? {} : { iops: volume.iops }),
    ...(volume.throughput === null ? {} : { throughput: volume.throughput }),
    encrypted: volume.encrypted,
    ...(volume.kmsKeyId === null ? {} : { kmsKeyId: volume.kmsKeyId }),
    multiAttachEnabled: volume.multiAttachEnabled,
    ...(volume.initialization?.rate ? { volumeInitializationRate: volume.initialization.rate } : {}),
    operator: volume.operator === null ? { managed: false } : { managed: true, principal: volume.operator },
    tagSet: tagSet(volume.tags),
  };
}

const fields: Fields<Volume> = {
  "attachment.attach-time": (volume) => volume.attachments.map((each) => iso(each.attachTime)),
  "attachment.delete-on-termination": (volume) =>
    volume.attachments.map((each) => String(each.deleteOnTermination)),
  "attachment.device": (volume) => volume.attachments.map((each) => each.device),
  "attachment.instance-id": (volume) => volume.attachments.map((each) => each.instance),
  "attachment.status": (volume) => volume.attachments.map((each) => each.state),
  "availability-zone": (volume) => [volume.zone],
  "create-time": (volume) => [iso(volume.createTime)],
  encrypted: (volume) => [String(volume.encrypted)],
  "fast-restored": () => ["false"],
  "multi-attach-enabled": (volume) => [String(volume.multiAttachEnabled)],
  "operator.managed": (volume) => [String(volume.operator !== null)],
  "operator.principal": (volume) => (volume.operator === null ? [] : [volume.operator]),
  size: (volume) => [String(volume.size)],
  "snapshot-id": (volume) => [volume.snapshotId],
  status: (volume) => [volumeState(volume)],
  "volume-id": (volume) => [volume.id],
  "volume-type": (volume) => [volume.type],
};
