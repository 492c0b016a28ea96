import type { Generate } from "./scenario-generate.ts";
import type { ScenarioSettings } from "./scenario-settings.ts";

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
  /** Of a spot instance: its request is persistent. Default: one-time. */
  persistentSpot?: boolean;
  /** Its root device is an instance store. */
  rootInstanceStore?: boolean;
  /** Its public address is an Elastic IP address. Default: one that changes with each start. */
  elasticIp?: boolean;
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
  /** Stop protection. */
  disableApiStop?: boolean;
  /** It was launched so that it may be hibernated. */
  hibernation?: boolean;
}

interface ScenarioAttachment {
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
  /** Of a copy: which snapshot, and of which volume, it is a copy of. Its own `volumeId` is then best `vol-ffffffff`. */
  copyOf?: { account?: string; region: string; snapshotId: string; volumeId: string; captured?: string };
  /** Accounts that may use it; `all` where it is public. */
  sharedWith?: string[];
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

/**
 * What one account has in one Region. Everything is optional, but where there are further places, their account or
 * Region tells each from the others.
 */
export interface ScenarioPlace extends ScenarioSettings {
  account?: string;
  region?: string;
  zone?: string;
  subnets?: { id: string; zone: string; vpc: string; default?: boolean; publicIps?: boolean }[];
  securityGroups?: { id: string; name: string; vpc: string }[];
  instances?: ScenarioInstance[];
  volumes?: ScenarioVolume[];
  snapshots?: ScenarioSnapshot[];
  images?: ScenarioImage[];
  /** Things by the thousand. */
  generate?: Generate;
  /** Beside those that volumes name, and AWS's own of EBS and SNS. */
  keys?: ScenarioKey[];
  /** Long-lived access keys of the account that are accepted beside those the metadata service and STS issue. */
  accessKeys?: { id: string; user: string }[];
}

/** A scenario file. Everything is optional; without instances, those of the default scenario are taken. */
export interface Scenario extends ScenarioPlace {
  partition?: "aws" | "aws-cn" | "aws-us-gov";
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
  /**
   * Further places. The account and the Region are the scenario's own where a place names none, and so are its settings
   * but for `self`; instances and what belongs to them it has only those it names. With this list an account may use
   * the Regions that it has a place in and no others.
   */
  places?: ScenarioPlace[];
}
