/** A block device as the kernel describes it. Devices are told apart by their numbers, never by their names. */
export interface BlockDevice {
  /** `major:minor`. */
  readonly number: string;
  /** The kernel's name of now, such as `nvme1n1p1`, `dm-0` or `md127`; another boot may give another. */
  readonly name: string;
  /** Of a partition: the number of the disk that it is a part of. */
  readonly partOf?: string;
  /** Numbers of the devices that it is made of, as LVM, md and dm-crypt are. */
  readonly madeOf: readonly string[];
  /** A mapped device's name and kind: the uuid begins with `LVM-`, `CRYPT-`, `mpath-`. */
  readonly mapped?: { readonly name: string; readonly uuid: string };
  /** The level of an md array: `raid1`. */
  readonly level?: string;
  /** The file below a loop device, as the kernel names it. */
  readonly file?: string;
  readonly model?: string;
  readonly serial?: string;
  /** Volume ids in the names of links below /dev/disk/by-id that lead to it: `vol-0123`. */
  readonly links: readonly string[];
  /** A disk of the Xen hypervisor, which says nothing of itself but its name. */
  readonly xen: boolean;
}

/** A btrfs filesystem over one or more devices. */
export interface BtrfsPool {
  readonly uuid: string;
  /** Numbers of its devices. */
  readonly members: readonly string[];
  /** How many of its devices are not there. */
  readonly missing: number;
}

/** What the kernel tells of the disks and of what is stacked on them. */
export interface BlockDevices {
  readonly devices: readonly BlockDevice[];
  readonly pools: readonly BtrfsPool[];
  /** Device numbers by the paths that mounts name as their source. */
  readonly sources: ReadonlyMap<string, string>;
}

/** The model of disks whose data lives and dies with the instance. */
export const instanceStoreModel = "Amazon EC2 NVMe Instance Storage";

/** The volume id in a serial number, which EBS writes without the dash; absent where it is none. */
export function volumeIdOf(serial: string | undefined): string | undefined {
  const digits = /^vol-?([0-9a-f]{8,17})$/.exec(serial?.trim() ?? "")?.[1];
  return digits === undefined ? undefined : `vol-${digits}`;
}

/** Which volume a disk is, or why that cannot be told. */
export type Identity = { readonly volume: string } | { readonly because: string };

/** What is known of the disks. A device that is absent from `of` says nothing of itself. */
export interface Identities {
  /** By device number. */
  readonly of: ReadonlyMap<string, Identity>;
  readonly doubts: readonly string[];
}
