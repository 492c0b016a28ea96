import type { MappedMount } from "./mount-map.ts";
import { isWithin } from "./mount-table.ts";

/**
 * Orders filesystems for freezing: one whose data is in a file on another goes before that other, since a
 * freeze writes, and that write would wait for ever. One mounted below another goes before it as well, so
 * that nothing waits on the way to it; where bind mounts make a circle of that, it gives way.
 *
 * `chosen` holds one mount for each filesystem, `all` every mount there is.
 */
export function inWaves(chosen: readonly MappedMount[], all: readonly MappedMount[]): MappedMount[][] {
  const paths = Map.groupBy(all, (mount) => mount.superblock);
  const isBelow = (one: MappedMount, other: MappedMount): boolean =>
    (paths.get(one.superblock) ?? [one]).some((lower) =>
      (paths.get(other.superblock) ?? [other]).some(
        (upper) => lower.path !== upper.path && isWithin(lower.path, upper.path),
      ),
    );
  const waves: MappedMount[][] = [];
  let left = [...chosen];
  while (left.length > 0) {
    const remaining = left;
    const others = (mount: MappedMount): MappedMount[] => remaining.filter((one) => one !== mount);
    const bare = remaining.filter((mount) => !others(mount).some((one) => isStoredOn(one, mount, all)));
    const leaves = bare.filter((mount) => !others(mount).some((one) => isBelow(one, mount)));
    const wave = leaves.length > 0 ? leaves : bare.length > 0 ? bare.slice(0, 1) : remaining.slice(0, 1);
    waves.push(wave);
    left = remaining.filter((mount) => !wave.includes(mount));
  }
  return waves;
}

/** Whether a filesystem is in a file on the other, or in a file of a filesystem that is. */
function isStoredOn(one: MappedMount, other: MappedMount, all: readonly MappedMount[]): boolean {
  const below = new Set(one.loopOn ?? []);
  // A Set visits what is added while it is visited.
  for (const superblock of below) {
    for (const mount of all)
      if (mount.superblock === superblock) for (const next of mount.loopOn ?? []) below.add(next);
  }
  return below.has(other.superblock);
}
