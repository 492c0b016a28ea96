import { protectedPath, type Refusal, reasonAlone } from "./freeze-paths.ts";
import type { MappedMount, MountMap, MountSummary, MountVerdict } from "./mount-map.ts";

/** A filesystem that something needs while others are frozen, such as the directory of the log. */
export interface Occupied {
  /** `major:minor`. */
  readonly superblock: string;
  /** For people: "the agent's state in /var/lib/ec2-backup". */
  readonly what: string;
}

/** Whether a filesystem may be frozen so that its snapshot is consistent. */
export interface Verdict {
  /**
   * - `eligible`: it may be frozen, and all that it rests on is captured.
   * - `straddling`: it may be frozen, but a part of it is not captured, so that nothing would be won.
   * - `still`: it is read-only, so nothing changes in it anyhow.
   * - `outside`: none of it is captured.
   * - `refused`: it must not or cannot be frozen.
   */
  readonly kind: "eligible" | "straddling" | "still" | "outside" | "refused";
  /** A clause that goes on after the path; empty for an eligible one. */
  readonly because: string;
  /** Of a refusal: that something needs it while others are frozen. */
  readonly inUse?: true;
  /** The mount point that the reason is about, where it is not about the filesystem as a whole. */
  readonly of?: string;
}

/**
 * Filesystems whose driver can freeze (`freeze_fs` or `freeze_super` of the kernel); all others answer
 * FIFREEZE with EOPNOTSUPP.
 */
const freezable: ReadonlySet<string> = new Set(
  "ext2 ext3 ext4 xfs btrfs f2fs jfs reiserfs nilfs2 gfs2 bcachefs".split(" "),
);

export interface FreezeQuestion {
  readonly map: MountMap;
  /** Ids of the volumes that will be captured. */
  readonly set: ReadonlySet<string>;
  readonly occupied: readonly Occupied[];
}

/** The mounts of each superblock: what is frozen is never a path but the filesystem behind it. */
export function bySuperblock(mounts: readonly MappedMount[]): Map<string, MappedMount[]> {
  return Map.groupBy(mounts, (mount) => mount.superblock);
}

/** A verdict for each superblock of the map. */
export function verdictsOf({ map, set, occupied }: FreezeQuestion): ReadonlyMap<string, Verdict> {
  const groups = bySuperblock(map.mounts);
  const refused = protections(groups, occupied);
  return new Map(
    [...groups].map(([superblock, mounts]) => {
      const mount = mounts[0] as MappedMount;
      const refusal = refused.get(superblock);
      // What is read-only stands still anyhow, whoever uses it.
      return [superblock, refusal === undefined || mount.readOnly ? byNature(mount, set) : refusal];
    }),
  );
}

function protections(
  groups: ReadonlyMap<string, readonly MappedMount[]>,
  occupied: readonly Occupied[],
): Map<string, Verdict> {
  const refused = new Map<string, Verdict>();
  for (const [superblock, mounts] of groups) {
    const found = byPath(mounts) ?? byUse(occupied.filter((one) => one.superblock === superblock));
    if (found !== undefined) refused.set(superblock, found);
  }
  // Below a filesystem that must not stop, nothing may stop that it is written to. A Map visits what is added.
  for (const [superblock] of refused) {
    for (const mount of groups.get(superblock) ?? []) {
      for (const below of mount.loopOn ?? []) {
        if (refused.has(below)) continue;
        const because = `holds the file that ${mount.path} is stored in, and that must not stop; leave it out of freeze.mounts`;
        refused.set(below, { kind: "refused", because });
      }
    }
  }
  return refused;
}

function byPath(mounts: readonly MappedMount[]): Verdict | undefined {
  for (const { path } of mounts.toSorted((a, b) => a.path.length - b.path.length)) {
    const because = protectedPath(path);
    if (because !== undefined) return { kind: "refused", because, of: path };
  }
  return undefined;
}

function byUse(uses: readonly Occupied[]): Verdict | undefined {
  if (uses.length === 0) return undefined;
  const what = [...new Set(uses.map((use) => use.what))].join(", ");
  const because = `holds what is needed while it is frozen: ${what}; leave it out of freeze.mounts, or move that to another filesystem`;
  return { kind: "refused", because, inUse: true };
}

function byNature(mount: MappedMount, set: ReadonlySet<string>): Verdict {
  const { filesystem, volumes } = mount;
  if (mount.readOnly)
    return { kind: "still", because: "is mounted read-only: it is not frozen and needs not be" };
  if (!freezable.has(filesystem)) {
    const because = `is ${filesystem}, which cannot be frozen; leave it out of freeze.mounts`;
    return { kind: "refused", because };
  }
  const outside = [
    ...volumes.filter((volume) => !set.has(volume)).map((volume) => `${volume}, which is not captured`),
    ...mount.unknown.map(({ disk, because }) => `${disk}, which ${because}`),
  ].join(", and ");
  const inside = volumes.filter((volume) => set.has(volume));
  if (inside.length === 0) {
    const because = `rests on no volume that is captured, but on ${outside}; leave it out of freeze.mounts, or include its volume`;
    return { kind: "outside", because };
  }
  if (outside === "") return { kind: "eligible", because: "" };
  const because = `rests on ${inside.join(", ")}, but also on ${outside}: a freeze could not make its snapshot consistent; capture all that it rests on, or leave it out of freeze.mounts`;
  return { kind: "straddling", because };
}

/**
 * What nobody here can reach and so nobody freezes, though it rests on captured volumes: mounts of other mount
 * namespaces. Those that are read-only, or that could not be frozen anyhow, count for nothing.
 */
export function outOfReach({ map, set }: FreezeQuestion): Refusal[] {
  return (map.hidden ?? [])
    .filter(({ readOnly, filesystem }) => !readOnly && freezable.has(filesystem))
    .filter(({ volumes }) => volumes.some((id) => set.has(id)))
    .map(({ path, by, volumes }) => ({
      path,
      because: `rests on ${volumes.join(", ")} and is mounted by ${by} in a mount namespace of its own, where no freeze from here reaches it; unmount it there, or mount it on the host as well`,
    }));
}

/** The reason as it reads after this path of the filesystem. */
export function reasonFor(path: string, verdict: Verdict): Refusal {
  const own = protectedPath(path);
  if (own !== undefined && verdict.kind === "refused") return { path, because: own };
  if (verdict.of === undefined || verdict.of === path) return { path, because: verdict.because };
  return { path, because: `is the same filesystem as ${verdict.of}, which ${verdict.because}` };
}

/** The map for people, with what can be frozen if everything eligible is wanted. */
export function summaryOfMounts(question: FreezeQuestion): MountSummary {
  const verdicts = verdictsOf(question);
  const mounts = question.map.mounts.map((mount): MountVerdict => {
    const { path, filesystem, stack, volumes, unknown, superblock } = mount;
    const verdict = verdicts.get(superblock) as Verdict;
    const freeze = verdict.kind === "eligible";
    const because = freeze ? "" : reasonAlone(reasonFor(path, verdict).because);
    const base = { path, filesystem, stack, volumes, unknown, freeze };
    return because === "" ? base : { ...base, because };
  });
  const told = new Map(outOfReach(question).map(({ path, because }) => [path, because]));
  const hidden = (question.map.hidden ?? []).flatMap((mount): MountVerdict[] => {
    const { path, filesystem, stack, volumes, unknown } = mount;
    const because = told.get(path);
    return because === undefined
      ? []
      : [{ path, filesystem, stack, volumes, unknown, freeze: false, because }];
  });
  return { mounts: [...mounts, ...hidden], doubts: question.map.doubts };
}
