import { describe, expect, test } from "vitest";
import {
  bytesPerInode,
  contentOf,
  type DirectoryOrder,
  sizeOfNew,
  tagsBefore,
  tagText,
} from "../../src/core/directory.ts";
import { judgeHolds, planDirectory } from "../../src/core/directory-plan.ts";
import { hostKeysOf } from "../../src/core/known-hosts.ts";
import type { VolumeState } from "../../src/core/restore-ports.ts";

const gib = 2 ** 30;
const order: DirectoryOrder = { directory: "/srv", method: "dd", oneFileSystem: false, filesystem: "ext4" };
const count = { bytes: 1.2 * gib, entries: 1000 };
const tags = (method: "dd" | "rsync", state: "writing" | "new" = "writing") =>
  tagsBefore({ ...order, method }, { host: "h", version: "1", state });
const volume: VolumeState = {
  id: "vol-0a1",
  state: "available",
  zone: "eu-central-1a",
  type: "gp3",
  sizeGiB: 3,
  tags: {},
  attachments: [],
};
const here = { zone: "eu-central-1a", instance: "i-0b2", force: false };
const rsync = { ...order, method: "rsync" as const };

describe("a new volume", () => {
  test("has twice the size of the data, and a GiB at least", () => {
    expect(planDirectory(order, count, undefined, here)).toMatchObject({ sizeGiB: 3 });
    expect(sizeOfNew("dd", { bytes: 10240, entries: 1 }, "/srv")).toBe(1);
    // A file of a byte takes a block and an inode.
    expect(sizeOfNew("rsync", { bytes: 1_000_000 * 1024, entries: 1_000_000 }, "/srv")).toBe(11);
    expect(() => sizeOfNew("dd", { bytes: 40_000 * gib, entries: 1 }, "/srv")).toThrow(/65536 GiB at most/);
  });

  test("has inodes for all files", () => {
    expect(bytesPerInode(10, 1000)).toBeUndefined();
    expect(bytesPerInode(11, 1_000_000)).toBe(5120);
    expect(bytesPerInode(1, 10_000_000)).toBe(4096);
  });
});

describe("a volume that is there", () => {
  test("is taken where it is free, here, large enough and of the method", () => {
    expect(planDirectory(order, count, volume, here)).toMatchObject({ volume, sizeGiB: 3 });
    expect(planDirectory(rsync, count, { ...volume, tags: tags("rsync") }, here).volume).toBeDefined();
    // Elsewhere an instance goes where the volume is.
    expect(planDirectory(order, count, { ...volume, zone: "x" }, { force: false }).volume).toBeDefined();
  });

  test.each<[string, Partial<VolumeState>, Partial<DirectoryOrder>, RegExp]>([
    ["too small", { sizeGiB: 1 }, {}, /too small: it has 1 GiB, and the data takes 1\.20 GiB/],
    [
      "in another zone",
      { zone: "eu-central-1b" },
      {},
      /in the zone eu-central-1b, and this instance in eu-central-1a/,
    ],
    [
      "in use",
      { state: "in-use", attachments: [{ instance: "i-0c3", device: "/dev/sdf", state: "attached" }] },
      {},
      /in use: attached to i-0c3 as \/dev\/sdf/,
    ],
    ["not ready", { state: "error" }, {}, /it is error/],
    [
      "of the other method",
      { tags: tags("rsync") },
      {},
      /holds a directory by -m rsync, and -m dd is asked for/,
    ],
    ["of a snapshot", { snapshot: "snap-0d4" }, {}, /made of snap-0d4, so it holds data/],
    ["asked to filter for rsync", {}, { method: "rsync", local: "gzip" }, /rsync has no stream/],
  ])("is refused where it is %s", (_, change, ordered, reason) => {
    expect(() => planDirectory({ ...order, ...ordered }, count, { ...volume, ...change }, here)).toThrow(
      reason,
    );
  });

  test("may be smaller where a filter makes less of the data, which nobody knows before", () => {
    const filtered = { ...order, local: "zstd" };
    expect(planDirectory(filtered, count, { ...volume, sizeGiB: 1 }, here).volume).toBeDefined();
  });

  const plan = (one: DirectoryOrder, its: Record<string, string> = {}) =>
    planDirectory(one, count, { ...volume, tags: its }, { ...here, force: true });
  const ext4 = { kind: "filesystem", type: "ext4" } as const;

  test("is not overwritten where it holds what is not ours", () => {
    expect(judgeHolds(plan(order), { kind: "nothing" }, false)).toEqual({ fresh: true });
    for (const holds of [{ kind: "data" } as const, { ...ext4, marker: false }])
      for (const one of [order, rsync]) {
        expect(() => judgeHolds(plan(one), holds, false)).toThrow(/not of this command.*--force/s);
        expect(judgeHolds(plan(one), holds, true)).toEqual({ fresh: true });
      }
    expect(() => judgeHolds(plan(order), { ...ext4, marker: true }, false)).toThrow(/a filesystem \(ext4\)/);
  });

  test("is used again where it is ours", () => {
    expect(judgeHolds(plan(order, tags("dd")), { kind: "data" }, false)).toEqual({ fresh: true });
    expect(judgeHolds(plan(rsync, tags("rsync")), { ...ext4, marker: true }, false)).toEqual({
      fresh: false,
    });
    // Its tags are lost, or it is of a snapshot.
    expect(judgeHolds(plan(rsync), { ...ext4, marker: true }, false)).toEqual({ fresh: false });
    // It was being made when it was stopped.
    expect(judgeHolds(plan(rsync, tags("rsync")), { kind: "data" }, false)).toEqual({ fresh: true });
  });
});

