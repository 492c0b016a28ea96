import { realpath } from "node:fs/promises";
import path from "node:path";
import type { BlockDevice } from "../core/block-device.ts";
import { BackupError } from "../core/errors.ts";
import { madeFrom, mountsOn } from "../core/resting.ts";
import { askProgram, told } from "./ask-program.ts";
import { type HostRoots, numberAt } from "./block-devices.ts";
import { readHiddenMounts } from "./hidden-mounts.ts";
import { mountedAt } from "./mount-clone.ts";
import { holdersOf } from "./mount-holders.ts";
import type { MountRecords } from "./mount-records.ts";
import { readMounts } from "./mounts.ts";
import { presentDevices } from "./present-devices.ts";
import { patience } from "./probe-signatures.ts";
import { systemProgram } from "./system-path.ts";
import { whileBusy } from "./while-busy.ts";

interface Ground {
  readonly roots: HostRoots;
  readonly records: MountRecords;
}

/** Unmounts; where nothing is mounted, that is success. Fails as `refused` and names who uses it. */
export async function unmountAt(
  place: string,
  { roots, records }: Ground,
  signal: AbortSignal,
): Promise<void> {
  const real = await realpath(place).catch(() => place);
  const where = (await mountedAt(real, roots)) === undefined ? place : real;
  const isThere = async () => (await mountedAt(where, roots)) !== undefined;
  if (await isThere()) {
    const answer = await whileBusy(
      () => askProgram("umount", ["-i", where], { timeout: patience.tool, signal }),
      // The kernel closes files of a process that was killed a little after it is gone (those of io_uring).
      async ({ said }) =>
        /busy/.test(said) && (await isThere()) && (await holdersOf(where, roots)).length === 0,
    );
    if (answer.code !== 0 && (await isThere())) {
      const holders = await holdersOf(where, roots);
      const who = holders.length === 0 ? answer.said : `it is used by ${holders.slice(0, 8).join(", ")}`;
      const remedy = "end them, then try again; it is never unmounted by force";
      throw new BackupError({ kind: "refused", doing: `unmount ${where}`, found: who, remedy });
    }
  }
  await records.undo(where);
}

/**
 * Unmounts all that rests on the disk and takes apart what was put together of it, as the kernel shows it now and
 * whoever did it: it goes by nothing that a dead process could have failed to note. What is gone already is
 * success, so that it can be called again after any death.
 */
export async function releaseDisk(disk: string, ground: Ground, signal: AbortSignal): Promise<void> {
  const { roots } = ground;
  const number = await numberAt(disk, roots.sys);
  if (number === undefined) return;
  const own = new Set([number]);
  // Mounts may lie below each other; each round sees what the last one has left.
  for (let left = 64; left > 0; left--) {
    const present = await presentDevices(roots, signal);
    const [top] = mountsOn(own, present.entries, present.all);
    if (top === undefined) break;
    await unmountAt(top.path, ground, signal);
  }
  await refuseHidden(disk, own, roots, signal);
  const { all } = await presentDevices(roots, signal);
  const above = madeFrom(own, all.devices);
  for (const device of above.toReversed()) await takeApart(device, roots, signal);
  const options = { timeout: patience.tool, signal };
  const whole = all.devices.filter(
    (one) => one.number === number || (one.partOf === number && above.includes(one)),
  );
  for (const one of whole) {
    const at = path.join(roots.dev, one.name);
    if ((await systemProgram("btrfs")) !== undefined)
      await askProgram("btrfs", ["device", "scan", "--forget", at], options).catch(() => undefined);
    await askProgram("blockdev", ["--flushbufs", at], options).catch(() => undefined);
    await askProgram("blockdev", ["--setrw", at], options).catch(() => undefined);
  }
  // Of a disk that is really one they go with it.
  if (whole.some(({ file, number: one }) => file !== undefined && one === number))
    await askProgram("partx", ["--delete", disk], options).catch(() => undefined);
}

/** What another mount namespace still has mounted keeps the disk, though nothing here shows it. */
async function refuseHidden(
  disk: string,
  own: ReadonlySet<string>,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<void> {
  const hidden = await readHiddenMounts(await readMounts(roots.mountinfo), roots.proc);
  if (hidden.length === 0) return;
  const { all } = await presentDevices(roots, signal, hidden);
  const held = new Set(mountsOn(own, hidden, all));
  const who = hidden.filter((one) => held.has(one)).map((one) => `${one.by} at ${one.path}`);
  if (who.length === 0) return;
  throw new BackupError({
    kind: "refused",
    doing: `let go of ${disk}`,
    found: `it is still mounted in mount namespaces of their own by ${who.slice(0, 8).join(", ")}`,
    remedy: "end these processes or restart their services, then try again",
  });
}

async function takeApart(
  { mapped, level, name }: BlockDevice,
  { dev }: HostRoots,
  signal: AbortSignal,
): Promise<void> {
  const options = { timeout: patience.tool, signal };
  const remedy = `lsblk ${path.join(dev, name)} shows what still rests on it`;
  if (mapped !== undefined) await told("dmsetup", ["remove", "--retry", mapped.name], options, remedy);
  else if (level !== undefined) await told("mdadm", ["--stop", path.join(dev, name)], options, remedy);
}
