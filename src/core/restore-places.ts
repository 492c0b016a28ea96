import type { FoundFilesystem } from "./restore-ports.ts";

/** Where a filesystem is to be mounted. */
export interface PlannedMount {
  readonly filesystem: FoundFilesystem;
  readonly where: string;
}

/**
 * One filesystem is mounted at the directory itself, several in directories below it: each named by its label where
 * it has one of its own, else by the volume that was captured and its partition.
 */
export function placesFor(
  filesystems: readonly FoundFilesystem[],
  directory: string,
  /** The volumes that were captured, by the disks of their copies. */
  volumes: ReadonlyMap<string, string>,
): readonly PlannedMount[] {
  const [only, ...more] = filesystems;
  if (only !== undefined && more.length === 0) return [{ filesystem: only, where: directory }];
  const base = directory.replace(/\/+$/, "");
  const used = new Set<string>();
  return filesystems.map((filesystem) => {
    const name = free(nameOf(filesystem, filesystems, volumes), used);
    used.add(name);
    return { filesystem, where: `${base}/${name}` };
  });
}

function nameOf(
  { label, partition, disks, path }: FoundFilesystem,
  all: readonly FoundFilesystem[],
  volumes: ReadonlyMap<string, string>,
): string {
  const plain = label !== undefined && /^[\w][\w.+-]{0,63}$/.test(label);
  if (plain && all.filter((one) => one.label === label).length === 1) return label;
  const volume = disks.map((disk) => volumes.get(disk)).find((one) => one !== undefined);
  const part = partition === undefined ? "" : `-part${partition}`;
  return `${volume ?? path.slice(path.lastIndexOf("/") + 1)}${part}`;
}

function free(name: string, used: ReadonlySet<string>): string {
  if (!used.has(name)) return name;
  for (let count = 2; ; count += 1) if (!used.has(`${name}-${count}`)) return `${name}-${count}`;
}
