import { realpath } from "node:fs/promises";
import type { DirectoryOrder } from "../core/directory.ts";
import { mountsChanged, mountsRead } from "../core/directory-mounts.ts";
import type { DiskHost, Written } from "../core/directory-ports.ts";
import type { MountEntry } from "../core/mount-table.ts";
import { readMounts } from "./mounts.ts";

/** The mounts of this host whose files a copy of the directory reads. */
export async function mountsWithin(order: DirectoryOrder): Promise<readonly MountEntry[]> {
  const directory = await realpath(order.directory).catch(() => order.directory);
  // Where there are none to be read, none is missed.
  return mountsRead(directory, order, await readMounts().catch(() => []));
}

/**
 * The same host, whose copies are not whole where a mount has come or gone since: the empty directory that is left of one
 * that was unmounted is read, and compared, like any other.
 */
export function withMountsWatched(host: DiskHost, before: readonly MountEntry[]): DiskHost {
  const judged = async (written: Written, order: DirectoryOrder): Promise<Written> => {
    const changed = mountsChanged(before, await mountsWithin(order));
    return changed === undefined ? written : { ...written, problems: [...written.problems, changed] };
  };
  return {
    ...host,
    archive: async (disk, order, signal) => judged(await host.archive(disk, order, signal), order),
    mirror: async (disk, order, fresh, signal) =>
      judged(await host.mirror(disk, order, fresh, signal), order),
  };
}
