import { execFile } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { has, isLinux, isRoot } from "../host/places.ts";
import { Janitor } from "./janitor.ts";

const run = promisify(execFile);

/** Runs a program and gives what it prints; one that fails is told with what it said. */
export async function sh(program: string, ...words: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
  const claims = [program, ...words].some((word) => /^(?:mount|mkfs\..*)$/.test(word));
  for (let left = claims ? 30 : 0; ; left -= 1) {
    try {
      const { stdout } = await run(program, words, { env, maxBuffer: 16 * 1024 * 1024 });
      return stdout.trim();
    } catch (error) {
      // A losetup of another test that lost the race for a device has it to itself until it looks for the next one.
      if (left === 0 || !/mount point busy|open blockdev|in use by the system|resource busy/.test(`${error}`))
        throw error;
      await pause(100);
    }
  }
}

/** The file behind a loop device. */
function backingFile(device: string): string | undefined {
  const file = `/sys/block/${path.basename(device)}/loop/backing_file`;
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

/**
 * Waits until nobody has a device mounted any more, while it is still meant: a namespace that some other test made
 * meanwhile keeps a mount, and lets go of it a little later.
 */
export async function released(device: string, isMeant = () => true): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    try {
      closeSync(openSync(device, constants.O_RDONLY | constants.O_EXCL));
      return;
    } catch (error) {
      if (!isMeant()) return;
      if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
      if (performance.now() > until) throw error;
    }
    await pause(50);
  }
}

/**
 * Shell that lets a loop device go, if it still has this file: its number may be another's by then. What somebody holds
 * goes when he lets go of it, and what a guest was detaching goes by itself meanwhile. One that was set read-only would
 * stay so for whoever gets it next.
 */
export function detaching(device: string, file: string): string {
  const loop = `/sys/block/${path.basename(device)}/loop`;
  const there = `case "$(cat ${loop}/autoclear ${loop}/backing_file 2>/dev/null | tr '\\n' :)" in 0:${file}:|"0:${file} (deleted):")`;
  const detach = `{ blockdev --setrw ${device}; losetup -d ${device}; } 2>/dev/null`;
  return `${there} ${detach};; esac; ${there} echo ${device} still has ${file} >&2;; esac`;
}

export type FilesystemName = "ext4" | "xfs" | "btrfs";

/** What loop disks need, and whether it is here. */
export const loopDisksNeed = "root and loop devices, with mkfs.ext4, mkfs.xfs and mkfs.btrfs";
export const loopDisksCan =
  isLinux && isRoot && ["losetup", "mkfs.ext4", "mkfs.xfs", "mkfs.btrfs", "btrfs"].every(isInstalled);

/** Also where the PATH of an ordinary user does not lead. */
export function isInstalled(program: string): boolean {
  return has(program) || ["/usr/sbin", "/sbin"].some((one) => existsSync(path.join(one, program)));
}

/** Loop devices and what is mounted of them, all below one directory, all gone when the test ends. */
export class LoopDisks implements AsyncDisposable {
  readonly janitor = new Janitor();
  /** Everybody may enter it. */
  readonly directory: string;
  /** Called with each device that was attached. */
  whenAttached: (device: string) => void = () => undefined;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async start(below = tmpdir()): Promise<LoopDisks> {
    // As the kernel calls it.
    const directory = await mkdtemp(path.join(await realpath(below), "ec2-backup-test-"));
    const disks = new LoopDisks(directory);
    disks.janitor.undo(`rm -rf --one-file-system ${directory}`);
    await chmod(directory, 0o755);
    return disks;
  }

  /** A sparse file. */
  async file(name: string, mebibytes: number): Promise<string> {
    const file = path.join(this.directory, name);
    await sh("truncate", "-s", `${mebibytes}M`, file);
    return file;
  }

  /**
   * A loop device over a file. With direct I/O what the device has taken is in the file itself, as on a disk; without,
   * it may still be in memory, where a copy of the file finds it but a snapshot of its filesystem may not.
   */
  async attach(file: string, directIo = true): Promise<string> {
    const device = await sh("losetup", "--find", "--show", `--direct-io=${directIo ? "on" : "off"}`, file);
    this.janitor.undo(detaching(device, file));
    this.whenAttached(device);
    return device;
  }

  async format(device: string, filesystem: FilesystemName): Promise<void> {
    await sh(`mkfs.${filesystem}`, filesystem === "ext4" ? "-q" : "-f", device);
  }

  /** Mounts at a directory below ours; it is thawed before it is unmounted, whoever froze it. */
  async mount(device: string, name: string, ...options: readonly string[]): Promise<string> {
    const at = path.join(this.directory, name);
    await mkdir(at, { recursive: true });
    // Whoever still works on it goes with it, but a server that was killed may need a moment. Without the question
    // fuser(1) would take the filesystem above. It complains of processes that even root may not look into.
    const unmount = `umount ${at} 2>/dev/null`;
    const hard = `{ sleep 1; ${unmount}; } || { fuser -skm ${at} 2>/dev/null; sleep 1; ${unmount}; } || umount -l ${at}`;
    this.janitor.undo(`if mountpoint -q ${at}; then ${unmount} || ${hard}; fi`);
    this.janitor.undo(`if mountpoint -q ${at}; then fsfreeze -u ${at} 2>/dev/null; fi`);
    await sh("mount", ...options, device, at);
    return at;
  }

  /**
   * Its partitions go with the test, and none are there that another test has left: who looks at all devices of the
   * machine may hold one for a moment.
   */
  async partitions(device: string): Promise<void> {
    const there = `ls -d /sys/class/block/${path.basename(device)}p* >/dev/null 2>&1`;
    const clear = `for i in $(seq 50); do ${there} || break; partx --delete ${device} 2>/dev/null || sleep 0.1; done`;
    await sh("sh", "-c", clear);
    this.janitor.undo(`${clear}; ! ${there} || echo ${device} still has partitions >&2`);
  }

  /** Returns when nobody has its device any more: only then all of it is written. */
  async unmount(at: string, unmount = () => sh("umount", at)): Promise<void> {
    const device = (await sh("findmnt", "-nro", "SOURCE", "-M", at)).replace(/\[.*/, "");
    const behind = backingFile(device);
    await unmount();
    await released(device, () => backingFile(device) === behind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.janitor[Symbol.asyncDispose]();
  }
}
