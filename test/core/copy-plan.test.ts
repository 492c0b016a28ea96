import { expect, test } from "vitest";
import { chooseFilesystem } from "../../src/core/choose-filesystem.ts";
import { cloneOptions } from "../../src/core/clone-options.ts";
import { copyPlan, type TreeEntry } from "../../src/core/copy-plan.ts";
import { freeName } from "../../src/core/lvm-groups.ts";
import { rateOf, withSample } from "../../src/core/rate.ts";

const tree: readonly TreeEntry[] = [
  { path: "t", kind: "d", bytes: 0 },
  { path: "t/a", kind: "f", bytes: 60 },
  { path: "t/b", kind: "f", bytes: 50, inode: "1:2" },
  { path: "t/c", kind: "l", bytes: 0 },
  { path: "t/d", kind: "d", bytes: 0 },
  { path: "t/d/b", kind: "f", bytes: 50, inode: "1:2" },
  { path: "t/s", kind: "s", bytes: 0 },
];

test("a tree is cut into the same batches in whatever order it was read, each file's content once", () => {
  const plan = copyPlan(tree, { bytes: 100, entries: 100 });
  expect(copyPlan(tree.toReversed(), { bytes: 100, entries: 100 })).toEqual(plan);
  expect(plan).toMatchObject({ bytes: 110, entries: 7, sockets: ["t/s"] });
  expect(plan.directories.map(({ path }) => path)).toEqual(["t", "t/d"]);
  expect(plan.batches.map(({ entries }) => entries.map(({ path }) => path))).toEqual([
    ["t/a", "t/b"],
    ["t/c"],
  ]);
  expect(plan.batches[1]?.links).toEqual([{ path: "t/d/b", first: "t/b" }]);
  expect(copyPlan(tree, { bytes: 1e9, entries: 1 }).batches).toHaveLength(4);
});

test("options keep a clone as it is, unless its journal is to be replayed", () => {
  const quiet = { writable: false, replay: false };
  const of = (type: string, access: typeof quiet): readonly string[] =>
    cloneOptions(type, access, ["/dev/a"]).tries;
  expect(of("xfs", quiet)).toEqual(["ro,nosuid,nodev,nouuid,norecovery"]);
  expect(of("ext4", quiet)).toEqual(["ro,nosuid,nodev,noload"]);
  expect(of("btrfs", quiet)).toEqual(["ro,nosuid,nodev,rescue=nologreplay", "ro,nosuid,nodev,nologreplay"]);
  expect(of("xfs", { writable: false, replay: true })).toEqual(["ro,nosuid,nodev,nouuid"]);
  expect(of("xfs", { writable: true, replay: false })).toEqual(["rw,nouuid"]);
  expect(cloneOptions("btrfs", { writable: true, replay: false }, ["/dev/a", "/dev/b"]).tries).toEqual([
    "rw,device=/dev/a,device=/dev/b",
  ]);
});

test("a filesystem is chosen by what it is called; what cannot be mounted says why", () => {
  const boot = { path: "/dev/x1", type: "vfat", partition: 1, disks: ["/dev/x"] };
  const root = { path: "/dev/x2", type: "ext4", label: "root", uuid: "u", partition: 2, disks: ["/dev/x"] };
  const swap = {
    path: "/dev/x3",
    type: "swap",
    disks: ["/dev/x"],
    obstacle: { found: "it is swap", remedy: "none" },
  };
  expect(chooseFilesystem([boot, root, swap])).toEqual({ candidates: [root, boot] });
  for (const wish of ["root", "u", "2", "/dev/x2"])
    expect(chooseFilesystem([boot, root], wish)).toEqual({ candidates: [root] });
  expect(chooseFilesystem([swap])).toEqual({ found: "/dev/x3 (swap): it is swap", remedy: "none" });
  expect(chooseFilesystem([root], "home")).toEqual({
    found: "there is no filesystem home",
    remedy: "choose one of root (ext4, partition 2)",
  });
});

test("names are free, and rates are of the last seconds", () => {
  expect(freeName("vg", new Set(["vg_restored"]))).toBe("vg_restored2");
  let samples: Parameters<typeof withSample>[0] = [];
  for (let second = 0; second <= 20; second++)
    samples = withSample(samples, { at: second * 1000, bytes: second < 10 ? 0 : (second - 10) * 500 });
  expect(rateOf(samples)).toBe(500);
  expect(rateOf(samples.slice(0, 1))).toBeUndefined();
});
