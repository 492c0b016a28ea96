import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { type FilesystemName, LoopDisks, released, sh } from "./loop-disks.ts";

/** A loop disk that stands for an EBS volume. */
export interface BenchDisk {
  readonly volume: string;
  /** The file behind it: what the simulator takes a snapshot of. */
  readonly file: string;
  readonly device: string;
  /** As udev names an EBS volume. */
  readonly link: string;
  readonly filesystem: FilesystemName;
  readonly mount: string;
}

const instance = "i-0d3a0de0c0ffee001";
const byId = "/dev/disk/by-id";

/**
 * Disks that can be captured at one instant: their files lie in one subvolume of a btrfs, and they have direct I/O, so
 * that what a disk has taken is in its file. Everything is gone when the test ends.
 */
export class BlockBench implements AsyncDisposable {
  readonly disks: LoopDisks;
  readonly members: BenchDisk[] = [];
  readonly #backing: string;
  /** Whether the disks lie where they can be captured. */
  readonly #captured: boolean;
  #restored = 0;

  private constructor(disks: LoopDisks, backing: string, captured: boolean) {
    this.disks = disks;
    this.#backing = backing;
    this.#captured = captured;
  }

  /**
   * Disks below a directory, as quick as what that lies on; of their snapshots nothing is kept but that they were
   * made.
   */
  static async plain(below?: string): Promise<BlockBench> {
    const disks = await LoopDisks.start(below);
    try {
      await mkdir(path.join(disks.directory, "volumes"));
      return new BlockBench(disks, disks.directory, false);
    } catch (error) {
      await disks[Symbol.asyncDispose]();
      throw error;
    }
  }

  static async start(): Promise<BlockBench> {
    const disks = await LoopDisks.start();
    try {
      const device = await disks.attach(await disks.file("backing", 6_144));
      await disks.format(device, "btrfs");
      const backing = await disks.mount(device, "below");
      await sh("btrfs", "-q", "subvolume", "create", path.join(backing, "volumes"));
      return new BlockBench(disks, backing, true);
    } catch (error) {
      await disks[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A disk with a filesystem that is mounted, under a volume id of its own. */
  async disk(name: string, filesystem: FilesystemName, mebibytes = 512): Promise<BenchDisk> {
    const disk = await this.unmountedDisk(name, filesystem, mebibytes);
    await this.disks.mount(disk.device, name);
    return disk;
  }

  /**
   * One that was never mounted. Of one that was, a namespace that some other test made meanwhile keeps a mount, and
   * the agent would find it.
   */
  async unmountedDisk(name: string, filesystem: FilesystemName, mebibytes = 512): Promise<BenchDisk> {
    const volume = `vol-0${randomBytes(8).toString("hex")}`;
    const file = path.join(this.#backing, "volumes", name);
    await sh("truncate", "-s", `${mebibytes}M`, file);
    const device = await this.disks.attach(file);
    await this.disks.format(device, filesystem);
    const link = path.join(byId, `nvme-Amazon_Elastic_Block_Store_${volume.replace("-", "")}`);
    await mkdir(byId, { recursive: true });
    this.disks.janitor.undo(`rm -f ${link}`);
    await sh("ln", "-s", `../../${path.basename(device)}`, link);
    const disk = { volume, file, device, link, filesystem, mount: path.join(this.disks.directory, name) };
    this.members.push(disk);
    return disk;
  }

  /** Volumes of the simulator's instance that are these disks. */
  scenario(): Scenario {
    return {
      limits: false,
      // Names of devices come of the ids of volumes, and other test files make some at the same time.
      seed: randomInt(2 ** 31),
      clock: { speed: 1 },
      instances: [{ id: instance, name: "bench" }],
      volumes: this.members.map(({ volume, file }, index) => ({
        id: volume,
        size: 1,
        ...(this.#captured ? { file } : {}),
        attachments: [{ instance, device: `/dev/sd${"fghijklmnop"[index]}` }],
      })),
      ...(this.#captured
        ? {
            snapshotData: path.join(this.#backing, "snapshots"),
            volumeData: path.join(this.#backing, "volumes"),
          }
        : {}),
    };
  }

  get instance(): string {
    return instance;
  }

  /** A disk made from a copy, which stays as it is; not mounted. */
  async restore(copy: string): Promise<string> {
    const file = path.join(this.#backing, `restored${++this.#restored}`);
    await sh("cp", "--reflink=auto", copy, file);
    return await this.disks.attach(file);
  }

  /**
   * Freezes the filesystems in order and thaws them in reverse after `during`. Whatever becomes of us, each is thawed
   * after so many seconds.
   */
  async frozen<T>(mounts: readonly string[], during: () => Promise<T>, seconds = 20): Promise<T> {
    const held: string[] = [];
    const thaw = mounts.map((one) => `if mountpoint -q ${one}; then fsfreeze -u ${one}; fi`).join("; ");
    const guard = spawn("/bin/sh", ["-c", `sleep ${seconds}; ${thaw}`], { detached: true, stdio: "ignore" });
    try {
      for (const mount of mounts) {
        await sh("sync", "-f", mount);
        await sh("fsfreeze", "-f", mount);
        held.unshift(mount);
      }
      return await during();
    } finally {
      for (const mount of held) await sh("fsfreeze", "-u", mount);
      if (guard.pid !== undefined && guard.exitCode === null) process.kill(-guard.pid, "SIGKILL");
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disks[Symbol.asyncDispose]();
  }
}

/** What a check that changes nothing finds wrong with a filesystem that is not mounted; empty = nothing. */
export async function faultsOf(device: string, filesystem: FilesystemName): Promise<string> {
  const words =
    filesystem === "ext4"
      ? ["e2fsck", "-fn"]
      : filesystem === "xfs"
        ? ["xfs_repair", "-n"]
        : ["btrfs", "check"];
  const [program = "", ...rest] = words;
  await released(device);
  return await sh(program, ...rest, device).then(
    () => "",
    (error: Error & { stdout?: string; stderr?: string }) =>
      `${error.stdout}${error.stderr}` || error.message,
  );
}

/** Whether a filesystem was caught in the middle of its work, so that its journal must be played. */
export async function needsRecovery(device: string, filesystem: "ext4" | "xfs"): Promise<boolean> {
  if (filesystem === "ext4") return /needs_recovery/.test(await sh("dumpe2fs", "-h", device));
  return !/<CLEAN>/.test(await sh("xfs_logprint", "-t", device));
}

/**
 * Mounts a copy of XFS once, so that its log is played. Its freeze leaves the log to be played on purpose, and the
 * counters of free blocks right only when that is done; a check before finds fault with them.
 */
export async function playLog(disks: LoopDisks, device: string): Promise<void> {
  const at = await disks.mount(device, path.basename(device), ...mountOptions("xfs"));
  await disks.unmount(at);
}

/** Options that a copy is mounted with beside its original. */
export function mountOptions(filesystem: FilesystemName): readonly string[] {
  return filesystem === "xfs" ? ["-o", "nouuid"] : [];
}
