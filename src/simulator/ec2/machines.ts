import type { Volume } from "./volume.ts";

/** An instance. Times are milliseconds of simulated time. */
export interface Instance {
  id: string;
  tags: Record<string, string>;
  state: "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";
  /** Why it came into its state, when that was not asked for. */
  stateReason: { code: string; message: string } | null;
  /** When a change of state that is under way ends. */
  changesAt: number | null;
  /** When a reboot that is under way has the system up again. */
  rebootsAt: number | null;
  /** Why starting will fail; null when it will not. */
  startFails: { code: string; message: string } | null;
  /** How often its system was booted. */
  boots: number;
  /** From when calls see it, on the `elapsed` hand. */
  visibleFrom: number;
  role: string | null;
  instanceType: string;
  imageId: string;
  rootDeviceName: string;
  /** Its present and former root volumes: whose snapshots may replace the root volume. */
  rootVolumes: string[];
  platform: "linux" | "windows";
  architecture: string;
  bootMode: string | null;
  privateIp: string;
  /** While it runs. */
  publicIp: string | null;
  /** What its console shows since it came up. */
  console: string;
  zone: string;
  subnetId: string;
  groups: string[];
  keyName: string | null;
  /** In base64. */
  userData: string | null;
  clientToken: string;
  productCodes: string[];
  ebsOptimized: boolean;
  disableApiTermination: boolean;
  /** Stop protection. */
  disableApiStop: boolean;
  /** Whether it may be hibernated. */
  hibernation: boolean;
  /** When a user last had it stopped, in simulated time. */
  stoppedAt: number | null;
  shutdownBehavior: "stop" | "terminate";
  launchTime: number;
  lifecycle: "spot" | null;
  /** What will interrupt it, as the metadata service tells: from two minutes before. */
  interruption: { action: "terminate" | "stop" | "hibernate"; at: number } | null;
  /** The state that its Auto Scaling group brings it to, and when it does so; null: it is where it was. */
  target: { state: string; at: number | null } | null;
  /** Of a spot instance: whether its request is persistent, so that it may be stopped. */
  persistentSpot: boolean;
  /** Its root device is an instance store: it cannot be stopped. */
  rootInstanceStore: boolean;
  /** Its public address is an Elastic IP address, which it keeps when it is stopped. */
  elasticIp: boolean;
  /** Instance-store devices: what EC2 calls ephemeral0 and so on, by device name. */
  instanceStores: { device: string; virtualName: string }[];
  /** Device names of the EBS volumes present at launch: all that the metadata service knows of. */
  launchDevices: string[];
  /** Whether somebody plays its kernel: volumes are then detached only when that gives them back. */
  played: boolean;
}

/** What an image says of one of its devices beside its snapshot. */
export interface ImageDevice {
  size: number;
  type: Volume["type"];
  iops: number | null;
  throughput: number | null;
  deleteOnTermination: boolean;
  encrypted: boolean;
  kmsKeyId: string | null;
}

export interface Image {
  id: string;
  name: string;
  description: string;
  ownerId: string;
  state: "pending" | "available" | "failed" | "disabled" | "deregistered";
  /** Why it failed. */
  stateReason: string | null;
  /** When a pending one is done at the earliest, in simulated time. */
  readyAt: number | null;
  visibleFrom: number;
  rootDeviceName: string;
  architecture: string;
  virtualization: "hvm" | "paravirtual";
  bootMode: string | null;
  enaSupport: boolean;
  sriovNetSupport: string | null;
  platform: "linux" | "windows";
  productCodes: string[];
  /** The instance it was made of. */
  sourceInstanceId: string | null;
  tags: Record<string, string>;
  creationTime: number;
  /** Device name to snapshot id. */
  snapshots: Record<string, string>;
  /** Accounts that may launch it. */
  sharedWith: string[];
  deregistrationProtection: boolean;
  /** Deregistered, and until that moment of the `elapsed` hand Describe calls still show it, as it was. */
  ghost: { state: "pending" | "available" | "failed" | "disabled"; until: number } | null;
  /** By device name; those without a snapshot are empty volumes. */
  devices: Record<string, ImageDevice>;
}

/** A replacement of a root volume. Times are milliseconds of simulated time. */
export interface RootTask {
  id: string;
  instance: string;
  state: "pending" | "in-progress" | "failing" | "succeeded" | "failed" | "failed-detached";
  startTime: number;
  /** When it is in progress, and when it ends. */
  worksFrom: number;
  endsAt: number;
  completeTime: number | null;
  snapshotId: string | null;
  imageId: string | null;
  /** The volume that comes in, and whether it was made for this: then it goes when the task fails. */
  volume: string;
  made: boolean;
  deleteReplaced: boolean;
  outcome: "succeeded" | "failed" | "failed-detached";
  tags: Record<string, string>;
  visibleFrom: number;
}
