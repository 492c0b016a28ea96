import path from "node:path";
import { describe, expect, test } from "vitest";
import type { Volume } from "../../src/core/instance.ts";
import type { MappedMount } from "../../src/core/mount-map.ts";
import { readMountMap } from "../../src/host/mount-map.ts";
import { volume } from "../core/points.ts";
import { line, machine, nvme, type Shown, type Shows, xen } from "./machine.ts";
import { isLinux, need } from "./places.ts";
import { canMountSilent, mountSilent, silentNeeds } from "./silent-mount.ts";

const id = (digit: number): string => `vol-0123456789abcdef${digit}`;
const serial = (digit: number): string => id(digit).replace("-", "");
const attached = (...digits: number[]): Volume[] => digits.map((digit) => volume({ id: id(digit) }));
const root = line(1, "259:1", "/", "ext4", "/dev/nvme0n1p1");

async function mapOf(shows: Shows, volumes: readonly Volume[]) {
  return await readMountMap(volumes, await machine(shows));
}

/** What a mount rests on. */
async function below(path: string, shows: Shows, volumes: readonly Volume[]) {
  const { mounts, doubts } = await mapOf(shows, volumes);
  const { stack, volumes: found, unknown } = mounts.find((one) => one.path === path) as MappedMount;
  return { stack, volumes: found, unknown, doubts };
}

const known = (stack: string[], ...digits: number[]) => ({
  stack,
  volumes: digits.map(id),
  unknown: [],
  doubts: [],
});

