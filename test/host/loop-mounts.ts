// Run in a mount namespace of its own, so that all mounts go with the process however it ends, and the loop
// devices with the mounts. Stacks filesystems in the folder given and prints what the map makes of them.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { occupied } from "../../src/host/freeze-obstacles.ts";
import { readMountMap } from "../../src/host/mount-map.ts";
import { superblockOf } from "../../src/host/mounts.ts";
import { volume } from "../core/points.ts";

const [folder = "", ...ids] = process.argv.slice(2);
const byId = "/dev/disk/by-id";
const links: string[] = [];
/** Loop devices that do not yet go with the last that uses them. */
const pinned = new Set<string>();

function sh(program: string, ...words: string[]): string {
  return execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** A loop device over a new file, and udev's link to it, if it is to be a volume. */
function loop(file: string, megabytes: number, id?: string, suffix = ""): string {
  writeFileSync(file, "");
  truncateSync(file, megabytes * 1024 * 1024);
  const device = sh("losetup", "--find", "--show", file);
  pinned.add(device);
  if (id !== undefined) {
    const link = path.join(byId, `nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}${suffix}`);
    symlinkSync(`../../${path.basename(device)}`, link);
    links.push(link);
  }
  return device;
}

/** From here on the devices go with their last use; those in no use go at once. */
function unpin(): void {
  for (const device of pinned) {
    sh("losetup", "--detach", device);
    pinned.delete(device);
  }
}

function mounted(device: string, at: string, ...words: string[]): void {
  mkdirSync(at, { recursive: true });
  sh("mount", ...words, device, at);
}

async function main(): Promise<void> {
  const at = (...names: string[]): string => path.join(folder, ...names);
  mkdirSync(byId, { recursive: true });
  const devices = {
    ext4: loop(at("ext4.img"), 32, ids[0]),
    xfs: loop(at("xfs.img"), 320, ids[1], "_1"),
    one: loop(at("one.img"), 128, ids[2]),
    two: loop(at("two.img"), 128, ids[3], "-ns-1"),
  };
  sh("mkfs.ext4", "-q", devices.ext4);
  sh("mkfs.xfs", "-q", devices.xfs);
  sh("mkfs.btrfs", "-q", "-m", "raid1", "-d", "single", devices.one, devices.two);
  mounted(devices.ext4, at("ext4"));
  mounted(devices.xfs, at("ext4", "with a blank"));
  sh("btrfs", "device", "scan", devices.one, devices.two);
  mounted(devices.two, at("btrfs"));
  unpin();
  sh("btrfs", "-q", "subvolume", "create", at("btrfs", "sub"));
  mounted(devices.one, at("subvolume"), "-o", "subvol=sub");
  mkdirSync(at("ext4", "part"));
  mounted(at("ext4", "part"), at("bound"), "--bind");
  sh("truncate", "--size", "16M", at("ext4", "inner.img"));
  sh("mkfs.ext4", "-q", at("ext4", "inner.img"));
  // Covered at once by another, so that only the upper one is there.
  mounted("none", at("inner"), "-t", "tmpfs");
  mounted(at("ext4", "inner.img"), at("inner"), "-o", "loop");
  writeFileSync(at("btrfs", "sub", "file"), "");
  symlinkSync(at("btrfs", "sub", "file"), at("link"));
  const asked = [
    "ext4/none/yet",
    "ext4/with a blank",
    "btrfs/sub",
    "subvolume/file",
    "bound",
    "link",
    "inner",
    ".",
  ];
  const map = await readMountMap(ids.map((id) => volume({ id })));
  const superblocks = await Promise.all(asked.map((name) => superblockOf(at(name))));
  const uses = await occupied([
    { path: at("ext4/none/yet"), what: "the state" },
    { path: at("link"), what: "the log" },
  ]);
  const answer = {
    map,
    superblocks: Object.fromEntries(asked.map((name, one) => [name, superblocks[one]])),
    uses,
  };
  process.stdout.write(JSON.stringify(answer));
}

main()
  .catch((error: unknown) => {
    process.stderr.write(String(error instanceof Error ? error.stack : error));
    process.exitCode = 1;
  })
  .finally(() => {
    for (const link of links) rmSync(link, { force: true });
    unpin();
  });
