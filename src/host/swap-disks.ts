import { mkdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BackupError } from "../core/errors.ts";
import type { MountNote, Remounted, SwapDisks } from "../core/replace-ports.ts";
import { askProgram } from "./ask-program.ts";
import { type HostRoots, hostRoots, numberAt } from "./block-devices.ts";
import { inspectDisks } from "./inspect-disks.ts";
import { mountedAt } from "./mount-clone.ts";
import { partitionsOf } from "./partitions.ts";
import { presentDevices } from "./present-devices.ts";
import { patience, probe } from "./probe-signatures.ts";

/** How often a mount is tried while its disk is held by another, and the milliseconds between. */
const mountTries = 10;
const mountPause = 300;

/** The disks of Linux, as far as they are swapped in place. */
export function swapDisks(some: Partial<HostRoots> = {}): SwapDisks {
  const roots = { ...hostRoots, ...some };
  return {
    inspect: (disks, { users }, signal) => inspectDisks(disks, users, roots, signal),
    mount: (mounts, disks, signal) => mountAgain(mounts, disks, roots, signal),
  };
}

async function mountAgain(
  mounts: readonly MountNote[],
  disks: ReadonlyMap<string, string>,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<readonly Remounted[]> {
  if (mounts.length === 0) return [];
  await partitionsOf([...disks.keys()], roots, signal);
  if (mounts.some(({ type }) => type === "btrfs"))
    for (const disk of disks.keys())
      await askProgram("btrfs", ["device", "scan", disk], { timeout: patience.tool, signal });
  const mounted: Remounted[] = [];
  for (const note of mounts) {
    const [disk] = [...disks].find(([, volume]) => volume === note.volume) ?? [];
    if (disk === undefined) throw refused(`mount ${note.where}`, `the disk of ${note.volume} is not here`);
    const at = note.partition === undefined ? disk : await partitionOf(disk, note.partition, roots, signal);
    await mountOne(note, at, disks, roots, signal);
    mounted.push({ where: note.where, path: at, volume: note.volume });
  }
  return mounted;
}

async function mountOne(
  note: MountNote,
  at: string,
  disks: ReadonlyMap<string, string>,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<void> {
  const { where, type, options, bind, uuid } = note;
  const doing = `mount ${at} at ${where}`;
  // An earlier invocation or systemd may have been quicker.
  if (await isOn(where, disks, roots, signal)) return;
  await mkdir(where, { recursive: true }).catch(() => undefined);
  const words =
    bind === undefined
      ? ["-i", "-t", type, "-o", options.join(","), at, where]
      : ["-i", "-o", ["bind", ...options.filter(isFlag)].join(","), bind, where];
  const mount = () => askProgram("mount", words, { timeout: patience.tool, signal });
  let answer = await mount();
  // Whoever looks at each new disk, as mdadm does, may hold it for a moment.
  for (let tries = 1; tries < mountTries && answer.code !== 0 && /busy/i.test(answer.said); tries += 1) {
    if (await isOn(where, disks, roots, signal)) return;
    await pause(mountPause, undefined, { signal }).catch(() => undefined);
    answer = await mount();
  }
  if (answer.code !== 0 && !(await isOn(where, disks, roots, signal))) {
    const now = (await probe(at, patience.others, signal).catch(() => undefined))?.uuid;
    const other =
      uuid !== undefined && now !== undefined && now !== uuid ? `; its UUID is ${now}, not ${uuid}` : "";
    throw refused(doing, `${answer.said}${other}`, "dmesg | tail tells more");
  }
  if (!(await isOn(where, disks, roots, signal)))
    throw refused(doing, "something else is mounted there", `findmnt ${where}`);
}

/** Of a bind mount only what belongs to the mount can be set. */
function isFlag(option: string): boolean {
  return /^(ro|rw|no(suid|dev|exec|atime|diratime|symfollow)|relatime|strictatime)$/.test(option);
}

/** Whether what is on top at a place rests on these disks, as the kernel shows it. */
async function isOn(
  where: string,
  disks: ReadonlyMap<string, string>,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<boolean> {
  const there = await mountedAt(where, roots);
  if (there === undefined) return false;
  const own = new Set<string>();
  for (const disk of disks.keys()) own.add((await numberAt(disk, roots.sys)) ?? "");
  const { all } = await presentDevices(roots, signal);
  const source = await numberAt(there.source, roots.sys);
  const number = there.superblock.startsWith("0:") ? source : there.superblock;
  const device = all.devices.find((one) => one.number === number);
  return device !== undefined && own.has(device.partOf ?? device.number);
}

async function partitionOf(
  disk: string,
  partition: number,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<string> {
  const number = await numberAt(disk, roots.sys);
  const { all } = await presentDevices(roots, signal);
  const parent = all.devices.find((one) => one.number === number)?.name ?? "";
  const found = all.devices.find(
    (one) =>
      one.partOf === number && [`${partition}`, `p${partition}`].includes(one.name.slice(parent.length)),
  );
  if (found === undefined) throw refused(`find partition ${partition} of ${disk}`, "the disk has none such");
  return path.join(roots.dev, found.name);
}

function refused(doing: string, found: string, remedy?: string): BackupError {
  return new BackupError({ kind: "refused", doing, found, ...(remedy === undefined ? {} : { remedy }) });
}