describe("a mount rests on", () => {
  test("the volume whose id is the serial number of its NVMe disk, or of the disk of its partition", async () => {
    const shows = {
      mountinfo: [root, line(2, "259:10", "/data", "xfs", "/dev/nvme1n1")],
      devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(1))],
    };
    expect(await below("/", shows, attached(0, 1))).toEqual(known(["nvme0n1p1"], 0));
    expect(await below("/data", shows, attached(0, 1))).toEqual(known(["nvme1n1"], 1));
  });

  test("the same volumes when the kernel names the disks in another order", async () => {
    const shows = {
      mountinfo: [
        line(1, "259:11", "/", "ext4", "/dev/nvme0n1p1"),
        line(2, "259:0", "/data", "xfs", "/dev/nvme1n1"),
      ],
      devices: [...nvme(0, serial(1)), ...nvme(1, serial(0), 1)],
    };
    expect(await below("/", shows, attached(0, 1))).toEqual(known(["nvme1n1p1"], 0));
    expect(await below("/data", shows, attached(0, 1))).toEqual(known(["nvme0n1"], 1));
  });

  test("all disks of a logical volume", async () => {
    const lv: Shown = {
      number: "253:0",
      at: "virtual/block/dm-0",
      slaves: ["nvme1n1", "nvme2n1p1"],
      files: { "dm/name": "vg0-data", "dm/uuid": "LVM-abcdef" },
    };
    const shows = {
      mountinfo: [root, line(2, "253:0", "/data", "xfs", "/dev/mapper/vg0-data")],
      devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(1)), ...nvme(2, serial(2), 1), lv],
    };
    expect(await below("/data", shows, attached(0, 1, 2))).toEqual(
      known(["lvm vg0-data", "nvme1n1", "nvme2n1p1"], 1, 2),
    );
  });

  test("all disks of an array, below encryption, and of its partitions", async () => {
    const md: Shown = {
      number: "9:0",
      at: "virtual/block/md0",
      slaves: ["nvme1n1", "nvme2n1"],
      files: { "md/level": "raid1" },
    };
    const part: Shown = { number: "259:90", at: "virtual/block/md0/md0p1", files: { partition: "1" } };
    const crypt: Shown = {
      number: "253:1",
      at: "virtual/block/dm-1",
      slaves: ["md0p1"],
      files: { "dm/name": "safe", "dm/uuid": "CRYPT-LUKS2-abc" },
    };
    const shows = {
      mountinfo: [root, line(2, "253:1", "/safe", "ext4", "/dev/mapper/safe")],
      devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(1)), ...nvme(2, serial(2)), md, part, crypt],
    };
    expect(await below("/safe", shows, attached(0, 1, 2))).toEqual(
      known(["crypt safe", "md0p1", "md0 raid1", "nvme1n1", "nvme2n1"], 1, 2),
    );
  });

  test("all devices of a btrfs, by whichever of them it was mounted", async () => {
    const shows = {
      mountinfo: [root, line(2, "0:45", "/data", "btrfs", "/dev/nvme2n1", "rw,subvol=/data")],
      devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(1)), ...nvme(2, serial(2))],
      btrfs: { "11-22": { members: ["nvme1n1", "nvme2n1"] } },
    };
    expect(await below("/data", shows, attached(0, 1, 2))).toEqual(known(["nvme1n1", "nvme2n1"], 1, 2));
    const lacking = { ...shows, btrfs: { "11-22": { members: ["nvme1n1", "nvme2n1"], missing: 1 } } };
    expect((await below("/data", lacking, attached(0, 1, 2))).unknown).toEqual([
      { disk: "btrfs 11-22", because: "lacks 1 of its devices" },
    ]);
  });

  test("the disk of its external log as well", async () => {
    const shows = {
      mountinfo: [
        root,
        line(2, "259:10", "/data", "xfs", "/dev/nvme1n1", "rw,logdev=/dev/nvme2n1,logbufs=8"),
      ],
      devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(1)), ...nvme(2, serial(2))],
    };
    expect(await below("/data", shows, attached(0, 1, 2))).toEqual(known(["nvme1n1", "nvme2n1"], 1, 2));
  });

  test("what holds the file of its loop device", async () => {
    const loop: Shown = {
      number: "7:3",
      at: "virtual/block/loop3",
      files: { "loop/backing_file": "/data/images/one" },
    };
    const shows = {
      mountinfo: [
        root,
        line(2, "259:10", "/data", "xfs", "/dev/nvme1n1"),
        line(3, "7:3", "/one", "ext4", "/dev/loop3"),
      ],
      devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(1)), loop],
      files: ["data/images/one"],
    };
    const { mounts } = await mapOf(shows, attached(0, 1));
    expect(mounts.find(({ path }) => path === "/one")).toMatchObject({
      stack: ["loop3 /data/images/one", "nvme1n1"],
      volumes: [id(1)],
      unknown: [],
      loopOn: ["259:10"],
    });
    expect((await below("/one", { ...shows, files: [] }, attached(0, 1))).unknown).toEqual([
      {
        disk: "loop3",
        because: "has a file that its path leads to no more: /data/images/one (deleted)",
      },
    ]);
  });

  test("no volume where the file of its loop device is on a server that is gone, which is not waited for", async (context) => {
    need(context, isLinux && canMountSilent, silentNeeds);
    const roots = await machine({
      mountinfo: [
        root,
        line(2, "0:31", "/share", "nfs4", "server:/x"),
        line(3, "7:3", "/one", "ext4", "/dev/loop3"),
      ],
      devices: [
        ...nvme(0, serial(0), 1),
        { number: "7:3", at: "virtual/block/loop3", files: { "loop/backing_file": "/share/one" } },
      ],
    });
    await mountSilent(path.join(path.dirname(roots.dev), "share"));
    const { mounts } = await readMountMap(attached(0), roots);
    expect(mounts).toMatchObject([
      { path: "/", volumes: [id(0)], unknown: [] },
      {
        path: "/one",
        volumes: [],
        unknown: [{ disk: "loop3", because: "has its file /share/one on nfs4, which has no disk" }],
        loopOn: ["0:31"],
      },
    ]);
  });

  test.each([
    ["without a dash", "vol0123456789abcdef1", ""],
    ["with a dash", "vol-0123456789abcdef1", ""],
    ["with the number of the namespace", "vol0123456789abcdef1", "_1"],
    ["with the number of the namespace in full", "vol0123456789abcdef1", "-ns-1"],
  ])("the volume that a link names %s, whatever device that is", async (_, name, suffix) => {
    const loop: Shown = {
      number: "7:3",
      at: "virtual/block/loop3",
      files: { "loop/backing_file": "/images/one" },
    };
    const shows = {
      mountinfo: [root, line(2, "7:3", "/data", "ext4", "/dev/loop3")],
      devices: [...nvme(0, serial(0), 1), loop],
      links: { [`disk/by-id/nvme-Amazon_Elastic_Block_Store_${name}${suffix}`]: "../../loop3" },
    };
    expect(await below("/data", shows, attached(0, 1))).toEqual(known(["loop3 /images/one (deleted)"], 1));
  });

  test("the volume of its partition's link", async () => {
    const shows = {
      mountinfo: [line(1, "259:1", "/", "ext4", "/dev/nvme0n1p1")],
      devices: nvme(0, "", 1, "QEMU"),
      links: { "disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef1-part1": "../../nvme0n1p1" },
    };
    expect(await below("/", shows, attached(1))).toEqual(known(["nvme0n1p1"], 1));
  });

  test("the volume that both the disk and a link of its partition name", async () => {
    const shows = {
      mountinfo: [root],
      devices: nvme(0, serial(0), 1),
      links: { "disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0-part1": "../../nvme0n1p1" },
    };
    expect(await below("/", shows, attached(0))).toEqual(known(["nvme0n1p1"], 0));
  });

  test("the volume whose id is the serial number of a virtio disk", async () => {
    const disk: Shown = { number: "254:0", at: "virtio1/block/vda", files: { serial: serial(1) } };
    const shows = { mountinfo: [line(1, "254:0", "/", "ext4", "/dev/vda")], devices: [disk] };
    expect(await below("/", shows, attached(1))).toEqual(known(["vda"], 1));
  });

  test("the volume that only lsblk has the serial number of, and only where it answers in time", async () => {
    const disk: Shown = { number: "8:0", at: "pci0/host0/block/sda" };
    const shows = { mountinfo: [line(1, "8:0", "/", "ext4", "/dev/sda")], devices: [disk] };
    const answer = JSON.stringify({ blockdevices: [{ "maj:min": "  8:0  ", serial: serial(1) }] });
    const lsblk = `#!/bin/sh\necho '${answer}'\n`;
    expect(await below("/", { ...shows, lsblk }, attached(1))).toEqual(known(["sda"], 1));
    const silent = {
      stack: ["sda"],
      volumes: [],
      unknown: [{ disk: "sda", because: "tells no volume id" }],
      doubts: [],
    };
    for (const bad of [
      undefined,
      "#!/bin/sh\nexit 1\n",
      "#!/bin/sh\necho nonsense\n",
      "#!/bin/sh\nexec sleep 60\n",
    ]) {
      const broken = bad === undefined ? shows : { ...shows, lsblk: bad };
      const roots = { ...(await machine(broken)), lsblkDeadline: 300 };
      const { mounts, doubts } = await readMountMap(attached(1), roots);
      const [{ stack, volumes, unknown } = expect.fail("no mount")] = mounts;
      expect({ stack, volumes, unknown, doubts }).toEqual(silent);
    }
  });
});

