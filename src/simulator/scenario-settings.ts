import type { DenyRule, IdentityPolicies } from "./access-rules.ts";
import type { AlarmOptions } from "./cloudwatch/alarm-options.ts";
import type { LaunchOptions } from "./ec2/network.ts";
import type { SsmOptions } from "./ssm/command.ts";
import type { ScenarioRole } from "./sts/role.ts";

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
  /** Until an Auto Scaling group terminates a member that was stopped. Default 60. */
  groupReplaces: number;
  /** From the archive; default a day ("up to 72 hours"). */
  restoreTier: number;
}

/** The settings that may also be changed while it runs. */
export interface ScenarioSettings {
  self?: string;
  settle?: { seconds?: number; secondsPerGiB?: number };
  /** How long copies take (default: as snapshots settle, but 2 seconds a GiB), the share of an incremental one (0.1), when a bad key shows (120 seconds), and how many may be under way (20). */
  copies?: {
    seconds?: number;
    secondsPerGiB?: number;
    share?: number;
    keyFaultSeconds?: number;
    atOnce?: number;
    throughput?: number;
    single?: number;
  };
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
  /** The share of a volume's data that is written anew each day: what ListChangedBlocks tells. Default 0.02. */
  changedPerDay?: number;
  /** Quotas of EBS that are other than AWS's defaults, by their codes: `L-309BACF6` are the snapshots of a Region. */
  quotas?: Record<string, number>;
  /** The roles that AssumeRole gives, of whichever account. They are the same in every place. */
  roles?: ScenarioRole[];
  /** How Run Command finds the instances, and what a VSS backup comes to. */
  ssm?: Partial<SsmOptions>;
  launches?: Partial<LaunchOptions>;
}
