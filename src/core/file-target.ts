import type { FoundFilesystem } from "./restore-ports.ts";
import { offsetAt } from "./zone.ts";

/** `x.from-2026-11-01-0300` beside `x`, in the time of the zone's clocks; absent for `/`, which has no beside. */
export function besideOf(path: string, captured: Date, zone: string): string | undefined {
  const whole = path.replace(/\/+$/, "");
  if (whole === "") return undefined;
  const local = new Date(captured.getTime() + offsetAt(zone, captured.getTime())).toISOString();
  return `${whole}.from-${local.slice(0, 10)}-${local.slice(11, 13)}${local.slice(14, 16)}`;
}

/**
 * What a copy is taken from, in words that are the same whenever it is asked for: a copy that was interrupted is
 * continued from there and from nowhere else. The device is another one each time, and so is the UUID of a btrfs,
 * of which clones get one of their own.
 */
export function sourceOf(
  point: string,
  snapshots: readonly string[],
  { type, uuid, label, partition }: FoundFilesystem,
): string {
  const own = type === "btrfs" ? label : uuid;
  const names = [
    ...snapshots.toSorted(),
    type,
    own,
    partition === undefined ? undefined : `partition ${partition}`,
  ];
  return [point, ...names.filter((one) => one !== undefined)].join(", ");
}