describe("no volume is guessed", () => {
  const unknownOf = async (shows: Shows, volumes: readonly Volume[]) => {
    const found = await below("/", shows, volumes);
    expect(found.volumes).toEqual([]);
    return { unknown: found.unknown, doubts: found.doubts };
  };

  test("for an instance store, whatever links say of it", async () => {
    const shows = {
      mountinfo: [root],
      devices: nvme(0, serial(0), 1, "Amazon EC2 NVMe Instance Storage"),
      links: { "disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef0": "../../nvme0n1" },
    };
    expect(await unknownOf(shows, attached(0))).toEqual({
      unknown: [{ disk: "nvme0n1", because: "is an instance store, which no snapshot can hold" }],
      doubts: [],
    });
  });

  test("for a volume that EC2 does not show as attached", async () => {
    const shows = { mountinfo: [root], devices: nvme(0, serial(7), 1) };
    expect(await unknownOf(shows, attached(0))).toEqual({
      unknown: [
        { disk: "nvme0n1", because: `is ${id(7)}, which EC2 does not show among this instance's volumes` },
      ],
      doubts: [],
    });
  });

  test("for a disk that contradicts itself", async () => {
    const shows = {
      mountinfo: [root],
      devices: nvme(0, serial(0), 1),
      links: { "disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef1": "../../nvme0n1" },
    };
    expect((await unknownOf(shows, attached(0, 1))).unknown).toEqual([
      { disk: "nvme0n1", because: `says that it is ${id(0)} and also ${id(1)}` },
    ]);
  });

  test("for a partition that contradicts its disk", async () => {
    const shows = {
      mountinfo: [root],
      devices: nvme(0, serial(0), 1),
      links: { "disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123456789abcdef1-part1": "../../nvme0n1p1" },
    };
    expect((await unknownOf(shows, attached(0, 1))).unknown).toEqual([
      { disk: "nvme0n1p1", because: "is not the volume that nvme0n1 is" },
    ]);
  });

  test("for two disks that say that they are the same", async () => {
    const shows = { mountinfo: [root], devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(0))] };
    expect(await unknownOf(shows, attached(0, 1))).toEqual({
      unknown: [{ disk: "nvme0n1", because: `says that it is ${id(0)}, as another disk does` }],
      doubts: [`nvme0n1 and nvme1n1 both say that they are ${id(0)}`],
    });
  });

  test("for ZFS, and for a device that the kernel does not show", async () => {
    const zfs = line(1, "0:50", "/", "zfs", "tank/data");
    expect((await unknownOf({ mountinfo: [zfs], devices: [] }, attached(0))).unknown).toEqual([
      { disk: "tank/data", because: "is kept by ZFS, which does not tell the kernel its disks" },
    ]);
    expect((await unknownOf({ mountinfo: [root], devices: [] }, attached(0))).unknown).toEqual([
      { disk: "259:1", because: "is no block device that the kernel shows" },
    ]);
  });
});