test("tags tell what a volume holds, and nothing of filters but that they were there", () => {
  const given = tagsBefore(
    { ...order, local: "openssl -k x" },
    { host: "h", version: "1", state: "writing" },
  );
  expect(Object.values(given).join()).not.toContain("openssl");
  expect(contentOf(given)).toMatchObject({
    method: "dd",
    state: "writing",
    path: "/srv",
    filters: ["local"],
  });
  expect(contentOf(given)?.bytes).toBeUndefined();
  expect(contentOf({})).toBeUndefined();
  expect(contentOf({ "ec2-backup:directory": "dd" })).toMatchObject({ state: "partial", filters: [] });
});

test("a path goes into a tag in signs that tags take", () => {
  expect(tagText("/srv/Übung 1_a.b:c=d+e@f-g")).toBe("/srv/Übung 1_a.b:c=d+e@f-g");
  expect(tagText("/a\nb*c'd%e\ud800")).toBe("/a%0Ab_c_d%25e%3F");
});

describe("the keys of a host on its console", () => {
  const key = `ssh-ed25519 ${"A".repeat(68)}`;
  const begin = "-----BEGIN SSH HOST KEY KEYS-----";
  const end = "-----END SSH HOST KEY KEYS-----";
  test("are those between cloud-init's lines", () => {
    expect(hostKeysOf(`boot\r\n${begin}\r\n${key} root@ip\r\n${end}\r\n`, "v")).toEqual([`v ${key}`]);
    // With the prefixes of systemd's journal on the console.
    expect(hostKeysOf(`${begin}\n[   9.1] cloud-init[1]: ${key} r\n${end}`, "v")).toEqual([`v ${key}`]);
  });
  test("are not there until all of them are, and nowhere else", () => {
    expect(hostKeysOf("", "v")).toBeUndefined();
    expect(hostKeysOf(`${begin}\n${key} r\n`, "v")).toBeUndefined();
    expect(hostKeysOf(`${key} r\n${begin}\n${end}`, "v")).toBeUndefined();
    // Of two boots the last one counts.
    const other = `ssh-ed25519 ${"B".repeat(68)}`;
    expect(hostKeysOf([begin, key, end, begin, other, end].join("\n"), "v")).toEqual([`v ${other}`]);
  });
});
