import type { Volume } from "../core/instance.ts";
import { mapMounts } from "../core/map-mounts.ts";
import type { MountMap } from "../core/mount-map.ts";
import { codeOf } from "./atomic-file.ts";
import { type HostRoots, hostRoots, readBlockDevices } from "./block-devices.ts";
import { readHiddenMounts } from "./hidden-mounts.ts";
import { readMounts } from "./mounts.ts";

/**
 * Which mounts of this machine rest on which of the volumes. What cannot be read is a doubt of the map, since
 * a backup without a freeze needs none of this. Once the signal aborts, nothing is waited for: the file of a
 * loop device may be on a network filesystem whose server is gone.
 */
export async function readMountMap(
  volumes: readonly Volume[],
  roots: Partial<HostRoots> = {},
  signal?: AbortSignal,
): Promise<MountMap> {
  const all = { ...hostRoots, ...roots };
  try {
    const read = async (): Promise<MountMap> => {
      const entries = await readMounts(all.mountinfo);
      const hidden = await readHiddenMounts(entries, all.proc);
      const devices = await readBlockDevices([...entries, ...hidden], all, signal);
      return mapMounts(entries, devices, volumes, hidden);
    };
    return await Promise.race([read(), interruption(signal)]);
  } catch (error) {
    return {
      mounts: [],
      others: [],
      doubts: [`the mounts cannot be read: ${all.mountinfo}: ${codeOf(error)}`],
    };
  }
}

function interruption(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new Error("interrupted"));
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
  });
}
