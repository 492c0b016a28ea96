import fc from "fast-check";
import { expect, test } from "vitest";
import { planFreeze } from "../../src/core/freeze-plan.ts";
import type { MappedMount, MountMap } from "../../src/core/mount-map.ts";
import { isWithin } from "../../src/core/mount-table.ts";

const names = [
  "/",
  "/boot",
  "/boot/efi",
  "/usr",
  "/var",
  "/var/lib",
  "/tmp",
  "/data",
  "/data/a",
  "/data/a/b",
  "/srv",
];
const filesystems = ["ext4", "xfs", "btrfs", "vfat", "squashfs"];
const superblocks = ["8:1", "8:2", "8:3", "8:4", "8:5", "8:6"];
const volumes = ["vol-1", "vol-2", "vol-3"];

/** Facts of each superblock; the file of a loop device is on one before it, since files hold no circles. */
const facts = fc.tuple(
  ...superblocks.map((superblock, index) =>
    fc.record({
      superblock: fc.constant(superblock),
      filesystem: fc.constantFrom(...filesystems),
      readOnly: fc.oneof(
        { weight: 5, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
      volumes: fc.subarray(volumes),
      unknown: fc.subarray([{ disk: "sda", because: "tells no volume id" }]),
      loopOn: fc.subarray(superblocks.slice(0, index), { maxLength: Math.min(2, index) }),
    }),
  ),
);

const map: fc.Arbitrary<MountMap> = fc
  .tuple(facts, fc.uniqueArray(fc.constantFrom(...names)), fc.infiniteStream(fc.nat(superblocks.length - 1)))
  .map(([all, paths, picks]) => {
    const mounts = paths.map((path): MappedMount => {
      const { loopOn, ...fact } = all[picks.next().value as number] as (typeof all)[number];
      return { path, root: "/", stack: [], ...fact, ...(loopOn.length === 0 ? {} : { loopOn }) };
    });
    return { mounts, doubts: [] };
  });

const wish = fc.record({
  map,
  wanted: fc.oneof(fc.constant("data" as const), fc.subarray([...names, "/elsewhere", "swap"])),
  set: fc.subarray(volumes).map((ids) => new Set(ids)),
  occupied: fc
    .subarray(superblocks, { maxLength: 2 })
    .map((ids) => ids.map((superblock) => ({ superblock, what: "the state" }))),
});

const untouchable = (path: string): boolean =>
  path === "/" || isWithin(path, "/boot") || ["/usr", "/var", "/tmp"].includes(path);

/** Superblocks that a given one is stored on, over any number of files. */
function storedOn(superblock: string, { mounts }: MountMap): Set<string> {
  const below = new Set(
    mounts.filter((one) => one.superblock === superblock).flatMap((one) => one.loopOn ?? []),
  );
  for (const one of below) for (const next of storedOn(one, { mounts, doubts: [] })) below.add(next);
  return below;
}

test("no filesystem is frozen that must not be, whatever path leads to it", () => {
  fc.assert(
    fc.property(wish, (one) => {
      const forbidden = new Set(one.occupied.map(({ superblock }) => superblock));
      for (const mount of one.map.mounts) if (untouchable(mount.path)) forbidden.add(mount.superblock);
      const mounted = new Set(one.map.mounts.map(({ superblock }) => superblock));
      for (const superblock of [...forbidden].filter((each) => mounted.has(each)))
        for (const below of storedOn(superblock, one.map)) forbidden.add(below);
      for (const mount of planFreeze(one).freeze.flat()) {
        expect(forbidden).not.toContain(mount.superblock);
        expect(mount).toMatchObject({ readOnly: false, unknown: [] });
        expect(["ext4", "xfs", "btrfs"]).toContain(mount.filesystem);
        expect(mount.volumes.length).toBeGreaterThan(0);
        expect(mount.volumes.filter((volume) => !one.set.has(volume))).toEqual([]);
      }
    }),
    { numRuns: 1000 },
  );
});

test("each filesystem is frozen once, is eligible and was wanted, and every wanted one is frozen or explained", () => {
  fc.assert(
    fc.property(wish, (one) => {
      const plan = planFreeze(one);
      const frozen = plan.freeze.flat();
      expect(new Set(frozen.map(({ superblock }) => superblock)).size).toBe(frozen.length);
      expect(plan.freeze.filter((wave) => wave.length === 0)).toEqual([]);
      for (const { path } of frozen) {
        expect(plan.eligible).toContain(path);
        if (one.wanted !== "data") expect(one.wanted).toContain(path);
      }
      const explained = [...plan.refused, ...plan.straddling, ...plan.still].map(({ path }) => path);
      const wanted = one.wanted === "data" ? one.map.mounts.map(({ path }) => path) : one.wanted;
      const superblockOf = (path: string): string =>
        one.map.mounts.find((mount) => mount.path === path)?.superblock ?? path;
      const settled = new Set([...frozen.map(({ path }) => path), ...explained].map(superblockOf));
      for (const path of wanted) expect(settled).toContain(superblockOf(path));
    }),
    { numRuns: 1000 },
  );
});

test("what is stored on another filesystem is frozen before it, and what is mounted below another as well", () => {
  fc.assert(
    fc.property(wish, (one) => {
      const { freeze } = planFreeze(one);
      const waveOf = new Map(
        freeze.flatMap((wave, index) => wave.map((mount) => [mount.superblock, index] as const)),
      );
      const mounts = one.map.mounts;
      for (const [superblock, wave] of waveOf) {
        for (const below of storedOn(superblock, one.map)) expect(wave).toBeLessThan(waveOf.get(below) ?? 99);
      }
      // Where filesystems are mounted more than once, or stored on each other, the nesting may have to give way.
      const plain = new Set(mounts.map(({ superblock }) => superblock)).size === mounts.length;
      if (!plain || mounts.some((mount) => mount.loopOn !== undefined)) return;
      for (const lower of freeze.flat())
        for (const upper of freeze.flat())
          if (lower !== upper && isWithin(lower.path, upper.path))
            expect(waveOf.get(lower.superblock)).toBeLessThan(waveOf.get(upper.superblock) ?? 99);
    }),
    { numRuns: 1000 },
  );
});
