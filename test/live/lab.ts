import { setTimeout as sleep } from "node:timers/promises";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import {
  AttachVolumeCommand,
  CreateSnapshotsCommand,
  type CreateSnapshotsCommandInput,
  CreateVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  EC2Client,
  type SnapshotInfo,
  type Tag,
} from "@aws-sdk/client-ec2";
import { type Identity, readIdentity } from "../../src/aws/metadata.ts";
import { instanceArn } from "../../src/core/instance.ts";

/** On everything that is made: which run made it, and on which instance. */
export const runTag = "ec2-backup-live";
export const instanceTag = "ec2-backup-live-instance";
/** On a volume only, to see what becomes of it. */
export const copiedTag = "ec2-backup-live-copied";

export interface LabOptions {
  readonly run: string;
  /** Where this host's devices are looked for: /sys and /dev. */
  readonly sys: string;
  readonly dev: string;
  /** Milliseconds for any one wait. */
  readonly patience: number;
  /** Milliseconds between two looks. */
  readonly pause: number;
  readonly signal: AbortSignal;
}

/** This instance, and the few things that are made on it to ask questions of. */
export class Lab {
  readonly ec2: EC2Client;
  readonly cloudwatch: CloudWatchClient;
  readonly identity: Identity;
  readonly options: LabOptions;
  readonly arn: string;
  /** Milliseconds that each capture took. */
  readonly latencies: number[] = [];
  readonly #volumes = new Map<string, Promise<string>>();

  private constructor(identity: Identity, options: LabOptions) {
    const { region } = identity;
    const requestHandler = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true };
    this.identity = identity;
    this.options = options;
    this.arn = instanceArn(identity);
    this.ec2 = new EC2Client({ region, requestHandler, maxAttempts: 3 });
    this.cloudwatch = new CloudWatchClient({ region, requestHandler, maxAttempts: 3 });
  }

  static async open(options: LabOptions): Promise<Lab> {
    return new Lab(await readIdentity(5_000, options.signal), options);
  }

  close(): void {
    this.ec2.destroy();
    this.cloudwatch.destroy();
  }

  tags(more: Readonly<Record<string, string>> = {}): Tag[] {
    const all = { [runTag]: this.options.run, [instanceTag]: this.arn, ...more };
    return Object.entries(all).map(([Key, Value]) => ({ Key, Value }));
  }

  /** Looks again until there is something to see, or until patience ends. Who tidies up is not interrupted. */
  async until<T>(
    look: () => Promise<T | undefined>,
    signal: AbortSignal | undefined = this.options.signal,
  ): Promise<T | undefined> {
    const { patience, pause } = this.options;
    for (const end = performance.now() + patience; ; ) {
      const seen = await look();
      if (seen !== undefined || performance.now() > end) return seen;
      await sleep(pause, undefined, { signal });
    }
  }

  /** A volume of 1 GiB of our own that is attached here; made when it is first asked for. */
  volume(name: string, tags: Readonly<Record<string, string>> = {}): Promise<string> {
    const made = this.#volumes.get(name) ?? this.#makeVolume(name, tags);
    this.#volumes.set(name, made);
    // Whoever asks next tries again; the token makes that the same volume.
    made.catch(() => this.#volumes.delete(name));
    return made;
  }

  /** Captures one volume of ours and nothing else. Sent once: the call is not idempotent. */
  async capture(
    volume: string,
    change: Partial<CreateSnapshotsCommandInput> = {},
    tags: Readonly<Record<string, string>> = {},
  ): Promise<SnapshotInfo> {
    const { instanceId } = this.identity;
    const others = (await this.attached()).filter(({ id, root }) => id !== volume && !root);
    const once = new EC2Client({ region: this.identity.region, maxAttempts: 1 });
    const command = new CreateSnapshotsCommand({
      InstanceSpecification: {
        InstanceId: instanceId,
        ExcludeBootVolume: true,
        ...(others.length === 0 ? {} : { ExcludeDataVolumeIds: others.map(({ id }) => id) }),
      },
      TagSpecifications: [{ ResourceType: "snapshot", Tags: this.tags(tags) }],
      ...change,
    });
    try {
      const began = performance.now();
      const { Snapshots = [] } = await once.send(command, { abortSignal: AbortSignal.timeout(60_000) });
      this.latencies.push(Math.round(performance.now() - began));
      const [snapshot] = Snapshots;
      if (snapshot === undefined) throw new Error("CreateSnapshots answered without a snapshot");
      return snapshot;
    } finally {
      once.destroy();
    }
  }

  /** What is attached here now. */
  async attached(): Promise<{ id: string; device: string; root: boolean }[]> {
    const InstanceIds = [this.identity.instanceId];
    const { Reservations = [] } = await this.ec2.send(new DescribeInstancesCommand({ InstanceIds }));
    const [instance] = Reservations.flatMap(({ Instances = [] }) => Instances);
    return (instance?.BlockDeviceMappings ?? []).map(({ DeviceName = "", Ebs }) => ({
      id: Ebs?.VolumeId ?? "",
      device: DeviceName,
      root: DeviceName === instance?.RootDeviceName,
    }));
  }

  async #makeVolume(name: string, tags: Readonly<Record<string, string>>): Promise<string> {
    const { zone, instanceId } = this.identity;
    const { VolumeId = "" } = await this.ec2.send(
      new CreateVolumeCommand({
        AvailabilityZone: zone,
        Size: 1,
        VolumeType: "gp3",
        ClientToken: `${this.options.run}-${name}`,
        TagSpecifications: [{ ResourceType: "volume", Tags: this.tags(tags) }],
      }),
    );
    await this.#reach(VolumeId, "available");
    const taken = (await this.attached()).map(({ device }) => device.at(-1));
    const letter = [..."fghijklmnop"].find((one) => !taken.includes(one));
    if (letter === undefined) throw new Error("no device name from /dev/sdf to /dev/sdp is free");
    const Device = `/dev/sd${letter}`;
    await this.ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: instanceId, Device }));
    await this.#reach(VolumeId, "in-use");
    return VolumeId;
  }

  async #reach(id: string, wanted: string): Promise<void> {
    const reached = await this.until(async () => {
      const { Volumes = [] } = await this.ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }));
      const [volume] = Volumes;
      const attaching = volume?.Attachments?.some(({ State }) => State !== "attached") ?? false;
      return volume?.State === wanted && !attaching ? true : undefined;
    });
    if (reached === undefined) throw new Error(`${id} did not become ${wanted} in time`);
  }
}
