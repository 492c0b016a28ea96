import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { planFreeze } from "../../src/core/freeze-plan.ts";
import type { Occupied } from "../../src/core/freeze-verdict.ts";
import type { MountMap } from "../../src/core/mount-map.ts";
import { execute } from "../system/bench.ts";
import { folder, has, isLinux, isRoot, need, node } from "./places.ts";

interface Answer {
  readonly map: MountMap;
  readonly superblocks: Readonly<Record<string, string>>;
  readonly uses: readonly Occupied[];
}

const tools = ["unshare", "losetup", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs"];
const ids = Array.from({ length: 4 }, (_, one) => {
  const chance = Math.floor(Math.random() * 2 ** 48);
  return `vol-${one}${chance.toString(16).padStart(16, "0")}`;
});

test("mounts of real loop devices are found to rest on the volumes that links name", async (context) => {
  need(context, isLinux && isRoot && tools.every(has), `root and ${tools.join(", ")}`);
  const home = await folder();
  onTestFinished(() => {
    // What a script that was killed has left; as a rule nothing.
    const left = spawnSync("losetup", ["--list", "--noheadings", "--output", "NAME,BACK-FILE"], {
      encoding: "utf8",
    });
    for (const line of left.stdout.split("\n").filter((one) => one.includes(home)))
      spawnSync("losetup", ["--detach", line.split(" ")[0] ?? ""]);
    const name = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_";
    for (const id of ids)
      for (const suffix of ["", "_1", "-ns-1"])
        rmSync(`${name}${id.replace("-", "")}${suffix}`, { force: true });
  });
  const script = path.join(import.meta.dirname, "loop-mounts.ts");
  const words = ["unshare", "--mount", "--propagation", "private", ...node, script, home, ...ids];
  const ended = await execute(words, {});
  expect(ended.code, ended.stderr).toBe(0);
  const { map, superblocks, uses } = JSON.parse(ended.stdout) as Answer;

  const ours = new Map(
    map.mounts
      .filter((mount) => mount.path.startsWith(home))
      .map((mount) => [path.relative(home, mount.path), mount]),
  );
  const facts = [...ours].map(([name, { filesystem, volumes, unknown, root }]) => ({
    [name]: [filesystem, root, volumes, unknown],
  }));
  expect(Object.assign({}, ...facts)).toEqual({
    ext4: ["ext4", "/", [ids[0]], []],
    "ext4/with a blank": ["xfs", "/", [ids[1]], []],
    btrfs: ["btrfs", "/", [ids[2], ids[3]], []],
    subvolume: ["btrfs", "/sub", [ids[2], ids[3]], []],
    bound: ["ext4", "/part", [ids[0]], []],
    inner: ["ext4", "/", [ids[0]], []],
  });
  expect(ours.get("inner")?.loopOn?.[0]).toBe(ours.get("ext4")?.superblock);
  expect(ours.get("inner")?.stack[0]).toMatch(/^loop\d+ .*\/ext4\/inner\.img$/);
  expect(ours.get("bound")?.superblock).toBe(ours.get("ext4")?.superblock);
  expect(ours.get("subvolume")?.superblock).toBe(ours.get("btrfs")?.superblock);

  const superblock = (name: string): string | undefined => ours.get(name)?.superblock;
  expect(superblocks).toMatchObject({
    "ext4/none/yet": superblock("ext4"),
    "ext4/with a blank": superblock("ext4/with a blank"),
    "btrfs/sub": superblock("btrfs"),
    "subvolume/file": superblock("btrfs"),
    bound: superblock("ext4"),
    link: superblock("btrfs"),
    inner: superblock("inner"),
  });
  expect([...ours.values()].map((mount) => mount.superblock)).not.toContain(superblocks["."]);
  expect(uses).toEqual([
    { superblock: superblock("ext4"), what: "the state" },
    { superblock: superblock("btrfs"), what: "the log" },
  ]);

  const plan = planFreeze({ map, wanted: "data", set: new Set(ids), occupied: [] });
  expect(plan.freeze.map((wave) => wave.map((mount) => path.relative(home, mount.path)).sort())).toEqual([
    ["btrfs", "ext4/with a blank", "inner"],
    ["ext4"],
  ]);
  expect(plan.eligible.length).toBe(4);
});
