import type { DenyRule, IdentityPolicies } from "./access-rules.ts";
import type { AlarmOptions } from "./cloudwatch/alarm-options.ts";
import type { LaunchOptions } from "./ec2/network.ts";
import type { SsmOptions } from "./ssm/command.ts";

/** A duration as text (`90s`, `24h`) or a number of seconds. */
export type DurationText = string | number;

/** What the metadata service does. */
export interface ImdsOptions {
  /** `false`: answers 403 to everything, as with HttpEndpoint=disabled. */
  enabled: boolean;
  /** `true`: requests without a token are answered too, as with HttpTokens=optional. */
  v1: boolean;
  /** `true`: the answer to PUT never arrives, as with a hop limit too small for a container. */
  hopLimitFailure: boolean;
  /** `true`: tags/instance exists, as with InstanceMetadataTags=enabled. */
  tags: boolean;
  /** How long issued credentials live, in seconds. */
  credentialSeconds: number;
}

/** Which deleted snapshots are kept in the Recycle Bin. No tag named: all of the Region. */
export interface RecycleBinRule {
  tag?: { key: string; value?: string };
  /** How long they are kept there. Default 7. */
  days?: number;
}

export interface ScenarioInstance {
  id: string;
  /** Shorthand for the tag `Name`. */
  name?: string;
  tags?: Record<string, string>;
  state?: "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";
  /** Role of its instance profile; null: none. Default `ec2-backup`. */
  role?: string | null;
  instanceType?: string;
  imageId?: string;
  rootDeviceName?: string;
  platform?: "linux" | "windows";
  privateIp?: string;
  publicIp?: string;
  /** What its console shows. */
  console?: string;
  launchTime?: string;
  lifecycle?: "spot" | null;
  instanceStores?: { device: string; virtualName: string }[];
  /** Default: the first subnet, whose zone is the instance's. */
  subnetId?: string;
  /** Their ids. Default: the first one. */
  securityGroups?: string[];
  /** Default: what its type has. */
  architecture?: "x86_64" | "arm64" | "i386";
  bootMode?: "legacy-bios" | "uefi" | "uefi-preferred";
  keyName?: string;
  /** As text. */
  userData?: string;
  /** Of a paid image. */
  productCodes?: string[];
  disableApiTermination?: boolean;
}

export interface ScenarioAttachment {
  instance: string;
  device: string;
  deleteOnTermination?: boolean;
  attachTime?: string;
  /** Whether it was there when the instance was launched; default: yes in a scenario, no when attached later. */
  atLaunch?: boolean;
}

export interface ScenarioVolume {
  id?: string;
  /** GiB. */
  size: number;
  type?: "gp2" | "gp3" | "io1" | "io2" | "st1" | "sc1" | "standard";
  iops?: number;
  throughput?: number;
  encrypted?: boolean;
  kmsKeyId?: string;
  tags?: Record<string, string>;
  attachments?: ScenarioAttachment[];
  state?: "ready" | "error";
  multiAttachEnabled?: boolean;
  snapshotId?: string;
  createTime?: string;
  zone?: string;
  /** The service that manages it, such as `workspaces.amazonaws.com`. */
  operator?: string;
  writtenBytes?: number;
  /**
   * A file (best a sparse one) or block device that holds its bytes, by its absolute path; of a loop device, the file
   * behind it is taken. A snapshot holds the bytes as they were when the call took effect, before its answer.
   */
  file?: string;
}

export interface ScenarioSnapshot {
  id?: string;
  volumeId: string;
  volumeSize?: number;
  ownerId?: string;
  ownerAlias?: string;
  description?: string;
  tags?: Record<string, string>;
  state?: "pending" | "completed" | "error" | "recoverable";
  stateMessage?: string;
  startTime?: string;
  encrypted?: boolean;
  kmsKeyId?: string;
  storageTier?: "standard" | "archive";
  fullSizeBytes?: number;
  lock?: "governance" | "compliance" | null;
  /** A file that holds its bytes, by its absolute path: what volumes made from it begin with. It is only read. */
  file?: string;
}

export interface ScenarioImage {
  id: string;
  name?: string;
  ownerId?: string;
  state?: "available" | "disabled" | "deregistered";
  rootDeviceName?: string;
  tags?: Record<string, string>;
  creationTime?: string;
  description?: string;
  architecture?: "x86_64" | "arm64" | "i386";
  bootMode?: "legacy-bios" | "uefi" | "uefi-preferred";
  enaSupport?: boolean;
  platform?: "linux" | "windows";
  /** Of a paid image: instances of it carry them, and an image made from a snapshot does not. */
  productCodes?: string[];
  /** Of one that CreateImage made: the instance that it was made of. */
  sourceInstanceId?: string;
  snapshots: Record<string, string>;
}

