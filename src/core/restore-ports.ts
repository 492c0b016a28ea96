import type { Tags } from "./instance.ts";
import type { Snapshot } from "./recovery-point.ts";

/** A volume that is to be made of a snapshot. */
export interface NewVolume {
  readonly snapshot: string;
  readonly zone: string;
  readonly type: string;
  readonly sizeGiB: number;
  readonly iops?: number;
  /** MiB a second; gp3 only. */
  readonly throughput?: number;
  /** Encrypts with this key. */
  readonly kmsKey?: string;
  /** MiB a second at which EC2 reads the snapshot's blocks into the volume, 100 to 300 (VolumeInitializationRate). */
  readonly initializeRate?: number;
  readonly tags: Tags;
  /** EC2 answers a repeated request of the same token with the same volume. At most 64 ASCII characters. */
  readonly clientToken: string;
}

/** A volume as EC2 shows it now. */
export interface VolumeState {
  readonly id: string;
  readonly state: "creating" | "available" | "in-use" | "deleting" | "deleted" | "error";
  readonly zone: string;
  readonly snapshot?: string;
  readonly type: string;
  readonly sizeGiB: number;
  readonly iops?: number;
  /** MiB a second. */
  readonly throughput?: number;
  readonly encrypted?: boolean;
  /** ARN. */
  readonly kmsKey?: string;
  readonly tags: Tags;
  readonly attachments: readonly Attachment[];
}

export interface Attachment {
  readonly instance: string;
  readonly device: string;
  /** `attaching`, `attached`, `detaching`, `detached`, `busy`. */
  readonly state: string;
}

/**
 * The volumes of the account in this region. Every operation may be repeated: what is done already is success, and
 * a volume that is gone is success for {@link detach} and {@link remove}. Failures are BackupErrors; `unreachable`
 * and `throttled` may be tried again, since none of these requests does its work twice.
 */
export interface VolumeService {
  /** Makes the volume, or finds the one that the same client token has made. */
  create(volume: NewVolume, signal: AbortSignal): Promise<VolumeState>;
  /** As EC2 shows them now; one that it does not show (yet, or any more) is absent. */
  describe(ids: readonly string[], signal: AbortSignal): Promise<readonly VolumeState[]>;
  /** All volumes that carry the tag with the value; with any value where none is given. */
  tagged(key: string, value: string | undefined, signal: AbortSignal): Promise<readonly VolumeState[]>;
  attach(id: string, instance: string, device: string, signal: AbortSignal): Promise<void>;
  detach(id: string, instance: string, signal: AbortSignal): Promise<void>;
  remove(id: string, signal: AbortSignal): Promise<void>;
  tag(ids: readonly string[], tags: Tags, signal: AbortSignal): Promise<void>;
  /** Percent of the blocks that EC2 has read into the volume; absent where nothing says so. */
  initialized(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
}

/** Snapshots beyond those that this instance's points are made of. */
export interface SnapshotFinder {
  /** By their ids, also those of other accounts that are shared with this one; what is not there is absent. */
  byId(ids: readonly string[], signal: AbortSignal): Promise<readonly FoundSnapshot[]>;
  /** Own snapshots with that tag, and the clock of the answer. */
  byTag(
    key: string,
    value: string,
    signal: AbortSignal,
  ): Promise<{ readonly snapshots: readonly FoundSnapshot[]; readonly asOf: Date }>;
  /** Which of the ids lie in the Recycle Bin; absent where nobody may ask. */
  inRecycleBin(ids: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string> | undefined>;
}

/** A snapshot with what decides whether it can be restored here. */
export interface FoundSnapshot extends Snapshot {
  readonly owner?: string;
  readonly kmsKey?: string;
  /** Until when a snapshot of the archive is restored for. */
  readonly restoredUntil?: Date;
}

/** A filesystem on restored disks, or what is there in its place. */
export interface FoundFilesystem {
  /** What is mounted: the disk, a partition, a logical volume, an array. */
  readonly path: string;
  /** In blkid's words: `ext4`, `xfs`, `btrfs`, `vfat`, `swap`, `crypto_LUKS`. */
  readonly type: string;
  readonly uuid?: string;
  readonly label?: string;
  /** Its number, where it is a partition of a disk. */
  readonly partition?: number;
  /** Which of the disks that were asked about it rests on, by path. */
  readonly disks: readonly string[];
  /** Why it cannot be mounted here as it is, and the command that mends it; absent if it can. */
  readonly obstacle?: { readonly found: string; readonly remedy: string };
}

/** A disk, a partition, an array or a logical volume on which nothing is known. */
export type Blank = Pick<FoundFilesystem, "path" | "partition" | "disks">;

/** A filesystem that is mounted. */
export interface Mounted {
  readonly where: string;
  readonly path: string;
  readonly type: string;
  readonly writable: boolean;
  /** What was done so that it does not get in the way of the original, such as `nouuid`, in words. */
  readonly notes: readonly string[];
}

/** The disks of this host, as far as restoring goes. Paths are absolute. */
export interface HostDisks {
  /**
   * Waits until the disk of an attached volume is there, known by its serial or, under Xen, by `device`, the name of
   * its attachment. Milliseconds; 0 looks once. Fails as `not-found` if there is no such disk, and as something else
   * where that cannot be told.
   */
  deviceOf(
    volume: { readonly id: string; readonly device: string },
    deadline: number,
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * Gives clones of what is here too an identity of their own, such as a name and UUIDs for an LVM group. Writes to
   * the disks, so only for those that were made for this. Tells what was done. Comes before {@link filesystems}, and
   * may be repeated.
   */
  separate(disks: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
  /**
   * What is on the disks, looked at together, since LVM, md and btrfs may span them. Writes nothing to them. Swap
   * and the parts of an array or group that are no filesystem of their own are told with an obstacle.
   */
  filesystems(disks: readonly string[], signal: AbortSignal): Promise<readonly FoundFilesystem[]>;
  /**
   * Where something should be on the disks and nothing that is known is: neither a filesystem nor a partition table
   * nor a part of anything. Writes nothing. To be called after {@link filesystems}, which puts things together.
   */
  blanks(disks: readonly string[], signal: AbortSignal): Promise<readonly Blank[]>;
  /**
   * Mounts at a directory, which is made if it is not there, and never over one that is not empty or a mount point
   * already, unless it is this very filesystem that is mounted there: that is success. With `replay` a read-only
   * mount first applies the journal, which writes to the disk: right where the disk was made for this alone, since
   * without it files of a point that was not held still may lack what was written last.
   */
  mount(
    what: FoundFilesystem,
    where: string,
    options: { readonly writable: boolean; readonly replay?: boolean },
    signal: AbortSignal,
  ): Promise<Mounted>;
  /** Whether this very filesystem is what is mounted there now. */
  holds(what: FoundFilesystem, where: string, signal: AbortSignal): Promise<boolean>;
  /** Unmounts; where nothing is mounted, that is success. Fails as `refused` and names who uses it. */
  unmount(where: string, signal: AbortSignal): Promise<void>;
  /** Unmounts all that rests on the disk and takes apart what was put together of it, so that it can be detached. */
  release(disk: string, signal: AbortSignal): Promise<void>;
  /** Reads the whole disk, so that its blocks come from the snapshot; tells bytes read of bytes in all. */
  readAll(disk: string, progress: (read: number, of: number) => void, signal: AbortSignal): Promise<void>;
}
