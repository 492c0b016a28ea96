import {
  AttachVolumeCommand,
  CreateReplaceRootVolumeTaskCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeInstancesCommand,
  DescribeReplaceRootVolumeTasksCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  ModifyInstanceAttributeCommand,
  type ReplaceRootVolumeTask,
  StartInstancesCommand,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { BackupError } from "../core/errors.ts";
import type { Rehearsed, RootTask, SwapService, Target } from "../core/replace-ports.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { call, discover, tagsOf } from "./discover.ts";
import { awsFailure } from "./failure.ts";
import { listed } from "./listed-tags.ts";
import type { Identity } from "./metadata.ts";
import { pages, unreadable } from "./pages.ts";
import { instancePower } from "./restore-power.ts";
import { tagResources } from "./tag-resources.ts";

/** EC2 as far as volumes are swapped. Each request has the deadline of the connection over all its attempts. */
export function ec2Swaps(connection: Connection, identity: Identity): SwapService {
  const { ec2 } = connection;
  const ask = <T>(doing: string, signal: AbortSignal, send: (abortSignal: AbortSignal) => Promise<T>) =>
    call(connection, doing, signal, send);
  return {
    target: (instance, signal) => targetOf(connection, { ...identity, instanceId: instance }, signal),
    tag: (ids, tags, signal) => tagResources(connection, ids, tags, signal),
    ...instancePower(connection),
    async untag(ids, keys, signal) {
      const command = new DeleteTagsCommand({ Resources: [...ids], Tags: keys.map((Key) => ({ Key })) });
      await ask(`take tags from ${ids.join(", ")}`, signal, (abortSignal) =>
        ec2.send(command, { abortSignal }),
      );
    },
    async setDeletion(instance, device, goes, signal) {
      const mapping = { DeviceName: device, Ebs: { DeleteOnTermination: goes } };
      const command = new ModifyInstanceAttributeCommand({
        InstanceId: instance,
        BlockDeviceMappings: [mapping],
      });
      await ask(`set DeleteOnTermination of ${device}`, signal, (abortSignal) =>
        ec2.send(command, { abortSignal }),
      );
    },
    async orderRoot({ instance, snapshot, token, tags }, signal) {
      const doing = `replace the root volume of ${instance}`;
      const command = new CreateReplaceRootVolumeTaskCommand({
        InstanceId: instance,
        SnapshotId: snapshot,
        ClientToken: token,
        DeleteReplacedRootVolume: false,
        TagSpecifications: [{ ResourceType: "replace-root-volume-task", Tags: listed(tags) }],
      });
      const answer = await ask(doing, signal, (abortSignal) => ec2.send(command, { abortSignal }));
      const task = answer.ReplaceRootVolumeTask;
      if (task === undefined) throw unreadable(doing, "the answer has no task");
      return taskOf(task, doing);
    },
    rootTasks: (instance, signal) => rootTasks(connection, instance, signal),
    rehearse: (what, on, signal) => rehearse(connection, what, on, signal),
  };
}

async function targetOf(connection: Connection, identity: Identity, signal: AbortSignal): Promise<Target> {
  const { instanceId: id } = identity;
  const doing = `describe the instance ${id}`;
  const answer = await call(connection, doing, signal, (abortSignal) =>
    connection.ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }), { abortSignal }),
  );
  const found = answer.Reservations?.flatMap((one) => one.Instances ?? []).find(
    (one) => one.InstanceId === id,
  );
  if (found === undefined) throw unreadable(doing, "the instance is not in the answer");
  const zone = found.Placement?.AvailabilityZone ?? identity.zone;
  const { instance, volumes, asOf } = await discover(connection, { ...identity, zone }, signal);
  const { InstanceLifecycle: lifecycle, PublicIpAddress: publicAddress } = found;
  return {
    instance,
    volumes,
    state: found.State?.Name ?? "unknown",
    rootDeviceType: found.RootDeviceType ?? "ebs",
    ...(lifecycle === undefined ? {} : { lifecycle }),
    ...(publicAddress === undefined ? {} : { publicAddress }),
    ...(asOf === undefined ? {} : { asOf }),
  };
}

