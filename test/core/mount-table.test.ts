import { expect, test } from "vitest";
import { holderOf, visible } from "../../src/core/mount-table.ts";
import { parseMountInfo } from "../../src/host/mounts.ts";

const paths = (text: string): [string, string][] =>
  visible(parseMountInfo(text)).map((entry) => [entry.superblock, entry.path]);

test("mountinfo is read with its escapes, and with any number of optional fields", () => {
  const text = [
    "22 1 259:1 / / rw,relatime shared:1 master:2 propagate_from:3 - ext4 /dev/root rw,discard",
    String.raw`30 22 253:0 /a\040b /mnt/tab\011and\040blank\134\012end rw - xfs /dev/mapper/vg\040x rw,logdev=/dev/a\040b`,
    "31 22 0:5 / /a - b rw - tmpfs none rw",
    "nonsense",
    "",
  ].join("\n");
  expect(parseMountInfo(text)).toEqual([
    {
      id: 22,
      parent: 1,
      superblock: "259:1",
      root: "/",
      path: "/",
      filesystem: "ext4",
      source: "/dev/root",
      options: ["rw", "discard"],
    },
    {
      id: 30,
      parent: 22,
      superblock: "253:0",
      root: "/a b",
      path: "/mnt/tab\tand blank\\\nend",
      filesystem: "xfs",
      source: "/dev/mapper/vg x",
      options: ["rw", "logdev=/dev/a b"],
    },
    expect.objectContaining({ id: 31, path: "/a" }),
  ]);
});

test("of mounts on top of each other the topmost is seen, and nothing below a covered directory", () => {
  const text = [
    "1 0 8:0 / / rw - ext4 a rw",
    "2 1 8:1 / /data rw - ext4 b rw",
    "3 2 8:2 / /data/inner rw - ext4 c rw",
    "4 2 8:3 / /data rw - ext4 d rw",
    "5 4 8:4 / /data/other rw - ext4 e rw",
    "6 1 8:5 / /database rw - ext4 f rw",
  ].join("\n");
  expect(paths(text)).toEqual([
    ["8:0", "/"],
    ["8:3", "/data"],
    ["8:4", "/data/other"],
    ["8:5", "/database"],
  ]);
  const entries = parseMountInfo(text);
  expect(holderOf("/data/inner/file", entries)?.superblock).toBe("8:3");
  expect(holderOf("/data/other/file", entries)?.superblock).toBe("8:4");
  expect(holderOf("/database", entries)?.superblock).toBe("8:5");
  expect(holderOf("/elsewhere", entries)?.superblock).toBe("8:0");
});

test("a root that is covered by another root is out of sight, as in a container", () => {
  const text =
    "1 0 0:1 / / rw - rootfs rootfs rw\n2 1 8:0 / / rw - ext4 a rw\n3 2 8:1 / /data rw - ext4 b rw";
  expect(paths(text)).toEqual([
    ["8:0", "/"],
    ["8:1", "/data"],
  ]);
});

test("bind mounts are mounts of their own, of the same superblock", () => {
  const text = "1 0 8:0 / / rw - ext4 a rw\n2 1 8:0 /srv/x /bound rw - ext4 a rw";
  expect(paths(text)).toEqual([
    ["8:0", "/"],
    ["8:0", "/bound"],
  ]);
});

test("mounts of a changed root, whose parents are out of sight, are found as well", () => {
  const text = "40 20 8:0 / /data rw - ext4 a rw\n41 40 8:1 / /data/x rw - ext4 b rw";
  expect(holderOf("/data/x/y", parseMountInfo(text))?.superblock).toBe("8:1");
  expect(holderOf("/other", parseMountInfo(text))).toBeUndefined();
  const twice = "40 20 8:0 / /data rw - ext4 a rw\n41 21 8:1 / /data rw - ext4 b rw";
  expect(paths(twice)).toEqual([["8:1", "/data"]]);
});
