import {
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  type Instance as Ec2Instance,
  type Volume as Ec2Volume,
  type Tag,
  type VolumeAttachment,
} from "@aws-sdk/client-ec2";
import { type Discovery, type Instance, instanceArn, type Tags, type Volume } from "../core/instance.ts";
import { askAws } from "./ask.ts";
import type { Connection } from "./connection.ts";
import { machineOf } from "./machine-of.ts";
import type { Identity } from "./metadata.ts";
import { pages, unreadable } from "./pages.ts";
import { serviceClock } from "./service-clock.ts";
import { sideBySide } from "./side-by-side.ts";

/**
 * One DescribeInstances and one DescribeVolumes (plus pages), side by side, since neither needs the other's
 * answer. The volumes come from EC2 and not from the metadata, which lacks those attached since the last start.
 */
export async function discover(
  connection: Connection,
  identity: Identity,
  signal: AbortSignal,
): Promise<Discovery> {
  const { instanceId: id, instanceStores } = identity;
  const doing = `describe the volumes attached to ${id}`;
  const [{ found, asOf }, attached] = await sideBySide(
    signal,
    (asking) => describeInstance(connection, id, asking),
    (asking) => describeVolumes(connection, id, doing, asking),
  );
  const instance = instanceOf(found, identity);
  const volumes = attached.flatMap((volume) => volumeOf(volume, instance, doing));
  return { instance, volumes, instanceStores, ...(asOf === undefined ? {} : { asOf }) };
}

async function describeInstance(
  connection: Connection,
  id: string,
  signal: AbortSignal,
): Promise<{ found: Ec2Instance; asOf: Date | undefined }> {
  const doing = `describe the instance ${id}`;
  const answer = await call(connection, doing, signal, (abortSignal) =>
    connection.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }), { abortSignal }),
  );
  const instance = answer.Reservations?.flatMap((one) => one.Instances ?? []).find(
    (one) => one.InstanceId === id,
  );
  if (instance === undefined) throw unreadable(doing, "the instance is not in the answer");
  return { found: instance, asOf: serviceClock(answer.$metadata) };
}

function instanceOf(found: Ec2Instance, identity: Identity): Instance {
  const { instanceId: id, account, region, zone } = identity;
  const tags = tagsOf(found.Tags);
  const name = tags["Name"];
  return {
    id,
    arn: instanceArn(identity),
    account,
    region,
    zone,
    ...(name === undefined ? {} : { name }),
    type: found.InstanceType ?? "unknown",
    rootDevice: found.RootDeviceName ?? "",
    tags,
    machine: machineOf(found),
  };
}

async function describeVolumes(
  connection: Connection,
  instanceId: string,
  doing: string,
  signal: AbortSignal,
): Promise<Ec2Volume[]> {
  const volumes: Ec2Volume[] = [];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(
        new DescribeVolumesCommand({
          Filters: [{ Name: "attachment.instance-id", Values: [instanceId] }],
          MaxResults: 500,
          ...next,
        }),
        { abortSignal },
      ),
    );
  for await (const page of pages(doing, ask)) {
    if (page.Volumes === undefined) throw unreadable(doing, "the answer has no list of volumes");
    volumes.push(...page.Volumes);
  }
  return volumes;
}

function volumeOf(volume: Ec2Volume, instance: Instance, doing: string): Volume[] {
  const attachment = volume.Attachments?.find((one) => one.InstanceId === instance.id);
  const { VolumeId: id, Size: sizeGiB } = volume;
  // One that is detached at this moment may still be listed.
  if (attachment === undefined || attachment.State === "detached") return [];
  const device = attachment.Device;
  if (id === undefined || sizeGiB === undefined || device === undefined) {
    throw unreadable(doing, `a volume lacks its id, size or device (${id ?? "no id"})`);
  }
  return [describe(volume, attachment, { id, sizeGiB, device }, instance)];
}

function describe(
  volume: Ec2Volume,
  attachment: VolumeAttachment,
  known: { id: string; sizeGiB: number; device: string },
  instance: Instance,
): Volume {
  return {
    ...known,
    root: known.device === instance.rootDevice,
    type: volume.VolumeType ?? "standard",
    ...(volume.Iops === undefined ? {} : { iops: volume.Iops }),
    ...(volume.Throughput === undefined ? {} : { throughput: volume.Throughput }),
    encrypted: volume.Encrypted ?? false,
    multiAttach: volume.MultiAttachEnabled ?? false,
    deleteOnTermination: attachment.DeleteOnTermination ?? false,
    ...(volume.Operator?.Managed === true ? { operator: volume.Operator.Principal ?? "an AWS service" } : {}),
    attachment: attachment.State ?? "attached",
    tags: tagsOf(volume.Tags),
  };
}

/** Sends a request of EC2; see {@link askAws}. */
export function call<T>(
  connection: Connection,
  doing: string,
  signal: AbortSignal,
  send: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  return askAws(connection.requestTimeout * 4, signal, doing, send);
}

/** EC2's tags as a record. */
export function tagsOf(tags: readonly Tag[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""]));
}
