/** How a filesystem of a clone is mounted. */
export interface CloneAccess {
  readonly writable: boolean;
  /** Whether changes in its journal are applied first, which writes to the clone. A writable mount always does. */
  readonly replay: boolean;
}

/** Options for mount(8), in the order in which they are tried, and what they are for in words. */
export interface CloneOptions {
  readonly tries: readonly string[];
  readonly notes: readonly string[];
}

/**
 * The options that keep a clone as it is and out of the way of its original. XFS refuses a second filesystem of
 * the same UUID but for `nouuid`, and replays its log even when mounted read-only but for `norecovery`; ext3 and
 * ext4 do so but for `noload`, btrfs but for `nologreplay`, which Linux 5.9 renamed (xfs(5), ext4(5), btrfs(5)).
 */
export function cloneOptions(
  type: string,
  { writable, replay }: CloneAccess,
  members: readonly string[],
): CloneOptions {
  const base = writable ? ["rw"] : ["ro", "nosuid", "nodev"];
  const still = !writable && !replay;
  const unreplayed = still ? ["its journal is left as it is, so that nothing is written to the clone"] : [];
  switch (type) {
    case "xfs":
      return {
        tries: [[...base, "nouuid", ...(still ? ["norecovery"] : [])].join(",")],
        notes: ["nouuid, since the original has the same UUID", ...unreplayed],
      };
    case "ext3":
    case "ext4":
      return { tries: [[...base, ...(still ? ["noload"] : [])].join(",")], notes: unreplayed };
    case "btrfs": {
      const devices = members.length > 1 ? members.map((one) => `device=${one}`) : [];
      if (!still) return { tries: [[...base, ...devices].join(",")], notes: [] };
      const tries = ["rescue=nologreplay", "nologreplay"].map((one) => [...base, ...devices, one].join(","));
      return { tries, notes: unreplayed };
    }
    default:
      return { tries: [base.join(",")], notes: [] };
  }
}
