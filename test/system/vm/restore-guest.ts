// Runs inside the virtual machine: stacks filesystems on LVM and md, clones their disks while they are in use, and
// has the clones found, mounted beside the originals and let go. Tells what it saw, a line of JSON each.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { restoreDisks } from "../../../src/host/restore-disks.ts";
import { agentKilled, type CutOff, lvmKilled, slow, stopped } from "./cut-off.ts";
import { disks } from "./disks.ts";
import { plantTree, treeIn, treesBack } from "./trees.ts";

const never = new AbortController().signal;
const host = restoreDisks("/run/ec2-backup-restore");

/** What the guest tells of one stack. */
export interface RestoreTold {
  readonly kind: "restore";
  readonly stack: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

function tell(stack: string, facts: Readonly<Record<string, unknown>>): void {
  writeSync(1, `${JSON.stringify({ kind: "restore", stack, facts } satisfies RestoreTold)}\n`);
}

function sh(command: string): string {
  const ended = spawnSync("sh", ["-ec", command], {
    encoding: "utf8",
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  if (ended.status !== 0) throw new Error(`${command}: ${ended.error?.message ?? ended.stderr}`);
  return ended.stdout.trim();
}

function dev(use: string): string {
  const slot = disks.find((disk) => disk.use === use)?.slot ?? 0;
  const controllers = path.join("/sys/bus/pci/devices", `0000:00:${slot.toString(16)}.0`, "nvme");
  const [controller = ""] = readdirSync(controllers);
  const names = readdirSync(path.join(controllers, controller));
  return `/dev/${(names.find((one) => /^nvme\d+(c\d+)?n\d+$/.test(one)) ?? "").replace(/c\d+/, "")}`;
}

/** Copies of the disks as they are at one instant, as disks of their own. */
function cloned(mount: string, ...sources: readonly string[]): { devices: string[]; files: string[] } {
  // Members of an array are told that it is clean a little later; a snapshot of a set would be of one instant.
  const clean = "grep -qE 'clean|read' $one/md/array_state";
  sh(`fsfreeze -f ${mount}; sleep 2`);
  sh(`for one in /sys/block/md*; do [ ! -e $one/md ] || until ${clean}; do sleep 1; done; done; sleep 1`);
  const files = sources.map((source) => `/clones/${path.basename(source)}`);
  // Past the cache, which knows nothing of what md and LVM have written below it.
  for (const [index, source] of sources.entries())
    sh(`dd if=${source} of=${files[index]} bs=1M iflag=direct conv=sparse status=none`);
  sh(`fsfreeze -u ${mount}`);
  return { devices: files.map((file) => sh(`losetup --find --show ${file}`)), files };
}

const sums = (files: readonly string[]): string[] =>
  files.map((file) => createHash("sha256").update(readFileSync(file)).digest("hex"));

function stacked(mount: string, device: string, filesystem: string): void {
  mkdirSync(mount, { recursive: true });
  sh(`mkfs.${filesystem} -q ${device} && mount ${device} ${mount} && echo one > ${mount}/data && sync`);
}

/** Mounts what is found on the clones, looks, and lets go. */
async function looked(devices: readonly string[], where: string): Promise<Record<string, unknown>> {
  const found = await host.filesystems(devices, never);
  const [what] = found;
  if (what === undefined || what.obstacle !== undefined) return { found };
  const mounted = await host.mount(what, where, { writable: false }, never);
  const data = readFileSync(`${where}/data`, "utf8").trim();
  const written = spawnSync("sh", ["-c", `echo x > ${where}/data`]).status;
  for (const device of devices) await host.release(device, never);
  for (const device of devices) await host.release(device, never);
  return { found, mounted, data, written, again: sh("lsblk -nro NAME,TYPE"), left: await host.leftovers() };
}

/** Makes clones what they were when they were made. */
async function asBefore(devices: readonly string[], files: readonly string[]): Promise<void> {
  for (const [index, device] of devices.entries()) {
    await host.release(device, never);
    const file = files[index] ?? "";
    sh(`losetup -d ${device}; cp --sparse=always ${file}.kept ${file}; losetup ${device} ${file}`);
  }
}

async function lvm(): Promise<void> {
  sh(`vgcreate -q vg0 ${dev("lvm-a")} ${dev("lvm-b")} && lvcreate -q -i 2 -L 400M -n data vg0`);
  stacked("/mnt/lvm", "/dev/vg0/data", "xfs");
  plantTree("/mnt/lvm");
  const tree = treeIn("/mnt/lvm");
  const { devices, files } = cloned("/mnt/lvm", dev("lvm-a"), dev("lvm-b"));
  sh("echo two > /mnt/lvm/data; sync");
  tell("lvm twice", await looked(devices, "/r/lvm"));
  tell("lvm half", await looked(devices.slice(0, 1), "/r/lvm"));
  for (const file of files) sh(`cp --sparse=always ${file} ${file}.kept`);
  slow(devices, 4);
  const cutOff: CutOff[] = [];
  for (const writes of [1, 2, 3, 6]) {
    cutOff.push(await lvmKilled(host, devices, writes));
    await asBefore(devices, files);
  }
  cutOff.push(await stopped(host, devices));
  await asBefore(devices, files);
  tell("lvm cut off", { cutOff, original: sh("lvs --noheadings -o lv_name,lv_active vg0") });
  const writes = await agentKilled(devices);
  slow(devices, "max");
  const notes = await host.separate(devices, never);
  const repeated = await host.separate(devices, never);
  const before = sums(files);
  const facts = await looked(devices, "/r/lvm");
  tell("lvm separated", {
    notes,
    writes,
    repeated,
    ...facts,
    devices,
    unwritten: sums(files).join() === before.join(),
    original: sh("cat /mnt/lvm/data; lvs --noheadings -o lv_name,lv_active vg0"),
  });
  const [what] = await host.filesystems(devices, never);
  if (what === undefined) throw new Error("the group is gone");
  await host.mount(what, "/r/w", { writable: true }, never);
  writeFileSync("/r/w/data", "three\n");
  for (const device of devices) await host.release(device, never);
  tell("lvm trees", await treesBack(host, devices, "/mnt/lvm", tree));
  tell("lvm writable", { ...(await looked(devices, "/r/lvm")) });
  sh(`losetup -d ${devices.join(" ")}`);
}

/** A group that is here once: nothing has to be written to it. */
async function lvmAlone(): Promise<void> {
  sh("truncate -s 64M /clones/one && truncate -s 64M /clones/two");
  const first = ["one", "two"].map((name) => sh(`losetup --find --show /clones/${name}`));
  sh(`vgcreate -q alone-vg ${first.join(" ")} && lvcreate -q -l 100%FREE -n data alone-vg`);
  stacked("/mnt/alone", "/dev/alone-vg/data", "ext4");
  sh(`umount /mnt/alone && vgchange -q -an alone-vg && losetup -d ${first.join(" ")}`);
  const devices = ["one", "two"].map((name) => sh(`losetup --find --show /clones/${name}`));
  const files = ["/clones/one", "/clones/two"];
  const before = sums(files);
  const facts = await looked(devices, "/r/alone");
  tell("lvm alone", { ...facts, unwritten: sums(files).join() === before.join() });
  sh(`losetup -d ${devices.join(" ")}`);
}

async function md(): Promise<void> {
  sh(
    `mdadm --create /dev/md0 --run --quiet --level=1 --metadata=1.2 --raid-devices=2 ${dev("md-a")} ${dev("md-b")}`,
  );
  stacked("/mnt/md", "/dev/md0", "ext4");
  plantTree("/mnt/md");
  const tree = treeIn("/mnt/md");
  const { devices, files } = cloned("/mnt/md", dev("md-a"), dev("md-b"));
  sh("echo two > /mnt/md/data; sync");
  const before = sums(files);
  tell("md half", await looked(devices.slice(0, 1), "/r/md"));
  const facts = await looked(devices, "/r/md");
  tell("md", {
    ...facts,
    devices,
    unwritten: sums(files).join() === before.join(),
    original: sh("cat /mnt/md/data; cat /proc/mdstat"),
  });
  tell("md trees", await treesBack(host, devices, "/mnt/md", tree));
  sh(`losetup -d ${devices.join(" ")}`);
}

async function main(): Promise<void> {
  sh("modprobe loop; modprobe dm-mod; mkdir -p /clones /r; mount -t tmpfs -o size=700M tmpfs /clones");
  sh("mkdir -p /run/slow; mount -t cgroup2 cgroup2 /run/slow; echo +io > /run/slow/cgroup.subtree_control");
  const wanted = /\bstacks=(\S+)/.exec(readFileSync("/proc/cmdline", "utf8"))?.[1]?.split(",");
  for (const part of [lvm, md, lvmAlone]) {
    if (wanted?.includes(part.name) === false) continue;
    await part().catch((error: unknown) => {
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      writeSync(1, `${JSON.stringify({ kind: "failed", what })}\n`);
    });
  }
}

void main();
