import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { identify } from "../core/disk-identity.ts";
import { BackupError } from "../core/errors.ts";
import type { Volume } from "../core/instance.ts";
import type { HostRoots } from "./block-devices.ts";
import { presentDevices } from "./present-devices.ts";
import { within } from "./within.ts";

/** Milliseconds between two looks. */
const look = 250;

/**
 * Waits until the disk of an attached volume is there and has its size: its path. Known by its serial number, or
 * by a link that was made of that; under Xen, where disks say nothing, by the name of its attachment. Two disks
 * that say the same are believed neither. Milliseconds; fails as `not-found` only if no disk says that it is the
 * volume: `refused` where several do, `unreachable` where the kernel does not say in time.
 */
export async function diskOfVolume(
  volume: { readonly id: string; readonly device: string },
  deadline: number,
  roots: HostRoots,
  signal: AbortSignal,
): Promise<string> {
  const doing = `find the disk of ${volume.id}`;
  const until = performance.now() + deadline;
  for (;;) {
    if (signal.aborted) throw new BackupError({ kind: "interrupted", doing, found: "it was told to stop" });
    // A look that hangs is a look that finds nothing.
    // On a busy machine one takes seconds: more than lsblk(8) may.
    const left = Math.max(2 * roots.lsblkDeadline, until - performance.now());
    const seen = await within(left, lookFor(volume, roots, signal), silent);
    if ("path" in seen) return seen.path;
    if (performance.now() >= until) throw absent(doing, volume, seen, deadline);
    await pause(Math.min(look, deadline), undefined, { signal }).catch(() => undefined);
  }
}

/** Why no disk was found. Without a kind none says that it is the volume. */
interface Doubt {
  readonly kind?: "not-found" | "refused" | "unreachable";
  readonly because?: string;
}

const silent: Doubt = { kind: "unreachable", because: "the kernel does not say which disks are here" };

async function lookFor(
  volume: { readonly id: string; readonly device: string },
  roots: HostRoots,
  signal: AbortSignal,
): Promise<{ readonly path: string } | Doubt> {
  const { all } = await presentDevices(roots, signal);
  const { of, doubts } = identify(all.devices, [asAttached(volume)]);
  const found = all.devices.filter((device) => {
    const identity = of.get(device.number);
    return device.partOf === undefined && identity !== undefined && "volume" in identity;
  });
  const [disk] = found;
  if (found.length === 1 && disk !== undefined) return { path: path.join(roots.dev, disk.name) };
  const doubt = doubts.find((one) => one.includes(volume.id));
  return doubt === undefined ? {} : { kind: "refused", because: doubt };
}

function absent(
  doing: string,
  { id, device }: { readonly id: string; readonly device: string },
  { kind = "not-found", because }: Doubt,
  deadline: number,
): BackupError {
  const name = path.basename(device).replace(/^sd/, "xvd");
  const found =
    because ?? `no disk says that it is ${id}, nor is there one called ${name}, after ${deadline / 1000} s`;
  const remedy = `lsblk -o NAME,SIZE,SERIAL shows the disks that are here; is ${id} attached to this instance?`;
  return new BackupError({ kind, doing, found, remedy });
}

/** Only what tells disks apart counts. */
function asAttached({ id, device }: { readonly id: string; readonly device: string }): Volume {
  return {
    id,
    device,
    root: false,
    sizeGiB: 0,
    type: "",
    encrypted: false,
    multiAttach: false,
    deleteOnTermination: false,
    attachment: "attached",
    tags: {},
  };
}
