import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  AttachVolumeCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { describe, expect, onTestFinished, test } from "vitest";
import { startSimulator } from "../../src/simulator/server.ts";
import { BlockBench } from "./block-bench.ts";
import { GuestDevices, type GuestOptions, linkOf } from "./guest-devices.ts";
import { loopDisksCan, loopDisksNeed, sh } from "./loop-disks.ts";

const missing = loopDisksCan ? undefined : `needs ${loopDisksNeed}`;
if (missing !== undefined && process.env["CI"] === "true") throw new Error(missing);

const keys = { accessKeyId: "AKIABLOCKBENCH00001", secretAccessKey: "secret" };
const times = { createVolume: 0.2, attach: 0.2, detach: 0.2, deleteVolume: 0.2 };

/** One disk with a file in it, a simulator that has it as a volume, and a snapshot of it. */
async function stage(options: GuestOptions = {}) {
  const bench = await BlockBench.start();
  onTestFinished(() => bench[Symbol.asyncDispose]());
  const disk = await bench.disk("data", "ext4", 64);
  await writeFile(path.join(disk.mount, "told"), "before");
  await sh("sync", "-f", disk.mount);
  const simulator = await startSimulator({
    scenario: {
      ...bench.scenario(),
      settle: { seconds: 0.2 },
      times,
      accessKeys: [{ id: keys.accessKeyId, user: "tester" }],
    },
  });
  onTestFinished(() => simulator.close());
  const ec2 = new EC2Client({ endpoint: simulator.url, region: "eu-central-1", credentials: keys });
  const present = { [disk.volume]: disk.device };
  const guest = GuestDevices.start(bench.disks, simulator.control.guest, present, options);
  onTestFinished(() => guest[Symbol.asyncDispose]());
  const { SnapshotId } = await ec2.send(new CreateSnapshotCommand({ VolumeId: disk.volume }));
  await writeFile(path.join(disk.mount, "told"), "after");
  const state = async (VolumeId: string) => {
    const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [VolumeId] }));
    return `${Volumes[0]?.State} ${Volumes[0]?.Attachments?.[0]?.State ?? ""}`.trim();
  };
  const reaches = async (VolumeId: string, wanted: string) => {
    await expect.poll(() => state(VolumeId), { timeout: 60_000 }).toBe(wanted);
  };
  await pause(300);
  const attached = async () => {
    const { VolumeId = "" } = await ec2.send(
      new CreateVolumeCommand({ AvailabilityZone: "eu-central-1a", SnapshotId, VolumeType: "gp3" }),
    );
    await reaches(VolumeId, "available");
    await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: bench.instance, Device: "/dev/sdz" }));
    return VolumeId;
  };
  return { bench, disk, simulator, ec2, guest, attached, state, reaches };
}

describe.skipIf(missing !== undefined)(
  `devices of the simulated instance${missing ? ` (${missing})` : ""}`,
  () => {
    test("a volume of a snapshot is a device with its bytes, is busy while mounted, and goes", async () => {
      const { bench, ec2, guest, simulator, attached, reaches, state } = await stage({ namespaces: true });
      const volume = await attached();
      const device = await guest.device(volume);
      expect(await sh("readlink", "-f", linkOf(volume))).toBe(device);
      expect(await sh("readlink", "-f", `${linkOf(volume)}_1`)).toBe(device);
      const file = (await simulator.control.state()).volumes[volume]?.file ?? "";
      const at = await bench.disks.mount(device, "restored");
      expect(await readFile(path.join(at, "told"), "utf8")).toBe("before");
      await reaches(volume, "in-use attached");
      await ec2.send(new DetachVolumeCommand({ VolumeId: volume }));
      await reaches(volume, "in-use busy");
      await pause(400);
      expect(await state(volume)).toBe("in-use busy");
      expect(existsSync(linkOf(volume))).toBe(true);
      await bench.disks.unmount(at);
      await reaches(volume, "available");
      expect(existsSync(linkOf(volume))).toBe(false);
      expect(await sh("losetup", "-nO", "NAME", "-j", file)).toBe("");
      expect(existsSync(file)).toBe(true);
      await ec2.send(new DeleteVolumeCommand({ VolumeId: volume }));
      await expect.poll(() => existsSync(file), { timeout: 60_000 }).toBe(false);
    });

    test("devices come and go as late as they are told to, and by force at once", async () => {
      const { bench, ec2, guest, attached, reaches } = await stage({
        appears: 1_200,
        linked: 300,
        leaves: 300,
      });
      const begun = performance.now();
      const volume = await attached();
      await reaches(volume, "in-use attached");
      expect(guest.volumes).not.toContain(volume);
      const device = await guest.device(volume);
      expect(performance.now() - begun).toBeGreaterThan(1_500);
      const at = await bench.disks.mount(device, "restored");
      await ec2.send(new DetachVolumeCommand({ VolumeId: volume, Force: true }));
      await reaches(volume, "available");
      await guest.gone(volume);
      expect(existsSync(linkOf(volume))).toBe(false);
      await bench.disks.unmount(at);
    });

    test("a disk that was there before is gone after a detachment by force that no look has seen", async () => {
      const { bench, disk, ec2, guest, reaches } = await stage({ every: 1_500 });
      await bench.disks.unmount(disk.mount);
      await ec2.send(new DetachVolumeCommand({ VolumeId: disk.volume, Force: true }));
      await reaches(disk.volume, "available");
      await guest.gone(disk.volume);
      expect(existsSync(disk.link)).toBe(false);
    });

    test("a disk that was there before is given back when nothing holds it, and keeps its bytes", async () => {
      const { bench, disk, ec2, guest, reaches } = await stage();
      await ec2.send(new DetachVolumeCommand({ VolumeId: disk.volume }));
      await reaches(disk.volume, "in-use busy");
      await bench.disks.unmount(disk.mount);
      await reaches(disk.volume, "available");
      await guest.gone(disk.volume);
      expect(existsSync(disk.link)).toBe(false);
      await ec2.send(
        new AttachVolumeCommand({ VolumeId: disk.volume, InstanceId: bench.instance, Device: "/dev/sdy" }),
      );
      const device = await guest.device(disk.volume);
      const at = await bench.disks.mount(device, "again");
      expect(await readFile(path.join(at, "told"), "utf8")).toBe("after");
      await bench.disks.unmount(at);
    });
  },
);
