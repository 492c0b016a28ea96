import type { Tags } from "./instance.ts";
import type { Consistency, RetentionPolicy } from "./retention-policy.ts";

/** One EBS snapshot of a point, as EC2 lists it. */
export interface Snapshot {
  readonly id: string;
  readonly volumeId: string;
  readonly state: "pending" | "completed" | "error" | "recoverable" | "recovering";
  /** EC2's clock, never ours: the instant that the data is fixed. */
  readonly startTime: Date;
  readonly completionTime?: Date;
  /** Percent, as far as EC2 says. */
  readonly progress?: number;
  /** EC2's reason for an `error`. */
  readonly stateMessage?: string;
  readonly volumeSizeGiB: number;
  /** Bytes of all blocks written, not of the increment; only of completed snapshots. */
  readonly fullSizeBytes?: number;
  readonly encrypted: boolean;
  readonly archived: boolean;
  readonly tags: Tags;
}

export type PointState = "pending" | "complete" | "partial" | "failed";

/** Why a point cannot be removed now. Normal, listed, no error. */
export interface Hold {
  readonly by:
    | "ami"
    | "lock"
    | "keep-forever"
    | "aws-backup"
    | "dlm"
    | "delete-on"
    | "refused"
    | "mixed"
    /** A copy in another Region that is not whole yet, or that the next ones build on. */
    | "copy"
    /** It says a time that is not believed. */
    | "clock";
  readonly detail: string;
}

/** How a volume was attached when it was captured: what a restore needs and a snapshot does not store. */
export interface VolumeRecipe {
  readonly volumeId: string;
  readonly device?: string;
  readonly root?: boolean;
  readonly type?: string;
  readonly sizeGiB?: number;
  readonly iops?: number;
  readonly throughput?: number;
  readonly deleteOnTermination?: boolean;
  /** What of it was mounted where, as far as the run knew: `root` is the directory of the filesystem, `/` if absent. */
  readonly mounts?: readonly { readonly path: string; readonly root?: string }[];
}

/** What is known of the image that a point is of. */
export interface PointImage {
  /** The calendar period that it was made for, such as `monthly 2026-11`. */
  readonly period: string;
  /** As far as EC2 was asked for it: absent where it is gone, or nobody has asked. */
  readonly id?: string;
  /** EC2's word: `pending`, `available`, `failed`, `disabled`. */
  readonly state?: string;
}

/** What is known of a point that lies in a repository: its one snapshot's volume is `files` or `dump/<name>`. */
interface StoredContent {
  /** The name of the repository in the configuration. */
  readonly repository: string;
  readonly content: "files" | "dump";
  /** What stands for a volume in the snapshot: `files` or `dump/<name>`. */
  readonly source: string;
  /** Of a dump: its name, and what made it, such as `mariadb`. */
  readonly dump?: string;
  readonly kind?: string;
  /** Paths of the snapshot, as restic lists them: the directories, or the one file of a dump (`/shop.sql`). */
  readonly paths: readonly string[];
  /** The snapshot as it was first stored: the same in a repository and in its mirror. */
  readonly original: string;
  /** Tags beside our own. */
  readonly tags: readonly string[];
  /** Snapshots that say that this one is not whole; they are forgotten with it. */
  readonly markers: readonly string[];
  /** Copies of the same snapshot beside the one that counts; they are forgotten with it. */
  readonly twins?: readonly string[];
  /** When the repository got it, by its own clock. */
  readonly received?: Date;
}

/** What retention counts: one for a whole set of snapshots, however many volumes it has. */
export interface RecoveryPoint {
  readonly id: string;
  readonly run: string;
  readonly job: string;
  readonly series: string;
  readonly instanceArn: string;
  readonly name?: string;
  readonly state: PointState;
  /** EC2's start time of the set. */
  readonly captured: Date;
  readonly consistency: Consistency;
  readonly snapshots: readonly Snapshot[];
  /** Every volume that the capture was to hold. */
  readonly recipe: readonly VolumeRecipe[];
  /** The policy recorded at capture; `unreadable` if it is there but not understood. */
  readonly policy?: RetentionPolicy | "unreadable";
  readonly holds: readonly Hold[];
  /** Its snapshots are those of an image: it belongs to a series beside the one of its job's other points. */
  readonly image?: PointImage;
  /** It lies in a repository. */
  readonly stored?: StoredContent;
}

/** The set shares its tags; where a member lost some, the others still know. */
export function sharedTags(snapshots: readonly Snapshot[]): Tags {
  const tags = snapshots[0]?.tags ?? {};
  if (snapshots.every((one) => one.tags === tags)) return tags;
  return Object.assign({}, ...snapshots.map((one) => one.tags));
}

/**
 * The state of a set. `planned` are the volumes it was to hold: one that is missing makes the set
 * partial, since retention must not let half a set stand for a whole one.
 */
export function stateOf(snapshots: readonly Snapshot[], planned: readonly string[]): PointState {
  if (snapshots.length === 0) return "failed";
  if (snapshots.some((snapshot) => snapshot.state === "error")) return "failed";
  if (snapshots.some((snapshot) => snapshot.state === "pending")) return "pending";
  const whole = new Set(snapshots.filter((one) => one.state === "completed").map((one) => one.volumeId));
  const missing = planned.some((volumeId) => !whole.has(volumeId));
  return missing || whole.size < snapshots.length ? "partial" : "complete";
}

/** EC2 gives all members of a set the same start time; what differs by more than this was not made with it. */
const sameStart = 60_000;
/** How far the snapshots of one image may be apart is not documented. */
const sameImage = 30 * 60_000;

/**
 * Why snapshots that carry the same point id cannot be one set: others were tagged, copied or made by a
 * tool that copies tags. Nobody can say then which of them is the point, so none may stand for it or go.
 */
export function mixtureOf(snapshots: readonly Snapshot[], ofImage = false): string | undefined {
  const starts = snapshots.map((one) => one.startTime.getTime());
  if (Math.max(...starts) - Math.min(...starts) > (ofImage ? sameImage : sameStart))
    return "its snapshots were not started together";
  const volumes = new Set(snapshots.map((one) => one.volumeId));
  return volumes.size < snapshots.length ? "it has two snapshots of one volume" : undefined;
}

/** Whether the point is such a mixture, or is dated with a time that is not believed: it stands for nothing. */
export function isMixed(point: RecoveryPoint): boolean {
  return point.holds.some((hold) => hold.by === "mixed" || hold.by === "clock");
}

/** The volumes of which the point holds restorable data, whatever the state of the set. */
export function restorableVolumes(point: RecoveryPoint): readonly string[] {
  return point.snapshots.filter((one) => one.state === "completed").map((one) => one.volumeId);
}

/** Bytes in the point: written blocks where EC2 says so, else the size of the volumes. */
export function sizeOf(point: RecoveryPoint): number {
  const gibibyte = 1024 ** 3;
  return point.snapshots.reduce((sum, one) => sum + (one.fullSizeBytes ?? one.volumeSizeGiB * gibibyte), 0);
}

/** Whether anybody knows how large it is: restic before 0.17 does not tell it of what is stored. */
export function isSizeKnown({ stored, snapshots }: RecoveryPoint): boolean {
  return stored === undefined || snapshots.some((one) => one.fullSizeBytes !== undefined);
}

/** The members as they are removed: the root volume first, since an image is likeliest to hold that one. */
export function rootFirst(point: RecoveryPoint): Snapshot[] {
  const root = point.recipe.find((volume) => volume.root === true)?.volumeId;
  return [...point.snapshots].sort((a, b) => Number(b.volumeId === root) - Number(a.volumeId === root));
}
