import type { DenyRule, IdentityPolicies } from "./access-rules.ts";
import type { Bucket } from "./buckets.ts";
import type { Alarm, AlarmHistoryItem, Dashboard } from "./cloudwatch/alarm.ts";
import type { AlarmOptions } from "./cloudwatch/alarm-options.ts";
import type { Image, Instance, RootTask } from "./ec2/machines.ts";
import type { KeyPair, LaunchOptions, SecurityGroup, Subnet } from "./ec2/network.ts";
import type { CopyOptions, SnapshotCopy } from "./ec2/snapshot-copy.ts";
import type { SnapshotLock } from "./ec2/snapshot-lock.ts";
import type { Volume } from "./ec2/volume.ts";
import type { KmsKey } from "./kms/key.ts";
import type { ImdsOptions, RecycleBinRule, Times } from "./scenario-settings.ts";
import type { Delivery, Subscription, Topic } from "./sns/topic.ts";
import type { SsmCommand, SsmOptions } from "./ssm/command.ts";
import type { ScenarioRole, Session } from "./sts/role.ts";

/** Tags as a plain record; EC2 keys are case-sensitive and unique per resource. */
export type Tags = Record<string, string>;

/** Everything that is decided once, by the scenario or through the control surface. Times are milliseconds. */
export interface Settings {
  account: string;
  partition: string;
  region: string;
  zone: string;
  /** The instance that the metadata service speaks for. */
  self: string;
  seed: number;
  /** How long a new snapshot stays pending: a fixed part and a part for each GiB of its volume. */
  settle: { fixed: number; perGiB: number };
  copies: CopyOptions;
  times: Times;
  /** What becomes of a volume whose key cannot be used. */
  keyFault: "vanishes" | "error";
  /** EBS volumes that one instance takes. */
  attachmentLimit: number;
  /** Whether every new volume is encrypted, and the key of those that name none. */
  ebsEncryption: { byDefault: boolean; key: string };
  /** MiB/s of volume initialization that the account may use at once. */
  initializationQuota: number;
  /** For how long a new snapshot, a change of tags or a deletion is not seen by Describe calls. */
  consistency: number;
  limits: boolean;
  shortPages: boolean;
  checkSignatureTime: boolean;
  metricsListedAfter: number;
  /** Whether data points with old time stamps come into sight late. */
  lateMetrics: boolean;
  alarms: AlarmOptions;
  imds: ImdsOptions;
  deny: DenyRule[];
  policies: IdentityPolicies[];
  recycleBin: RecycleBinRule | null;
  /** The share of a volume's data that is written anew each day. */
  changedPerDay: number;
  /** Quotas that are other than AWS's defaults, by their codes. */
  quotas: Record<string, number>;
  roles: ScenarioRole[];
  ssm: SsmOptions;
  launches: LaunchOptions;
}

export interface Snapshot {
  id: string;
  volumeId: string;
  /** GiB. */
  volumeSize: number;
  ownerId: string;
  ownerAlias: string | null;
  description: string;
  tags: Tags;
  state: "pending" | "completed" | "error" | "recoverable";
  stateMessage: string | null;
  startTime: number;
  completesAt: number;
  completionTime: number | null;
  /** When this snapshot, with all of its set, turns to `error`; null when it will complete. */
  failsAt: number | null;
  /** Percentage at which a failed one stopped. */
  stoppedAt: number | null;
  encrypted: boolean;
  kmsKeyId: string | null;
  storageTier: "standard" | "archive";
  fullSizeBytes: number;
  /** Of one in the archive: what was asked of it. A restored one goes back there when `until` is not null. */
  tiering: { asked: number; readyAt: number; days: number | null; until: number | null } | null;
  /** When it came into the Recycle Bin, in simulated time. */
  recycledAt: number | null;
  lock: SnapshotLock | null;
  /** Of one that CopySnapshot made. */
  copy: SnapshotCopy | null;
  /** Accounts that may copy it and make volumes of it; `all` where it is public. */
  sharedWith: string[];
  /** Deleted while pending: takes effect when it settles. */
  deleteWhenSettled: boolean;
  /** From when Describe calls see it, on the `elapsed` hand. */
  visibleFrom: number;
  /** The tags that Describe calls still show, and until when on the `elapsed` hand. */
  formerTags: { tags: Tags; until: number } | null;
  /** The copy of the volume's bytes, when the volume has a file. */
  file: string | null;
  /** Whether that copy is of one instant, and of the same as those of its set; null without a copy. */
  pointInTime: boolean | null;
}

export interface Credential {
  /** ARN of who signs with it. */
  arn: string;
  /** `AROA...:i-...`, as GetCallerIdentity tells. */
  userId: string;
  /** Only for those issued by the metadata service or STS. */
  session: Session | null;
}

/** One value set of one metric, at one time. */
export interface DataPoint {
  time: number;
  /** From when it is seen, in simulated time: later than it was put when its time stamp is old. */
  seenFrom: number;
  unit: string;
  sum: number;
  minimum: number;
  maximum: number;
  count: number;
}

export interface MetricSeries {
  namespace: string;
  name: string;
  dimensions: { Name: string; Value: string }[];
  /** When the series was first seen, on the `elapsed` hand. */
  createdAt: number;
  /** Simulated time of the last PutMetricData. */
  lastPutAt: number;
  points: DataPoint[];
}

/** All that an account holds in a Region. Plain data: what is saved is what is held. */
export interface World {
  settings: Settings;
  instances: Record<string, Instance>;
  volumes: Record<string, Volume>;
  snapshots: Record<string, Snapshot>;
  /** Deleted snapshots that Describe calls still show until that moment of the `elapsed` hand. */
  ghosts: { snapshot: Snapshot; until: number }[];
  /** The newest copy of each lineage that has completed, by its id, whether it is still there or not. */
  newestCopies: Record<string, string>;
  images: Record<string, Image>;
  rootTasks: Record<string, RootTask>;
  subnets: Record<string, Subnet>;
  securityGroups: Record<string, SecurityGroup>;
  /** By id. */
  keyPairs: Record<string, KeyPair>;
  /** What calls with a client token led to, by action and token. */
  clientTokens: Record<string, { fingerprint: string; ids: string[] }>;
  series: Record<string, MetricSeries>;
  /** By name. */
  alarms: Record<string, Alarm>;
  alarmHistory: AlarmHistoryItem[];
  dashboards: Record<string, Dashboard>;
  /** By ARN. */
  topics: Record<string, Topic>;
  subscriptions: Record<string, Subscription>;
  deliveries: Delivery[];
  /** By key id. */
  keys: Record<string, KmsKey>;
  /** Of Run Command, by id. */
  commands: Record<string, SsmCommand>;
  buckets: Record<string, Bucket>;
  credentials: Record<string, Credential>;
  /** Metadata tokens, each with the moment of the `elapsed` hand at which it expires. */
  metadataTokens: Record<string, number>;
  /** Counts what was given an id. */
  sequence: number;
}