async function rootTasks(
  connection: Connection,
  instance: string,
  signal: AbortSignal,
): Promise<readonly RootTask[]> {
  const doing = `look for root replacements of ${instance}`;
  const tasks: RootTask[] = [];
  const Filters = [{ Name: "instance-id", Values: [instance] }];
  const ask = (next: { NextToken?: string }) =>
    call(connection, doing, signal, (abortSignal) =>
      connection.ec2.send(new DescribeReplaceRootVolumeTasksCommand({ Filters, MaxResults: 50, ...next }), {
        abortSignal,
      }),
    );
  for await (const page of pages(doing, ask))
    for (const one of page.ReplaceRootVolumeTasks ?? []) tasks.push(taskOf(one, doing));
  return tasks;
}

function taskOf(found: ReplaceRootVolumeTask, doing: string): RootTask {
  const { ReplaceRootVolumeTaskId: id, TaskState: state, SnapshotId: snapshot, StartTime: started } = found;
  if (id === undefined || state === undefined) throw unreadable(doing, "a task lacks its id or state");
  const at = started === undefined ? undefined : new Date(started);
  return {
    id,
    state,
    tags: tagsOf(found.Tags),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(at === undefined || Number.isNaN(at.getTime()) ? {} : { started: at }),
  };
}

async function rehearse(
  { ec2, requestTimeout }: Connection,
  what: readonly Rehearsed[],
  on: { instance: string; volume: string; device: string; snapshot: string },
  signal: AbortSignal,
): Promise<void> {
  const { instance, volume, device, snapshot } = on;
  const DryRun = true;
  const tags = { Resources: [volume], Tags: [{ Key: "ec2-backup:replaced-by", Value: volume }], DryRun };
  const attachment = { VolumeId: volume, InstanceId: instance, Device: device, DryRun };
  const goes = { BlockDeviceMappings: [{ DeviceName: device, Ebs: { DeleteOnTermination: false } }] };
  const send: Record<Rehearsed | "look", (abortSignal: AbortSignal) => Promise<unknown>> = {
    look: (abortSignal) => ec2.send(new DescribeVolumesCommand({ DryRun }), { abortSignal }),
    tag: (abortSignal) => ec2.send(new CreateTagsCommand(tags), { abortSignal }),
    untag: (abortSignal) => ec2.send(new DeleteTagsCommand(tags), { abortSignal }),
    attach: (abortSignal) => ec2.send(new AttachVolumeCommand(attachment), { abortSignal }),
    detach: (abortSignal) => ec2.send(new DetachVolumeCommand(attachment), { abortSignal }),
    modify: (abortSignal) =>
      ec2.send(new ModifyInstanceAttributeCommand({ InstanceId: instance, ...goes, DryRun }), {
        abortSignal,
      }),
    stop: (abortSignal) =>
      ec2.send(new StopInstancesCommand({ InstanceIds: [instance], DryRun }), { abortSignal }),
    start: (abortSignal) =>
      ec2.send(new StartInstancesCommand({ InstanceIds: [instance], DryRun }), { abortSignal }),
    task: (abortSignal) =>
      ec2.send(
        new CreateReplaceRootVolumeTaskCommand({ InstanceId: instance, SnapshotId: snapshot, DryRun }),
        { abortSignal },
      ),
  };
  // The first only reads: an endpoint that takes no notice of a dry run would carry out the others.
  for (const one of ["look", ...what] as const) {
    const doing = `ask for the right to ${one}`;
    const code = await withDeadline(requestTimeout * 4, signal, doing, send[one]).then(
      () => undefined,
      (error: unknown) => {
        const failure = awsFailure(error, doing);
        if (failure.kind === "denied") throw needed(failure, one);
        return failure.code;
      },
    );
    if (one === "look" && code !== "DryRunOperation") return;
  }
}

const actions: Record<Rehearsed | "look", string> = {
  look: "ec2:DescribeVolumes",
  tag: "ec2:CreateTags",
  untag: "ec2:DeleteTags",
  attach: "ec2:AttachVolume",
  detach: "ec2:DetachVolume",
  modify: "ec2:ModifyInstanceAttribute",
  stop: "ec2:StopInstances",
  start: "ec2:StartInstances",
  task: "ec2:CreateReplaceRootVolumeTask",
};

function needed({ found }: BackupError, what: Rehearsed | "look"): BackupError {
  return new BackupError({
    kind: "denied",
    doing: "replace a volume",
    found: `${actions[what]} is not allowed: ${found}`,
    remedy: `allow ${actions[what]}; nothing has been changed`,
  });
}
