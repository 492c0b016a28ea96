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
}

/** Reads what `blkid -p -o export` prints of one device. */
export function signatureOf(path: string, text: string): Signature {
  const of = (key: string): string | undefined => {
    const line = text.split("\n").find((one) => one.startsWith(`${key}=`));
    // The export format is meant for shells: blanks and the like come with a backslash.
    const value = line?.slice(key.length + 1).replace(/\\(.)/g, "$1");
    return value === "" ? undefined : value;
  };
  const [type, uuid, uuidSub, label, table] = ["TYPE", "UUID", "UUID_SUB", "LABEL", "PTTYPE"].map(of);
  return {
    path,
    ...(type === undefined ? {} : { type }),
    ...(uuid === undefined ? {} : { uuid }),
    ...(uuidSub === undefined ? {} : { uuidSub }),
    ...(label === undefined ? {} : { label }),
    ...(table === undefined ? {} : { table }),
  };
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
