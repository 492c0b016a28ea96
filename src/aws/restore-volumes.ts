import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  type CreateVolumeCommandOutput,
  DeleteVolumeCommand,
  DescribeVolumeStatusCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type Volume as Ec2Volume,
  type Filter,
  type VolumeType,
} from "@aws-sdk/client-ec2";
import type { NewVolume, VolumeService, VolumeState } from "../core/restore-ports.ts";
import type { Connection } from "./connection.ts";
import { call, tagsOf } from "./discover.ts";
import { listed } from "./listed-tags.ts";
import { pages, unreadable } from "./pages.ts";
import { hasTag, tagFilter } from "./tag-filter.ts";
import { tagResources } from "./tag-resources.ts";
import { unlessDone } from "./unless-done.ts";

/** EC2's volumes. Each request has the deadline of the connection over all its attempts. */
export function ec2Volumes(connection: Connection): VolumeService {
  const { ec2 } = connection;
  const ask = <T>(doing: string, signal: AbortSignal, send: (abortSignal: AbortSignal) => Promise<T>) =>
    call(connection, doing, signal, send);
  return {
    async create(volume, signal) {
      const doing = `make a volume of ${volume.snapshot}`;
      const found = await ask(doing, signal, (abortSignal) =>
        ec2.send(createCommand(volume), { abortSignal }),
      );
      return stateOf(found, doing);
    },
    describe: (ids, signal) =>
      ids.length === 0
        ? Promise.resolve([])
        : list(connection, [{ Name: "volume-id", Values: [...ids] }], `look at ${ids.join(", ")}`, signal),
    async tagged(key, value, signal) {
      const doing = `list the volumes with the tag ${key}`;
      const found = await list(connection, [tagFilter(key, value)], doing, signal);
      return found.filter(({ tags }) => hasTag(tags, key, value));
    },
    async attach(id, instance, device, signal) {
      const command = new AttachVolumeCommand({ VolumeId: id, InstanceId: instance, Device: device });
      await ask(`attach ${id} as ${device}`, signal, (abortSignal) => ec2.send(command, { abortSignal }));
    },
    async detach(id, instance, signal) {
      const command = new DetachVolumeCommand({ VolumeId: id, InstanceId: instance });
      await unlessDone(["InvalidVolume.NotFound", "IncorrectState", "InvalidAttachment.NotFound"], () =>
        ask(`detach ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal })),
      );
    },
    async remove(id, signal) {
      const command = new DeleteVolumeCommand({ VolumeId: id });
      await unlessDone(["InvalidVolume.NotFound"], () =>
        ask(`remove ${id}`, signal, (abortSignal) => ec2.send(command, { abortSignal })),
      );
    },
    tag: (ids, tags, signal) => tagResources(connection, ids, tags, signal),
    initialized: (ids, signal) => initialized(connection, ids, signal),
  };
}

/** IOPS and throughput are sent only if they are asked for; the type always is, since EC2 would take gp2. */
function createCommand(volume: NewVolume): CreateVolumeCommand {
  const { iops, throughput, kmsKey, initializeRate } = volume;
  return new CreateVolumeCommand({
    AvailabilityZone: volume.zone,
    SnapshotId: volume.snapshot,
    VolumeType: volume.type as VolumeType,
    Size: volume.sizeGiB,
    ...(iops === undefined ? {} : { Iops: iops }),
    ...(throughput === undefined ? {} : { Throughput: throughput }),
    ...(kmsKey === undefined ? {} : { Encrypted: true, KmsKeyId: kmsKey }),
    ...(initializeRate === undefined ? {} : { VolumeInitializationRate: initializeRate }),
    ClientToken: volume.clientToken,
    TagSpecifications: [
      {
        ResourceType: "volume",
        Tags: listed(volume.tags),
      },
    ],
  });
}

async function list(
  connection: Connection,
  Filters: Filter[],
  doing: string,
  signal: AbortSignal,
): Promise<VolumeState[]> {
  const volumes: VolumeState[] = [];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeVolumesCommand({ Filters, MaxResults: 500, ...next }), { abortSignal }),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Volumes === undefined) throw unreadable(doing, "the answer has no list of volumes");
    volumes.push(...page.Volumes.map((volume) => stateOf(volume, doing)));
  }
  return volumes;
}

/** A volume as EC2 tells it. */
export function stateOf(volume: Ec2Volume | CreateVolumeCommandOutput, doing: string): VolumeState {
  const { VolumeId: id, State: state, SnapshotId: snapshot } = volume;
  if (id === undefined || state === undefined)
    throw unreadable(doing, `a volume lacks its id or state (${id ?? "no id"})`);
  return {
    id,
    state,
    zone: volume.AvailabilityZone ?? "",
    ...(snapshot === undefined || snapshot === "" ? {} : { snapshot }),
    type: volume.VolumeType ?? "standard",
    sizeGiB: volume.Size ?? 0,
    ...(volume.Iops === undefined ? {} : { iops: volume.Iops }),
    ...(volume.Throughput === undefined ? {} : { throughput: volume.Throughput }),
    ...(volume.Encrypted === undefined ? {} : { encrypted: volume.Encrypted }),
    ...(volume.KmsKeyId === undefined ? {} : { kmsKey: volume.KmsKeyId }),
    tags: tagsOf(volume.Tags),
    attachments: (volume.Attachments ?? []).map((one) => ({
      instance: one.InstanceId ?? "",
      device: one.Device ?? "",
      state: one.State ?? "attached",
    })),
  };
}

/** What EC2 tells of volumes that it initializes at a rate; up to five minutes old (EBS user guide). */
async function initialized(
  connection: Connection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const doing = "see how far the volumes are initialized";
  const answer = await call(connection, doing, signal, (abortSignal) =>
    connection.ec2.send(new DescribeVolumeStatusCommand({ VolumeIds: [...ids] }), { abortSignal }),
  );
  const percents = new Map<string, number>();
  for (const volume of answer.VolumeStatuses ?? []) {
    const { VolumeId: id, InitializationStatusDetails: details } = volume;
    const progress = details?.Progress;
    if (id !== undefined && progress !== undefined) percents.set(id, progress);
  }
  return percents;
}
