/** One line of the kernel's mountinfo. */
export interface MountEntry {
  readonly id: number;
  /** The id of the mount that it is mounted on; that one may be out of sight. */
  readonly parent: number;
  /** `major:minor` of the superblock; major 0 where the filesystem has no single block device. */
  readonly superblock: string;
  /** The directory of the filesystem that is mounted. */
  readonly root: string;
  /** The mount point. */
  readonly path: string;
  readonly filesystem: string;
  /** What the filesystem was mounted from, such as `/dev/nvme1n1`. */
  readonly source: string;
  /** Options of the filesystem itself, which all its mounts share. */
  readonly options: readonly string[];
}

/** A mount out of our sight. */
export interface HiddenEntry extends MountEntry {
  /** Who sees it, in words. */
  readonly by: string;
}

/** Whether a path is a directory or lies below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);
}

/**
 * The mount that a path without symbolic links lies on, walking from the root as the kernel does: of
 * mounts on top of each other the topmost counts, and what lies below a covered directory is out of reach.
 */
export function holderOf(path: string, entries: readonly MountEntry[]): MountEntry | undefined {
  const ids = new Set(entries.map((entry) => entry.id));
  const passed = new Set<MountEntry>();
  let holder: MountEntry | undefined;
  for (;;) {
    const on = holder;
    const crossed = entries
      .filter((entry) => (on === undefined ? !ids.has(entry.parent) : entry.parent === on.id))
      .filter((entry) => isWithin(path, entry.path) && !passed.has(entry))
      .reduce<MountEntry | undefined>(nearerToRoot, undefined);
    if (crossed === undefined) return holder;
    passed.add(crossed);
    holder = crossed;
  }
}

/** Of two at one place the later line is the one on top. */
function nearerToRoot(best: MountEntry | undefined, entry: MountEntry): MountEntry {
  return best === undefined || entry.path.length <= best.path.length ? entry : best;
}

/** The mounts that can be reached by their mount points, in the order given. */
export function visible(entries: readonly MountEntry[]): MountEntry[] {
  return entries.filter((entry) => holderOf(entry.path, entries) === entry);
}
