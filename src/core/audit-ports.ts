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

/** All that an audit goes by in one unit; every listing of it was whole. */
export interface AuditFacts extends UnitFacts {
  /** Of our points, those that were copied here. */
  readonly copies: readonly Snapshot[];
  readonly keys: readonly AuditedKey[];
  /** All of the account's in the Region, whoever made them; those in the Recycle Bin are not listed. */
  readonly snapshots: number;
  readonly unencryptedSnapshots: number;
  /** The agent that made the newest point of an instance, by its ARN. */
  readonly versions: ReadonlyMap<string, string>;
}

export interface AuditRules {
  /** Milliseconds that the newest backup may be old, where its series is not rarer by habit. */
  readonly overdueAfter: number;
  /** Snapshots that the account may have in a Region. */
  readonly quota: number;
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

export interface AuditedUnit {
  readonly unit: SweepUnit;
  readonly asOf: string;
  readonly totals: AuditTotals;
  readonly findings: readonly AuditFinding[];
  readonly savings?: Savings;
}
