import { DeleteAlarmsCommand, DescribeAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import {
  DeleteSnapshotCommand,
  DeleteVolumeCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  type Tag,
  UnlockSnapshotCommand,
} from "@aws-sdk/client-ec2";
import { instanceTag, type Lab, runTag } from "./lab.ts";
import { refusalOf } from "./question.ts";

/** What was taken away, and what could not be. */
export interface Cleaned {
  readonly gone: readonly string[];
  readonly left: readonly { readonly id: string; readonly why: string }[];
}

/** All alarms of this instance's runs begin so. */
export const alarmPrefix = ({ identity }: Lab): string => `ec2-backup-live-${identity.instanceId}-`;

/**
 * Takes away whatever runs on this instance have made, of this run and of earlier ones that were cut short. Each
 * thing is looked at again right before it goes: without both tags it stays.
 */
export async function clean(lab: Lab): Promise<Cleaned> {
  const gone: string[] = [];
  const left: { id: string; why: string }[] = [];
  const each = async (ids: readonly string[], take: (id: string) => Promise<void>) => {
    for (const id of ids) {
      try {
        await take(id);
        gone.push(id);
      } catch (error) {
        left.push({ id, why: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
      }
    }
  };
  await each(await snapshotsOf(lab), (id) => removeSnapshot(lab, id));
  await each(await volumesOf(lab), (id) => removeVolume(lab, id));
  await each(await alarmsOf(lab), async (name) => {
    await lab.cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [name] }));
  });
  return { gone, left };
}

const filters = (lab: Lab) => [
  { Name: "tag-key", Values: [runTag] },
  { Name: `tag:${instanceTag}`, Values: [lab.arn] },
];

function mustBeOurs(lab: Lab, tags: readonly Tag[] | undefined): void {
  const has = (key: string, value?: string) =>
    tags?.some((one) => one.Key === key && (value === undefined || one.Value === value));
  if (!has(runTag) || !has(instanceTag, lab.arn)) throw new Error("its tags are no longer ours");
}

async function snapshotsOf(lab: Lab): Promise<string[]> {
  const command = new DescribeSnapshotsCommand({ OwnerIds: ["self"], Filters: filters(lab) });
  const { Snapshots = [] } = await lab.ec2.send(command);
  return Snapshots.map(({ SnapshotId = "" }) => SnapshotId);
}

async function removeSnapshot(lab: Lab, SnapshotId: string): Promise<void> {
  const { Snapshots = [] } = await lab.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }));
  mustBeOurs(lab, Snapshots[0]?.Tags);
  const send = () => lab.ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
  const refused = await refusalOf(send);
  if (refused === undefined || refused.code === "InvalidSnapshot.NotFound") return;
  // Of a run that was cut short between the lock and its end.
  await lab.ec2.send(new UnlockSnapshotCommand({ SnapshotId }));
  await send();
}

async function volumesOf(lab: Lab): Promise<string[]> {
  const { Volumes = [] } = await lab.ec2.send(new DescribeVolumesCommand({ Filters: filters(lab) }));
  // One that was deleted is listed for some minutes.
  return Volumes.filter(({ State }) => State !== "deleting").map(({ VolumeId = "" }) => VolumeId);
}

async function removeVolume(lab: Lab, VolumeId: string): Promise<void> {
  const look = async () =>
    (await lab.ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }))).Volumes?.[0];
  const volume = await look();
  mustBeOurs(lab, volume?.Tags);
  const [attachment] = volume?.Attachments ?? [];
  if (attachment !== undefined) {
    if (attachment.InstanceId !== lab.identity.instanceId) throw new Error("it is attached elsewhere");
    // Refused where an earlier run was cut short while it was detaching.
    await refusalOf(() => lab.ec2.send(new DetachVolumeCommand({ VolumeId })));
  }
  const { signal } = new AbortController();
  const free = await lab.until(
    async () => ((await look())?.State === "available" ? true : undefined),
    signal,
  );
  if (free === undefined) throw new Error("it does not let go of this instance");
  await lab.ec2.send(new DeleteVolumeCommand({ VolumeId }));
}

async function alarmsOf(lab: Lab): Promise<string[]> {
  const command = new DescribeAlarmsCommand({
    AlarmNamePrefix: alarmPrefix(lab),
    AlarmTypes: ["MetricAlarm"],
  });
  const { MetricAlarms = [] } = await lab.cloudwatch.send(command);
  return MetricAlarms.map(({ AlarmName = "" }) => AlarmName);
}
