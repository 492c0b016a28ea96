import type { ErrorKind, Failure } from "./errors.ts";
import type { Tags } from "./instance.ts";
import type { Removal } from "./ports.ts";
import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";

/** One account in one Region: of the sweep what stands or fails by itself, and delays no other. */
export interface SweepUnit {
  /** `123456789012/eu-central-1`. */
  readonly id: string;
  readonly account: string;
  readonly region: string;
  /** What the configuration calls the account. */
  readonly name?: string;
}

/** EC2's words for the state of an instance. */
export type InstanceState =
  | "pending"
  | "running"
  | "shutting-down"
  | "terminated"
  | "stopping"
  | "stopped"
  | "unknown";

/** An instance as a listing of the whole unit has it. */
export interface SweepInstance {
  readonly id: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  /** The value of the tag `Name`. */
  readonly name?: string;
  readonly state: InstanceState;
  readonly tags: Tags;
  /** Its Auto Scaling group (the tag `aws:autoscaling:groupName`). */
  readonly group?: string;
  readonly lifecycle?: "spot";
  /** Its last start. */
  readonly launched?: Date;
  /** Ids of the EBS volumes that it has. */
  readonly volumes: readonly string[];
}

/** A volume as a listing of the whole unit has it, in whatever state. */
export interface SweepVolume {
  readonly id: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly encrypted: boolean;
  readonly kmsKeyId?: string;
  readonly tags: Tags;
  /** The instance that has it. */
  readonly attachedTo?: string;
  readonly createdAt?: Date;
}

/** A snapshot that is no member of a point of ours, as the audit has it. */
export interface ForeignSnapshot {
  readonly id: string;
  readonly volumeId: string;
  readonly state: string;
  readonly startTime: Date;
  readonly sizeGiB: number;
  readonly encrypted: boolean;
  readonly kmsKeyId?: string;
  /** Bytes of all blocks written, as far as EC2 tells. */
  readonly fullSizeBytes?: number;
  readonly archived?: boolean;
  readonly tags: Tags;
  /** As far as it tells a tool. */
  readonly description?: string;
  /** The id of an instance that its description names. */
  readonly instanceHint?: string;
  /** Of all tags that it has: those above are some of them. */
  readonly tagCount?: number;
}

/**
 * All that a unit's listings told, each of them whole: one that ends early is an error and decides nothing. `asOf` is
 * EC2's clock at the first page.
 */
export interface UnitFacts {
  readonly unit: SweepUnit;
  readonly asOf: Date;
  readonly instances: readonly SweepInstance[];
  readonly volumes: readonly SweepVolume[];
  readonly points: readonly RecoveryPoint[];
  readonly foreign: readonly ForeignSnapshot[];
}

/** Another account: the role there that is taken on. */
export interface SweepRole {
  readonly arn: string;
  readonly externalId?: string;
  readonly name?: string;
}

/** Which accounts and Regions. */
export interface SweepScope {
  /** None = the own one. `all`: each that an account has enabled. */
  readonly regions: readonly string[] | "all";
  /** `self` = that of the own credentials. */
  readonly accounts: readonly ("self" | SweepRole)[];
  /** Milliseconds for a unit; then it ends where it stands, and a later sweep goes on. */
  readonly unitDeadline: number;
  /** Units at a time. */
  readonly parallel: number;
}

/**
 * What a unit may take of the time that is left until all must be over, in milliseconds: as much as each of those that
 * wait would have if all took the same, so that none that hangs eats the time of others. What one leaves, others have.
 */
export function shareOf(left: number, waiting: number, parallel: number): number {
  return Math.max(1, left / Math.ceil(Math.max(1, waiting) / parallel));
}

/** How a unit ended. `partly`: something was done, and something is wrong. */
export type UnitOutcome = "done" | "partly" | "denied" | "late" | "throttled" | "failed" | "interrupted";

/** A unit with what came of it; `result` is absent where it came to nothing. */
export interface UnitReport<T> {
  readonly unit: SweepUnit;
  readonly outcome: UnitOutcome;
  /** Milliseconds. */
  readonly ms: number;
  readonly result?: T;
  readonly failure?: Failure;
}

/** How a unit ends that fails in such a way. */
export function outcomeOf(kind: ErrorKind): UnitOutcome {
  if (kind === "denied" || kind === "throttled" || kind === "interrupted") return kind;
  return "failed";
}

/** EC2 in one unit, as far as pruning asks it. Listings are whole or fail. Throws BackupError. */
export interface PointService {
  points(
    signal: AbortSignal,
    seen?: (found: number) => void,
  ): Promise<{ readonly snapshots: readonly Snapshot[]; readonly asOf: Date }>;
  /** The members of these points as they are now. */
  again(ids: readonly string[], signal: AbortSignal): Promise<readonly Snapshot[]>;
  instances(signal: AbortSignal): Promise<readonly SweepInstance[]>;
  /** Ids of every volume, in whatever state. */
  volumes(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** The points with the images and locks that hold them. */
  withHolds(points: readonly RecoveryPoint[], signal: AbortSignal): Promise<readonly RecoveryPoint[]>;
  /** Never throws a refusal: it is the outcome. So is that it was told to stop; then nobody knows what EC2 has done. */
  remove(snapshotId: string, signal: AbortSignal): Promise<Pick<Removal, "outcome" | "failure">>;
  mark(snapshotIds: readonly string[], since: Date, signal: AbortSignal): Promise<void>;
  unmark(snapshotIds: readonly string[], signal: AbortSignal): Promise<void>;
}
