import type { MappedMount } from "../../src/core/mount-map.ts";

let minor = 0;

/** A mount of an ext4 of its own on volume `vol-1`, unless it is said otherwise. */
export function mapped(path: string, wish: Partial<MappedMount> = {}): MappedMount {
  return {
    path,
    filesystem: "ext4",
    superblock: `259:${minor++}`,
    root: "/",
    readOnly: false,
    stack: ["nvme1n1"],
    volumes: ["vol-1"],
    unknown: [],
    ...wish,
  };
}
