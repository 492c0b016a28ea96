import type { UnitCost } from "./audit-cost-ports.ts";
import type { Failure } from "./errors.ts";
import type { Tags } from "./instance.ts";
import type { Snapshot } from "./recovery-point.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import type { Stanza } from "./stanzas.ts";
import type { SweepUnit, UnitFacts } from "./sweep-ports.ts";

/** A KMS key that snapshots or volumes of a unit are encrypted with. */
export interface AuditedKey {
  readonly arn: string;
  /** KMS's word; absent where it may not be asked. */
  readonly state?: string;
  readonly deletion?: Date;
  readonly snapshots: number;
  readonly volumes: number;
}

/** How many snapshots the account may have in the Region, and who says so. */
export interface SnapshotQuota {
  readonly limit: number;
  readonly from: "account" | "option" | "default";
  /** Why the account's own is not known. */
  readonly unread?: Failure;
}

/** All that an audit goes by in one unit; every listing of it was whole. */
export interface AuditFacts extends UnitFacts {
  /** Of our points, those that were copied here. */
  readonly copies: readonly Snapshot[];
  readonly keys: readonly AuditedKey[];
  /** All of the account's in the Region, whoever made them; those in the Recycle Bin are not listed. */
  readonly snapshots: number;
  readonly unencryptedSnapshots: number;
  readonly quota: SnapshotQuota;
  /** The agent that made the newest point of an instance, by its ARN. */
  readonly versions: ReadonlyMap<string, string>;
}

export interface AuditRules {
  /** Milliseconds that the newest backup may be old, where its series is not rarer by habit. */
  readonly overdueAfter: number;
  /** What the tags of a volume or an instance say of its backup. */
  readonly wish: (tags: Tags) => "wanted" | "unwanted" | undefined;
  /** What another tool's configuration asks for: which instances, and how often. */
  readonly stanzas?: readonly Stanza[];
  /** What another retention would save. */
  readonly instead?: Pick<RetentionPolicy, "counts" | "within">;
}

export const auditKinds = [
  "stopped",
  "overdue",
  "unprotected",
  "key",
  "failed",
  "copy-lag",
  "quota",
  "expired",
  "left",
  "doubled",
  "unencrypted",
  "version",
  "savings",
  "unread",
  "untold",
] as const;
export type AuditKind = (typeof auditKinds)[number];

/** One thing that the audit found. */
export interface AuditFinding {
  readonly severity: "error" | "warning" | "note";
  readonly kind: AuditKind;
  /** The unit's id. */
  readonly unit: string;
  /** What is wrong, as a sentence without its full stop. */
  readonly what: string;
  readonly why: string;
  readonly advice?: string;
  readonly command?: string;
  /** Ids of the volumes, instances, snapshots, points or keys that it is about. */
  readonly about: readonly string[];
}

/** A finding before it knows its unit. */
export type Found = Omit<AuditFinding, "unit">;

export interface AuditTotals {
  readonly instances: number;
  readonly volumes: number;
  /** Volumes that a backup exists of, whoever made it. */
  readonly covered: number;
  readonly points: number;
  readonly snapshots: number;
  /** Instances with an agent's points or a wish for backups whose newest one is too old, those without any included. */
  readonly overdue: number;
}

/** What another retention would save in a unit. */
export interface Savings {
  readonly points: number;
  readonly snapshots: number;
  /** Of all of them together: the size of their volumes, of which a deletion frees what no other snapshot needs. */
  readonly volumeGiB: number;
}

/** What AWS lets the account have, or do at once, in the Region. */
export interface Headroom {
  /** Snapshots that it has, and that it may have. */
  readonly snapshots: number;
  readonly quota: number;
  readonly from: SnapshotQuota["from"];
  /** Copies into it that may run at once. */
  readonly copiesAtOnce: number;
}

export interface AuditedUnit {
  readonly unit: SweepUnit;
  readonly asOf: string;
  readonly totals: AuditTotals;
  readonly headroom: Headroom;
  readonly findings: readonly AuditFinding[];
  readonly savings?: Savings;
  readonly cost?: UnitCost;
}
