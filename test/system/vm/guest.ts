// Runs inside the virtual machine: stacks filesystems on the NVMe disks, maps them, freezes them, has the
// kernel name the disks anew, and maps them again. Tells what it saw, a line of JSON each.
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { planFreeze } from "../../../src/core/freeze-plan.ts";
import { occupied } from "../../../src/host/freeze-obstacles.ts";
import { readMountMap } from "../../../src/host/mount-map.ts";
import { attached, disks, type Told } from "./disks.ts";

function tell(what: Told): void {
  writeSync(1, `${JSON.stringify(what)}\n`);
}

/** Runs a command of the guest; one that fails or hangs ends the test. */
function sh(command: string): string {
  const ended = spawnSync("sh", ["-ec", command], {
    encoding: "utf8",
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  if (ended.status !== 0) throw new Error(`${command}: ${ended.error?.message ?? ended.stderr}`);
  return ended.stdout.trim();
}

function pciOf(use: string): string {
  const slot = disks.find((disk) => disk.use === use)?.slot ?? 0;
  return `0000:00:${slot.toString(16)}.0`;
}

/** The kernel's name of the disk in a slot, such as nvme3n1; found by the slot, not by what the disk says. */
function nameOf(use: string): string {
  const controllers = path.join("/sys/bus/pci/devices", pciOf(use), "nvme");
  const [controller = ""] = readdirSync(controllers);
  const name = readdirSync(path.join(controllers, controller)).find((one) => /^nvme\d+n\d+$/.test(one));
  if (name !== undefined) return name;
  // With NVMe multipath the disk hangs on its subsystem, and its name has the number of that.
  const hidden = readdirSync(path.join(controllers, controller)).find((one) => /^nvme\d+c\d+n\d+$/.test(one));
  return (hidden ?? "").replace(/c\d+/, "");
}

const names = (): Record<string, string> => Object.fromEntries(disks.map(({ use }) => [use, nameOf(use)]));
const dev = (use: string): string => `/dev/${nameOf(use)}`;

const labels = ["plain", "parted", "lvm", "inner", "md", "crypt", "btrfs", "stranger"];
const place = (label: string): string => (label === "inner" ? "/mnt/lvm/inner" : `/mnt/${label}`);

function make(): void {
  sh(`mkfs.xfs -q -L plain ${dev("plain")}`);
  sh(`printf 'label: gpt\\nsize=60M\\nsize=60M\\n' | sfdisk -q ${dev("parted")} && udevadm settle`);
  sh(`mkfs.ext4 -q -L parted ${dev("parted")}p1 && mkfs.ext4 -q -L inner ${dev("parted")}p2`);
  sh(`vgcreate -q vg0 ${dev("lvm-a")} ${dev("lvm-b")} && lvcreate -q -i 2 -L 400M -n data vg0`);
  sh("mkfs.xfs -q -L lvm /dev/vg0/data");
  sh(`mdadm --create /dev/md0 --run --quiet --level=0 --raid-devices=2 ${dev("md-a")} ${dev("md-b")}`);
  sh("mkfs.ext4 -q -L md /dev/md0");
  sh(
    `echo -n secret > /run/key && cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 ${dev("crypt")} /run/key`,
  );
  sh(`cryptsetup open --key-file /run/key ${dev("crypt")} safe && mkfs.ext4 -q -L crypt /dev/mapper/safe`);
  sh(`mkfs.btrfs -q -L btrfs -d single -m raid1 ${dev("btrfs-a")} ${dev("btrfs-b")}`);
  sh(`mkfs.ext4 -q -L stranger ${dev("stranger")}`);
}

/** Mounts everything by its label, since names are not to be relied on. */
function mountAll(): void {
  sh("udevadm settle && btrfs device scan");
  for (const label of labels) {
    mkdirSync(place(label), { recursive: true });
    sh(`mount "$(blkid -c /dev/null -L ${label})" ${place(label)}`);
  }
  sh("test -e /mnt/plain/image || { truncate -s 32M /mnt/plain/image && mkfs.ext4 -q /mnt/plain/image; }");
  sh(
    "modprobe loop && mkdir -p /mnt/loop /mnt/plain/shown /mnt/bound && mount -o loop /mnt/plain/image /mnt/loop",
  );
  sh("mount --bind /mnt/plain/shown /mnt/bound");
}

function takeDown(): void {
  sh("umount /mnt/bound /mnt/loop");
  for (const label of labels.toReversed()) sh(`umount ${place(label)}`);
  sh("vgchange -q -an vg0 && mdadm --quiet --stop /dev/md0 && cryptsetup close safe");
  sh("btrfs device scan --forget; udevadm settle");
}

/** Takes all NVMe disks from their driver and gives them back the other way round. */
async function nameAnew(): Promise<void> {
  const driver = "/sys/bus/pci/drivers/nvme";
  for (const { use } of disks) writeFileSync(`${driver}/unbind`, pciOf(use));
  for (const { use } of disks.toReversed()) {
    writeFileSync(`${driver}/bind`, pciOf(use));
    for (let round = 0; round < 100 && nameFound(use) === undefined; round++) await delay(100);
  }
  sh("udevadm settle");
  // udev may have assembled the array by itself.
  sh("test -e /dev/md/0 -o -e /dev/md0 -o -e /dev/md127 || mdadm --assemble --scan --run --quiet || true");
  sh("vgchange -q -ay vg0");
  sh(`cryptsetup open --key-file /run/key ${dev("crypt")} safe`);
}

function nameFound(use: string): string | undefined {
  try {
    const name = nameOf(use);
    return readFileSync(`/sys/class/block/${name}/size`, "utf8").trim() === "0" ? undefined : name;
  } catch {
    return undefined;
  }
}

function fsfreeze(flag: "-f" | "-u", mount: string): { status: number | null; stderr: string } {
  const { status, stderr } = spawnSync("fsfreeze", [flag, mount], { encoding: "utf8", timeout: 30_000 });
  return { status, stderr };
}

/** Freezes one mount, and sees that a writer waits until the thaw. */
async function freezeOne(mount: string): Promise<void> {
  writeFileSync(`${mount}/before`, "before");
  const freeze = fsfreeze("-f", mount).status;
  const again = fsfreeze("-f", mount).stderr.trim();
  const writer = spawn("sh", ["-c", `echo after > ${mount}/after`], { stdio: "ignore" });
  const done = new Promise<number | null>((resolve) => writer.once("exit", resolve));
  await delay(1_500);
  const blocked = writer.exitCode === null;
  const state = blocked
    ? (/^State:\s*(\S)/m.exec(readFileSync(`/proc/${writer.pid}/status`, "utf8"))?.[1] ?? "")
    : "";
  const read = readFileSync(`${mount}/before`, "utf8");
  const thaw = fsfreeze("-u", mount).status;
  const ended = await Promise.race([done, delay(20_000)]);
  const written = ended === 0 && readFileSync(`${mount}/after`, "utf8") === "after\n";
  tell({ kind: "frozen", path: mount, freeze, again, state, blocked, read, thaw, written });
}

async function main(): Promise<void> {
  make();
  mountAll();
  const map = await readMountMap(attached);
  tell({ kind: "map", when: "first", map, names: names() });
  const set = new Set(attached.map(({ id }) => id));
  const uses = await occupied([{ path: process.execPath, what: "Node.js" }]);
  const plan = planFreeze({ map, wanted: "data", set, occupied: uses });
  tell({
    kind: "plan",
    waves: plan.freeze.map((wave) => wave.map((mount) => mount.path)),
    refused: plan.refused,
  });
  await freezeOne("/mnt/lvm");
  await freezeOne("/mnt/md");
  const order = plan.freeze.flat().map((mount) => mount.path);
  const codes = order.map((mount) => fsfreeze("-f", mount).status);
  const thaws = order.toReversed().map((mount) => fsfreeze("-u", mount).status);
  tell({ kind: "all", codes, thaws });
  takeDown();
  await nameAnew();
  mountAll();
  tell({ kind: "map", when: "again", map: await readMountMap(attached), names: names() });
}

main().catch((error: unknown) => {
  tell({ kind: "failed", what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
});
