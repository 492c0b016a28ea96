import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Volume } from "../../src/core/instance.ts";
import { readWindowsMounts, volumeIdOf, windowsMounts } from "../../src/host/windows-disks.ts";
import { folder, isLinux, need } from "../host/places.ts";

const root = "vol-0d3a0de0c0ffee00a";
const data = "vol-0d3a0de0c0ffee00f";
const volumes = [{ id: root }, { id: data }] as unknown as readonly Volume[];

const name = (digit: number) => `\\\\?\\Volume{0d3a0de0-0000-0000-0000-00000000000${digit}}\\`;
const disk = (number: number, serial: string | null, more = {}) => ({
  Number: number,
  SerialNumber: serial,
  FriendlyName: "NVMe Amazon Elastic B",
  IsReadOnly: false,
  ...more,
});

/**
 * In the shape that Get-Disk, Get-Partition and Get-Volume are documented to have. No real Windows has been asked:
 * the form of the serial number is UNVERIFIED.
 */
const answer = {
  disks: [disk(0, "vol0d3a0de0c0ffee00a_00000001."), disk(1, "vol0d3a0de0c0ffee00f_00000001.")],
  partitions: [
    { DiskNumber: 0, PartitionNumber: 1, AccessPaths: [name(1)] },
    { DiskNumber: 0, PartitionNumber: 2, AccessPaths: ["C:\\", name(2)] },
    { DiskNumber: 1, PartitionNumber: 2, AccessPaths: ["D:\\", "C:\\mnt\\data\\", name(3)] },
  ],
  volumes: [
    { Path: name(2), FileSystem: "NTFS" },
    { Path: name(3), FileSystem: "ReFS" },
  ],
};

const short = (mounts: ReturnType<typeof windowsMounts>["mounts"]) =>
  mounts.map(({ path: at, filesystem, volumes: on, unknown }) => [
    at,
    filesystem,
    on.join(),
    unknown.map(({ disk: of, because }) => `${of} ${because}`).join(),
  ]);

describe("which drive letters rest on which volumes", () => {
  test("by the serial numbers of the disks, folders included", () => {
    const { mounts, doubts } = windowsMounts(answer, volumes);
    expect(short(mounts)).toEqual([
      ["C:\\", "NTFS", root, ""],
      ["C:\\mnt\\data\\", "ReFS", data, ""],
      ["D:\\", "ReFS", data, ""],
    ]);
    expect(doubts).toEqual([]);
    expect(mounts[1]?.superblock).toBe(mounts[2]?.superblock);
    expect(mounts[0]?.stack).toEqual(["partition 2", "disk 0"]);
  });

  test.each([
    ["an instance store", disk(1, "AWS1", { FriendlyName: "Amazon EC2 NVMe" }), "is an instance store"],
    ["a disk of Xen or of a storage pool", disk(1, null), "says of itself no volume id"],
    ["another's volume", disk(1, "vol0aaaaaaaaaaaaaaaa_00000001."), "which EC2 does not show"],
    ["a disk that says what another says", disk(1, "vol0d3a0de0c0ffee00a"), "as another disk does"],
  ])("%s is no known volume, and that is said", (_, second, because) => {
    const { mounts } = windowsMounts({ ...answer, disks: [answer.disks[0], second] }, volumes);
    const found = mounts.find(({ path: at }) => at === "D:\\");
    expect(found?.volumes).toEqual([]);
    expect(found?.unknown[0]?.because).toContain(because);
  });

  test("two disks of one volume are a doubt, and neither is believed", () => {
    const twice = { ...answer, disks: [answer.disks[0], disk(1, "vol0d3a0de0c0ffee00a_00000001.")] };
    const { mounts, doubts } = windowsMounts(twice, volumes);
    expect(doubts).toEqual([`disk 0 and disk 1 both say that they are ${root}`]);
    expect(mounts.flatMap(({ volumes: on }) => on)).toEqual([]);
  });

  test("one thing where a list was meant, and what is nothing at all", () => {
    const one = {
      disks: answer.disks[0],
      partitions: { DiskNumber: 0, PartitionNumber: 2, AccessPaths: "C:\\" },
      volumes: null,
    };
    expect(short(windowsMounts(one, volumes).mounts)).toEqual([["C:\\", "unknown", root, ""]]);
    for (const nothing of [null, 7, "text", [], {}, { disks: [{ Number: "0" }], partitions: [4] }])
      expect(windowsMounts(nothing, volumes)).toEqual({ mounts: [], doubts: ["Windows shows no disk"] });
  });
});

test.each([
  ["vol0123456789abcdef0_00000001.", "vol-0123456789abcdef0"],
  ["vol0123456789abcdef0", "vol-0123456789abcdef0"],
  [" vol01234567 ", "vol-01234567"],
  ["vol0123456789abcdef0_00000002.", undefined],
  ["xvol0123456789abcdef0", undefined],
  ["vol0123456789abcdef", undefined],
  ["", undefined],
])("the serial number %j is of %s", (serial, id) => {
  expect(volumeIdOf(serial)).toBe(id);
});

describe("PowerShell", () => {
  async function stand(script: string): Promise<string> {
    const program = path.join(await folder(), "powershell");
    writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return program;
  }

  test("is asked once, and what it prints is the map", async (context) => {
    need(context, isLinux, "a shell");
    const program = await stand(`printf '\\357\\273\\277%s' '${JSON.stringify(answer)}'`);
    const { mounts } = await readWindowsMounts(volumes, { program, timeout: 5_000 });
    expect(mounts).toHaveLength(3);
  });

  test.for([
    ["it fails", "echo 'Get-Disk: access denied' >&2; exit 1", "Get-Disk: access denied"],
    ["it prints nothing, as a stub does", "exit 0", "it printed nothing"],
    ["it prints something else", "echo hello", "no JSON"],
    ["it hangs", "exec sleep 30", "no answer within 0.3 s"],
  ] as const)("%s: the map is empty, and says why", async ([, script, words], context) => {
    need(context, isLinux, "a shell");
    const program = await stand(script);
    const { mounts, doubts } = await readWindowsMounts(volumes, { program, timeout: 300 });
    expect(mounts).toEqual([]);
    expect(doubts[0]).toContain("the drive letters cannot be told");
    expect(doubts[0]).toContain(words);
  });
});
