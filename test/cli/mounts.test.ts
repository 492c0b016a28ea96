import { expect, test } from "vitest";
import { printMounts } from "../../src/cli/mounts.ts";
import { terminal } from "../../src/cli/terminal.ts";
import type { MountSummary } from "../../src/core/mount-map.ts";

const summary: MountSummary = {
  mounts: [
    {
      path: "/",
      filesystem: "ext4",
      stack: ["nvme0n1p1"],
      volumes: ["vol-0"],
      unknown: [],
      freeze: false,
      because: "is the root filesystem",
    },
    {
      path: "/data",
      filesystem: "xfs",
      stack: ["lvm vg0-data", "nvme1n1"],
      volumes: ["vol-1"],
      unknown: [],
      freeze: true,
    },
    {
      path: "/mix",
      filesystem: "btrfs",
      stack: ["nvme2n1", "nvme3n1"],
      volumes: ["vol-2"],
      unknown: [{ disk: "nvme3n1", because: "tells no volume id" }],
      freeze: false,
      because: "rests on vol-2, but also on nvme3n1, which tells no volume id",
    },
  ],
  doubts: ["xvdf could be vol-3 (/dev/sdf) or vol-4 (/dev/xvdf)"],
};

function printed(columns?: number): string[] {
  const written: string[] = [];
  const stdout = { write: (text: string) => written.push(text), isTTY: columns !== undefined };
  printMounts(summary, terminal(columns === undefined ? stdout : { ...stdout, columns }, false));
  return written.join("").split("\n").slice(0, -1);
}

test("the map of mounts is a table, with the doubts below it", () => {
  expect(printed()).toEqual([
    "MOUNT  FILESYSTEM  STACK                   VOLUMES         FREEZE",
    "/      ext4        nvme0n1p1               vol-0           no: is the root filesystem",
    "/data  xfs         lvm vg0-data < nvme1n1  vol-1           yes",
    "/mix   btrfs       nvme2n1 < nvme3n1       vol-2 nvme3n1?  no: rests on vol-2, but also on nvme3n1, which tells no volume id",
    "doubt: xvdf could be vol-3 (/dev/sdf) or vol-4 (/dev/xvdf)",
  ]);
});

test.each([60, 80, 100])("the table fits %i columns", (columns) => {
  const lines = printed(columns).filter((line) => !line.startsWith("doubt"));
  expect(lines.filter((line) => line.length > columns)).toEqual([]);
});

test("of no mounts there is no table", () => {
  const written: string[] = [];
  printMounts({ mounts: [], doubts: [] }, terminal({ write: (text) => written.push(text) }, false));
  expect(written).toEqual([]);
});
