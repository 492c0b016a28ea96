import type { Tags } from "./instance.ts";

/** Tags that AWS made itself (`aws:`) are not copied and do not count. */
export function ownTags(tags: Tags): number {
  return Object.keys(tags).filter((key) => !key.startsWith("aws:")).length;
}

/** Tags that mean something on a snapshot: copied from a volume, they would hold or expire its every point. */
const meaningful = new Set(["KeepForever", "DeleteOn", "Type"]);

/**
 * What EC2 does where a copied tag and a given one share their key is not documented, so we avoid it. Tags of a
 * restored volume tell where it comes from; no point has such.
 */
export function hasClash(tags: Tags, extra: Tags): boolean {
  return Object.keys(tags).some(
    (key) => /^ec2-backup:(?!restore)/.test(key) || meaningful.has(key) || Object.hasOwn(extra, key),
  );
}
