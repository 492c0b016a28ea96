/** What blkid(8) reads on a device. Absent fields were not told. */
export interface Signature {
  readonly path: string;
  /** `ext4`, `xfs`, `btrfs`, `swap`, `crypto_LUKS`, `LVM2_member`, `linux_raid_member`. */
  readonly type?: string;
  readonly uuid?: string;
  /** Tells the devices of one btrfs, or of one array, apart. */
  readonly uuidSub?: string;
  readonly label?: string;
  /** The kind of its partition table: `gpt`, `dos`. */
  readonly table?: string;
  /** The type that its entry in the partition table has: a GUID, or a number such as `0x83`. */
  readonly entry?: string;
}

/** Reads what `blkid -p -o export` prints of one device. */
export function signatureOf(path: string, text: string): Signature {
  const of = (key: string): string | undefined => {
    const line = text.split("\n").find((one) => one.startsWith(`${key}=`));
    // The export format is meant for shells: blanks and the like come with a backslash.
    const value = line?.slice(key.length + 1).replace(/\\(.)/g, "$1");
    return value === "" ? undefined : value;
  };
  const keys = ["TYPE", "UUID", "UUID_SUB", "LABEL", "PTTYPE", "PART_ENTRY_TYPE"];
  const [type, uuid, uuidSub, label, table, entry] = keys.map(of);
  return {
    path,
    ...(type === undefined ? {} : { type }),
    ...(uuid === undefined ? {} : { uuid }),
    ...(uuidSub === undefined ? {} : { uuidSub }),
    ...(label === undefined ? {} : { label }),
    ...(table === undefined ? {} : { table }),
    ...(entry === undefined ? {} : { entry }),
  };
}

/**
 * Types of partitions that are not meant to hold anything that could be mounted: boot code of BIOS and PReP, what
 * Windows reserves, swap, and the frames of logical partitions.
 */
const withoutFiles = new Set([
  "21686148-6449-6e6f-744e-656564454649",
  "9e1a2d38-c612-4316-aa26-8b49521e5a8b",
  "e3c9e316-0b5c-4db8-817d-f92df00215ae",
  "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f",
  ...["0x41", "0x82", "0x5", "0xf", "0x85"],
]);

/** Whether nothing that is known is there, though something should be. */
export function isBlank({ type, table, entry = "" }: Signature): boolean {
  return type === undefined && table === undefined && !withoutFiles.has(entry.toLowerCase());
}

/** What is found and what can be done where a thing cannot be mounted. */
export interface Obstacle {
  readonly found: string;
  readonly remedy: string;
}

/** Why nothing of this kind is ever mounted here; absent for filesystems. */
export function notMountable({ type, path }: Signature): Obstacle | undefined {
  switch (type) {
    case "swap":
    case "swsuspend":
      return { found: "it is swap, which holds no files", remedy: "nothing needs to be restored of it" };
    case "crypto_LUKS":
      return {
        found: "it is encrypted with LUKS, and its key is not asked for here",
        remedy: `cryptsetup open --readonly ${path} restored, then mount /dev/mapper/restored`,
      };
    case "BitLocker":
      return {
        found: "it is encrypted with BitLocker",
        remedy: `cryptsetup open --type bitlk --readonly ${path} restored, then mount /dev/mapper/restored`,
      };
    case "zfs_member":
      return {
        found: "it belongs to a ZFS pool",
        remedy: `zpool import -d ${path} -o readonly=on -R /mnt -t POOL restored`,
      };
    default:
      return undefined;
  }
}