/** A KMS key. */
export interface ScenarioKey {
  /** Default: made up. */
  id?: string;
  state?: "Enabled" | "Disabled" | "PendingDeletion" | "PendingImport" | "Unavailable";
  manager?: "AWS" | "CUSTOMER";
  description?: string;
  /** The key policy as an object. Default: that of a key whose use IAM decides, as the console makes it. */
  policy?: Record<string, unknown>;
  /** Names such as `alias/backup`. */
  aliases?: string[];
}

/** How long things take: seconds in a scenario, milliseconds in the settings. */
export interface Times {
  /** From `creating` to `available`. Default 2 seconds. */
  createVolume: number;
  /** From `deleting` until it is gone. Default 1. */
  deleteVolume: number;
  /** Default 2 seconds each. */
  attach: number;
  detach: number;
  /** Of an instance. Default 10 seconds each. */
  start: number;
  stop: number;
  terminate: number;
  reboot: number;
  /** From CreateImage until its snapshots are listed. Default 2. */
  imageSnapshots: number;
  /** At the least, until an image is available: its snapshots must be complete too. Default 60. */
  image: number;
  /** Default 60. */
  replaceRoot: number;
  /** From the archive; default a day ("up to 72 hours"). */
  restoreTier: number;
}

/** The settings that may also be changed while it runs. */
export interface ScenarioSettings {
  self?: string;
  settle?: { seconds?: number; secondsPerGiB?: number };
  times?: Partial<Times>;
  /** What becomes of a new volume whose key cannot be used ("the action can appear to complete, but eventually fails"). Default: it vanishes. */
  keyFault?: "vanishes" | "error";
  /** EBS volumes that AttachVolume gives to one instance. Default 27: 28 attachments, one of them the network interface. */
  attachmentLimit?: number;
  /** Whether every new volume is encrypted (default: no), and the default key, by id, ARN or alias (default: AWS's own). */
  ebsEncryption?: { byDefault?: boolean; key?: string };
  /** MiB/s of volume initialization at once. Default 5,000, the quota of a new account. */
  initializationQuota?: number;
  /** Seconds during which what is new, a change of tags or a deletion is not seen. Default 0. */
  consistency?: { seconds: number };
  /** Token buckets and per-volume limits. Default true. */
  limits?: boolean;
  /** Pages may hold fewer items than asked for, or none, and still name a next one. Default false. */
  shortPages?: boolean;
  /** Refuse signatures made more than five minutes from simulated time. Default false. */
  checkSignatureTime?: boolean;
  /** Seconds until ListMetrics knows a new metric. Default 0. */
  metricsListedAfter?: number;
  /** Data points with time stamps of 3 hours ago are seen 2 hours after they were put, of 24 hours ago after 48. Default true. */
  lateMetrics?: boolean;
  alarms?: Partial<AlarmOptions>;
  imds?: Partial<ImdsOptions>;
  deny?: DenyRule[];
  /** Whoever is named may do only what all of these allow together. Default: none. */
  policies?: IdentityPolicies[];
  recycleBin?: RecycleBinRule | null;
  /** How Run Command finds the instances, and what a VSS backup comes to. */
  ssm?: Partial<SsmOptions>;
  launches?: Partial<LaunchOptions>;
}

/** A scenario file. Everything is optional; without instances, those of the default scenario are taken. */
export interface Scenario extends ScenarioSettings {
  account?: string;
  partition?: "aws" | "aws-cn" | "aws-us-gov";
  region?: string;
  zone?: string;
  /** Makes ids repeatable. Default 1. */
  seed?: number;
  /** Where simulated time starts (default: now) and how many of its seconds pass in a real one (default 1; 0 stands still). */
  clock?: { start?: string; speed?: number };
  /**
   * Where the bytes of snapshots are kept, by its absolute path (default: in the state directory). On the filesystem of
   * the volumes' files they take no time and no space; snapshots of several files are of one instant only where all
   * files lie in one subvolume of btrfs, which only root can make use of. Copies go with their snapshots, and with the
   * simulator where it keeps no state.
   */
  snapshotData?: string;
  /**
   * Where the bytes of new volumes are kept, by its absolute path (default: in the state directory): those made from
   * snapshots that have bytes, and with this path given empty ones too. In one subvolume of btrfs with the other
   * volumes' files, snapshots of all of them are of one instant.
   */
  volumeData?: string;
  subnets?: { id: string; zone: string; vpc: string; default?: boolean; publicIps?: boolean }[];
  securityGroups?: { id: string; name: string; vpc: string }[];
  instances?: ScenarioInstance[];
  volumes?: ScenarioVolume[];
  snapshots?: ScenarioSnapshot[];
  images?: ScenarioImage[];
  /** Beside those that volumes name, and AWS's own of EBS and SNS. */
  keys?: ScenarioKey[];
  /** Long-lived access keys that are accepted beside those the metadata service issues. */
  accessKeys?: { id: string; user: string }[];
}
