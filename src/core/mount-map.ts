/** A mounted filesystem and what it rests on. */
export interface MappedMount {
  /** The mount point, unescaped. */
  readonly path: string;
  readonly filesystem: string;
  /** `major:minor` of the superblock: mounts that share it are one filesystem. */
  readonly superblock: string;
  /** The directory of the filesystem that is mounted here: `/`, or another for bind mounts and subvolumes. */
  readonly root: string;
  /** Of the filesystem itself: that one mount of it is read-only for us, as under systemd, keeps no one from writing. */
  readonly readOnly: boolean;
  /** From the filesystem down to the disks, for people: `lvm vg0-data`, `md0 raid1`, `nvme1n1p1`. */
  readonly stack: readonly string[];
  /** Ids of the EBS volumes that it rests on, sorted. */
  readonly volumes: readonly string[];
  /** Disks below it that are no known EBS volume of this instance, with the reason as a clause: "is an instance store". */
  readonly unknown: readonly { readonly disk: string; readonly because: string }[];
  /** The superblocks of the filesystems that hold the files below loop devices in the stack. */
  readonly loopOn?: readonly string[];
}

/** A mount that rests on no block device, such as tmpfs, overlay or nfs. */
export interface OtherMount {
  readonly path: string;
  readonly filesystem: string;
}

/** A mount that only others see: it cannot be reached by its path. */
interface HiddenMount extends MappedMount {
  /** Who sees it, such as `postgres (process 123)`. */
  readonly by: string;
}

/** Which mounts rest on which volumes. */
export interface MountMap {
  readonly mounts: readonly MappedMount[];
  /** Told apart so that a path on one of them can be refused in words. */
  readonly others?: readonly OtherMount[];
  /** Filesystems that are mounted in other mount namespaces alone. */
  readonly hidden?: readonly HiddenMount[];
  /** What could not be told, such as an ambiguous device name. */
  readonly doubts: readonly string[];
}

/** What a report tells of a mount: what it rests on, and whether it can be held still. */
export interface MountVerdict {
  readonly path: string;
  readonly filesystem: string;
  readonly stack: readonly string[];
  readonly volumes: readonly string[];
  readonly unknown: readonly { readonly disk: string; readonly because: string }[];
  readonly freeze: boolean;
  /** Why it is not frozen, or what is to be known of it. */
  readonly because?: string;
}

/** The mounts' piece of a report. */
export interface MountSummary {
  readonly mounts: readonly MountVerdict[];
  readonly doubts: readonly string[];
}

/** Paths of filesystems on the volumes that were not there at the first look, or could not be written to then. */
export function appearedSince(
  before: readonly MappedMount[],
  now: readonly MappedMount[],
  set: ReadonlySet<string>,
): string[] {
  const known = new Set(before.filter(({ readOnly }) => !readOnly).map(({ superblock }) => superblock));
  return now
    .filter(({ readOnly, superblock }) => !readOnly && !known.has(superblock))
    .filter(({ volumes }) => volumes.some((id) => set.has(id)))
    .map(({ path }) => path);
}
