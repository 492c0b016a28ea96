import path from "node:path";
import type { BlockDevice } from "../core/block-device.ts";
import { BackupError } from "../core/errors.ts";
import { madeFrom } from "../core/resting.ts";
import type { Signature } from "../core/signature.ts";
import { type HostRoots, numberAt } from "./block-devices.ts";
import { partitionsOf } from "./partitions.ts";
import { type Present, presentDevices } from "./present-devices.ts";
import { patience, probe, probeOthers } from "./probe-signatures.ts";

/** What was found on restored disks, and what of it is of no filesystem of its own. */
export interface Look {
  readonly present: Present;
  /** Numbers of the disks that were asked about, by path. */
  readonly numbers: ReadonlyMap<string, string>;
  readonly signatures: readonly Signature[];
  /** Of the devices that do not rest on these disks. */
  readonly others: readonly Signature[];
  /** Device numbers by path. */
  readonly numberOf: ReadonlyMap<string, BlockDevice>;
}

/** Looks at the disks and at what rests on them, as far as it is put together. */
export async function lookAt(disks: readonly string[], roots: HostRoots, signal: AbortSignal): Promise<Look> {
  const numbers = new Map<string, string>();
  for (const disk of disks) {
    const number = await numberAt(disk, roots.sys);
    if (number === undefined)
      throw new BackupError({ kind: "not-found", doing: `look at ${disk}`, found: "no such disk" });
    numbers.set(disk, number);
  }
  await partitionsOf(disks, roots, signal);
  const present = await presentDevices(roots, signal);
  const own = new Set(numbers.values());
  const above = madeFrom(own, present.all.devices);
  // In the order in which they were named, then what rests on them.
  const asked = [...own].flatMap((number) => present.all.devices.find((one) => one.number === number) ?? []);
  const ours = [...asked, ...above.filter((one) => !own.has(one.number))];
  const theirs = present.all.devices.filter((one) => !ours.includes(one));
  const at = (one: BlockDevice): string => path.join(roots.dev, one.name);
  const signatures = await Promise.all(ours.map((one) => probe(at(one), patience.probe, signal)));
  const others = await probeOthers(theirs, roots.dev, signal);
  return {
    present,
    numbers,
    signatures,
    others: [...others, ...mountedTwins(theirs, present, at)],
    numberOf: new Map(present.all.devices.map((one) => [at(one), one])),
  };
}

/**
 * The kernel's own account of btrfs filesystems that it has mounted: a disk that did not answer in time is none whose
 * clone may be mounted beside it.
 */
function mountedTwins(
  theirs: readonly BlockDevice[],
  { all }: Present,
  at: (device: BlockDevice) => string,
): readonly Signature[] {
  return all.pools.flatMap(({ uuid, members }) =>
    theirs
      .filter(({ number }) => members.includes(number))
      .map((one) => ({ path: at(one), type: "btrfs", uuid })),
  );
}