describe("a disk of Xen", () => {
  const named = (...devices: string[]): Volume[] =>
    devices.map((device, index) => volume({ id: id(index), device, root: index === 0 }));
  const shows = (...disks: Shown[]): Shows => ({
    mountinfo: [line(1, "202:1", "/", "ext4", "/dev/xvda1"), line(2, "202:80", "/data", "xfs", "/dev/xvdf")],
    devices: [...xen("xvda", "202:0", 1), ...disks],
  });
  const disk = xen("xvdf", "202:80");

  test.each([["/dev/sdf"], ["sdf"], ["/dev/xvdf"], ["xvdf"]])(
    "is the volume attached as %s",
    async (device) => {
      expect(await below("/data", shows(...disk), named("/dev/xvda", device))).toEqual(known(["xvdf"], 1));
    },
  );

  test("is the root that EC2 names /dev/sda1", async () => {
    expect(await below("/", shows(...disk), named("/dev/sda1", "/dev/sdf"))).toEqual(known(["xvda1"], 0));
  });

  test.each([
    [["/dev/sdf", "/dev/xvdf"], `could be ${id(1)} (/dev/sdf) or ${id(2)} (/dev/xvdf)`],
    [["/dev/sdf", "/dev/sdf1"], `could be ${id(1)} (/dev/sdf) or ${id(2)} (/dev/sdf1)`],
    [["/dev/sdf1"], `could be ${id(1)} (/dev/sdf1), whose name looks like that of a partition`],
  ])("is none that can be told where %j are attached", async (devices, because) => {
    expect(await below("/data", shows(...disk), named("/dev/sda1", ...devices))).toEqual({
      stack: ["xvdf"],
      volumes: [],
      unknown: [{ disk: "xvdf", because }],
      doubts: [`xvdf ${because}`],
    });
  });

  test("is none that can be told where the kernel shifts the letters, although one agrees by chance", async () => {
    const shifted = {
      mountinfo: [line(1, "202:64", "/", "ext4", "/dev/xvde")],
      devices: [...xen("xvde", "202:64"), ...xen("xvdi", "202:128")],
    };
    expect(await below("/", shifted, named("/dev/sda", "/dev/sde"))).toEqual({
      stack: ["xvde"],
      volumes: [],
      unknown: [{ disk: "xvde", because: "has a name that does not tell which volume it is" }],
      doubts: [
        `${id(0)} (/dev/sda) has no disk of that name among xvde, xvdi: this kernel names disks in its own way, so no name is believed`,
      ],
    });
  });

  test("is not doubted because of a volume that has no disk yet", async () => {
    const volumes = [
      ...named("/dev/sda1", "/dev/sdf"),
      volume({ id: id(2), device: "/dev/sdg", attachment: "attaching" }),
    ];
    expect(await below("/data", shows(...disk), volumes)).toEqual(known(["xvdf"], 1));
  });

  test("is none that can be told where two disks could be the one volume", async () => {
    const twins = {
      mountinfo: [line(1, "202:1", "/", "ext4", "/dev/xvda1")],
      devices: [...xen("xvda", "202:0"), ...xen("xvda1", "202:1")],
    };
    expect((await below("/", twins, named("/dev/sda1"))).unknown).toEqual([
      { disk: "xvda1", because: "is named much like xvda" },
    ]);
  });

  test("that no attached volume is named like may be an instance store", async () => {
    expect((await below("/data", shows(...disk), named("/dev/sda1"))).unknown).toEqual([
      { disk: "xvdf", because: "is named like no attached volume; it may be an instance store" },
    ]);
  });
});

