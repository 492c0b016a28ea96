import { type Refusal, reasonAlone, refusalsOfPaths } from "./freeze-paths.ts";
import {
  bySuperblock,
  type FreezeQuestion,
  outOfReach,
  reasonFor,
  type Verdict,
  verdictsOf,
} from "./freeze-verdict.ts";
import { inWaves } from "./freeze-waves.ts";
import type { MappedMount, MountMap } from "./mount-map.ts";
import { isWithin } from "./mount-table.ts";

export interface FreezeWish extends FreezeQuestion {
  /** `data` = every eligible mount; or a list of mount points. */
  readonly wanted: "data" | readonly string[];
}

/** What is to be frozen and in which order, and why the rest is not. Each filesystem has one path. */
export interface FreezePlan {
  /** Waves in their order; the mounts of one may be frozen side by side. Thawed in reverse. */
  readonly freeze: readonly (readonly MappedMount[])[];
  /** Mounts that may be frozen at all, the straddling ones included: the measure of consistency. */
  readonly eligible: readonly string[];
  /** Mounts that rest on captured volumes and on others, or that no freeze reaches: never frozen, so the set is never called consistent. */
  readonly straddling: readonly Refusal[];
  /** Writable mounts on captured volumes that are not frozen because something needs them meanwhile. */
  readonly inUse: readonly Refusal[];
  /** Captured volumes that no mount is seen to rest on: a disk that is not mounted, or one without a filesystem. */
  readonly unmounted: readonly string[];
  /** Read-only mounts, which are still anyhow. */
  readonly still: readonly Refusal[];
  /** Of listed mounts: faults. Of `data`: for information. */
  readonly refused: readonly Refusal[];
}

/** Plans a freeze. Never plans one of a filesystem that is refused, by whatever path it was named. */
export function planFreeze(wish: FreezeWish): FreezePlan {
  const { map, wanted, set } = wish;
  const verdicts = verdictsOf(wish);
  const listed = wanted === "data" ? [] : wanted;
  const groups = bySuperblock(map.mounts);
  const one = [...groups.values()].map((mounts) => faceOf(mounts, listed));
  const kind = (mount: MappedMount): Verdict["kind"] | undefined => verdicts.get(mount.superblock)?.kind;
  const refusal = (mount: MappedMount): Refusal => {
    const { path, because } = reasonFor(mount.path, verdicts.get(mount.superblock) as Verdict);
    return { path, because: wanted === "data" ? reasonAlone(because) : because };
  };
  const reasons = (...kinds: Verdict["kind"][]): Refusal[] =>
    one.filter((mount) => kinds.includes(kind(mount) as Verdict["kind"])).map(refusal);
  const captured = one.filter(({ volumes }) => volumes.some((id) => set.has(id)));
  const mounted = new Set([...captured, ...(map.hidden ?? [])].flatMap(({ volumes }) => volumes));
  const refused =
    wanted === "data" ? reasons("refused", "outside") : faultsOf(wanted, map, (mount) => verdicts.get(mount));
  const faulty = new Set(refused.map(({ path }) => path));
  const frozen = one
    .filter((mount) => kind(mount) === "eligible")
    .filter(({ path }) => wanted === "data" || (wanted.includes(path) && !faulty.has(path)));
  return {
    freeze: inWaves(frozen, map.mounts),
    eligible: one
      .filter((mount) => kind(mount) === "eligible" || kind(mount) === "straddling")
      .map(({ path }) => path),
    straddling: [...reasons("straddling"), ...outOfReach(wish)],
    inUse: captured.filter(({ superblock }) => verdicts.get(superblock)?.inUse === true).map(refusal),
    unmounted: [...set].filter((id) => !mounted.has(id)),
    still: reasons("still"),
    refused,
  };
}

/** The path by which a filesystem is known: the one that was listed, or else the shortest. */
function faceOf(mounts: readonly MappedMount[], listed: readonly string[]): MappedMount {
  const sorted = mounts.toSorted((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1));
  return sorted.find(({ path }) => listed.includes(path)) ?? (sorted[0] as MappedMount);
}

function faultsOf(
  listed: readonly string[],
  map: MountMap,
  verdictOf: (superblock: string) => Verdict | undefined,
): Refusal[] {
  const wrong = refusalsOfPaths(listed);
  const told = new Set(wrong.map(({ path }) => path));
  const found = [...new Set(listed)].flatMap((path): Refusal[] => {
    if (told.has(path)) return [];
    const mount = map.mounts.find((one) => one.path === path);
    if (mount === undefined) return [{ path, because: notMapped(path, map) }];
    const verdict = verdictOf(mount.superblock);
    if (verdict === undefined || verdict.kind === "eligible" || verdict.kind === "still") return [];
    return [reasonFor(path, verdict)];
  });
  return [...wrong, ...found];
}

function notMapped(path: string, { mounts, others = [] }: MountMap): string {
  const other = others.find((one) => one.path === path);
  if (other !== undefined) {
    return `is ${other.filesystem}, which rests on no volume and cannot be frozen; leave it out of freeze.mounts`;
  }
  const holder = [...mounts, ...others]
    .filter((one) => isWithin(path, one.path))
    .reduce((best, one) => (one.path.length >= best.length ? one.path : best), "/");
  const instead =
    holder === "/" ? "give it a filesystem of its own" : `name ${holder} if that is what you want`;
  return `is no mount point: it lies on the filesystem of ${holder}, all of which would stop; ${instead}`;
}
