import { describe, expect, it } from "vitest";
import { besideOf, sourceOf } from "../../src/core/file-target.ts";
import type { MappedMount } from "../../src/core/mount-map.ts";
import { attemptsFor, type PathGround } from "../../src/core/path-volumes.ts";
import type { VolumeRecipe } from "../../src/core/recovery-point.ts";
import { snapshot } from "./points.ts";

const [root, one, two] = ["vol-0a", "vol-01", "vol-02"];

function ground(
  recipe: readonly Partial<VolumeRecipe>[],
  mounts: readonly Partial<MappedMount>[] | undefined,
  more: Partial<PathGround> = {},
): PathGround {
  const full = recipe.map((volume, index) => ({ volumeId: [root, one, two][index] ?? "", ...volume }));
  const map = mounts?.map((mount) => ({
    ...{ path: "/", filesystem: "ext4", superblock: "1:1", root: "/", readOnly: false },
    ...{ stack: [], volumes: [], unknown: [] },
    ...mount,
  }));
  const snapshots = full.map(({ volumeId }) => snapshot({ id: `snap-${volumeId.slice(4)}`, volumeId }));
  return {
    point: { snapshots, recipe: full },
    named: [],
    standIns: new Map(),
    ...(map && { map: { mounts: map, others: [{ path: "/proc", filesystem: "proc" }] } }),
    ...more,
  };
}

const disks = [{ root: true }, {}, {}];
const short = (path: string, given: PathGround) =>
  attemptsFor(path, given).map(({ volumes, paths }) => [volumes.join(" "), ...paths]);

describe("the volumes that are copied for a path", () => {
  it("are those that its mount rests on, all of them, and the path is that within the filesystem", () => {
    const mounts = [
      { path: "/", volumes: [root] },
      { path: "/srv", volumes: [one, two], root: "/@srv" },
      { path: "/srv/data", volumes: [two] },
    ];
    expect(short("/srv/data/x", ground(disks, mounts))).toEqual([[two, "/x", "/srv/data/x"]]);
    expect(short("/srv/dat/x", ground(disks, mounts))).toEqual([
      [`${one} ${two}`, "/@srv/dat/x", "/dat/x", "/srv/dat/x"],
    ]);
    expect(short("/etc/fstab", ground(disks, mounts))).toEqual([[root, "/etc/fstab"]]);
    expect(short("/srv/data", ground(disks, mounts))).toEqual([[two, "/", "/srv/data"]]);
  });

  it("are those that the point recorded, before those that are mounted now", () => {
    const recorded = [
      { root: true, mounts: [{ path: "/" }] },
      { mounts: [{ path: "/srv", root: "/@" }] },
      {},
    ];
    const now = [{ path: "/", volumes: [root] }];
    // The disk is lost, and what shows at its place is the directory below.
    expect(short("/srv/x", ground(recorded, now))).toEqual([
      [one, "/@/x", "/x", "/srv/x"],
      [two, "/@/x", "/x", "/srv/x"],
    ]);
    expect(short("/srv/x", ground(recorded, undefined))[0]).toEqual([one, "/@/x", "/x", "/srv/x"]);
  });

  it("are asked for one after the other where a disk of the point is not mounted now", () => {
    const now = [{ path: "/", volumes: [root] }];
    expect(short("/srv/x", ground(disks, now))).toEqual([
      [root, "/srv/x"],
      [`${one} ${two}`, "/srv/x"],
    ]);
  });

  it("are all data volumes and then the root where nothing tells", () => {
    expect(short("/srv/data/x", ground(disks, undefined))).toEqual([
      [`${one} ${two}`, "/srv/data/x", "/data/x", "/x"],
      [root, "/srv/data/x"],
    ]);
    expect(short("/x", ground([{}], undefined))).toEqual([[root, "/x"]]);
    expect(short("/proc/x", ground(disks, [{ path: "/", volumes: [root] }]))).toHaveLength(2);
  });

  it("are those that a volume took the place of, and never such as the point does not hold", () => {
    const now = [{ path: "/srv", volumes: ["vol-new"] }];
    const standIns = new Map([["vol-new", two]]);
    expect(short("/srv/x", ground(disks, now, { standIns }))).toEqual([[two, "/x", "/srv/x"]]);
    expect(short("/srv/x", ground(disks, now))[0]?.[0]).toBe(`${one} ${two}`);
    const half = [{ path: "/srv", volumes: [one], unknown: [{ disk: "sdz", because: "unknown" }] }];
    expect(short("/srv/x", ground(disks, half))[0]?.[0]).toBe(`${one} ${two}`);
  });

  it("are those that are named, and no others", () => {
    const now = [{ path: "/srv", volumes: [one] }];
    expect(short("/srv/x", ground(disks, now, { named: [two] }))).toEqual([[two, "/x", "/srv/x"]]);
  });

  it("are found by the path without links, and a slash at its end stays", () => {
    const now = [{ path: "/mnt/big", volumes: [one] }];
    expect(short("/srv/x/", ground(disks, now, { real: "/mnt/big/x" }))).toEqual([
      [one, "/x/", "/srv/x/", "/mnt/big/x/"],
    ]);
    expect(short("/mnt/big/../big//x", ground(disks, now, { real: "/mnt/big/../big//x" }))[0]?.[1]).toBe(
      "/x",
    );
  });
});

it("a copy beside the original is named by the instant in the zone that people read", () => {
  const captured = new Date("2026-11-01T02:03:59Z");
  expect(besideOf("/srv/x", captured, "Europe/Berlin")).toBe("/srv/x.from-2026-11-01-0303");
  expect(besideOf("/srv/x//", captured, "UTC")).toBe("/srv/x.from-2026-11-01-0203");
  expect(besideOf("/", captured, "UTC")).toBeUndefined();
});

it("a copy's source has the same name at any device, and another for any other filesystem or snapshot", () => {
  const filesystem = {
    path: "/dev/nvme2n1p1",
    type: "ext4",
    uuid: "u-1",
    partition: 1,
    disks: ["/dev/nvme2n1"],
  };
  const source = sourceOf("point-1", ["snap-2", "snap-1"], filesystem);
  expect(source).toBe("point-1, snap-1, snap-2, ext4, u-1, partition 1");
  expect(sourceOf("point-1", ["snap-1", "snap-2"], { ...filesystem, path: "/dev/xvdf1", disks: [] })).toBe(
    source,
  );
  const others = [
    sourceOf("point-2", ["snap-1", "snap-2"], filesystem),
    sourceOf("point-1", ["snap-1"], filesystem),
    sourceOf("point-1", ["snap-1", "snap-2"], { ...filesystem, uuid: "u-2" }),
    sourceOf("point-1", ["snap-1", "snap-2"], { ...filesystem, partition: 2 }),
  ];
  expect(new Set([source, ...others]).size).toBe(5);
  const clone = (uuid: string) => sourceOf("point-1", [], { ...filesystem, type: "btrfs", uuid });
  expect(clone("fresh")).toBe(clone("fresher"));
});