test("what rests on no disk is kept apart, and a machine without mountinfo has doubts instead of a map", async () => {
  const shows = {
    mountinfo: [
      root,
      line(2, "0:30", "/run", "tmpfs", "tmpfs"),
      line(3, "0:31", "/share", "nfs4", "server:/x"),
    ],
    devices: nvme(0, serial(0), 1),
  };
  expect((await mapOf(shows, attached(0))).others).toEqual([
    { path: "/run", filesystem: "tmpfs" },
    { path: "/share", filesystem: "nfs4" },
  ]);
  expect(await readMountMap(attached(0), { mountinfo: "/nowhere/mountinfo" })).toEqual({
    mounts: [],
    others: [],
    doubts: ["the mounts cannot be read: /nowhere/mountinfo: ENOENT"],
  });
  expect(await readMountMap(attached(0), await machine(shows), AbortSignal.abort())).toMatchObject({
    mounts: [],
    doubts: [expect.stringMatching(/^the mounts cannot be read: .*: interrupted$/)],
  });
});

test("a filesystem is read-only when it is so itself, not when one mount of it is so for us", async () => {
  const ro = "2 1 259:10 / /data ro,relatime - xfs /dev/nvme1n1 rw,attr2";
  const still = "3 1 259:20 / /media rw,relatime - ext4 /dev/nvme2n1 ro";
  const shows = {
    mountinfo: [root, ro, still],
    devices: [...nvme(0, serial(0), 1), ...nvme(1, serial(1)), ...nvme(2, serial(2))],
  };
  const { mounts } = await mapOf(shows, attached(0, 1, 2));
  expect(mounts.map(({ path, readOnly }) => [path, readOnly])).toEqual([
    ["/", false],
    ["/data", false],
    ["/media", true],
  ]);
});
