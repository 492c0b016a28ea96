import type { Tags } from "../core/instance.ts";
import { quoted } from "./fault.ts";

// EC2's tag keys and filters are case-sensitive, so the spellings that are read are a fixed list.
export const backupSpellings = ["Backup", "backup", "BACKUP"] as const;
export const retentionSpellings = ["Retention", "retention", "RETENTION"] as const;
export const scheduleSpellings = ["Schedule", "schedule"] as const;
export const copySpellings = ["Copy_Dest", "Auto_Snapshot_Copy1", "SnapshotsExtraRegion1"] as const;

const all: readonly (readonly string[])[] = [
  backupSpellings,
  retentionSpellings,
  scheduleSpellings,
  copySpellings,
];

/** A tag that is there, in one of the spellings asked for. */
export interface SpelledTag {
  readonly key: string;
  readonly value: string;
}

/** The tags that are there in any of the spellings, in the order of the spellings. */
export function spelled(tags: Tags, spellings: readonly string[]): SpelledTag[] {
  return spellings.flatMap((key) => {
    const value = Object.hasOwn(tags, key) ? tags[key] : undefined;
    return value === undefined ? [] : [{ key, value }];
  });
}

/** A warning for each tag that is one of ours but for upper and lower case, and therefore not read. */
export function misspelled(tags: Tags): string[] {
  return Object.keys(tags).flatMap((key) => {
    const spellings = all.find((list) => list.some((name) => name.toLowerCase() === key.toLowerCase()));
    if (spellings === undefined || spellings.includes(key)) return [];
    return [`the tag ${quoted(key)} is not read: tag keys are case-sensitive, write ${spellings[0]}`];
  });
}
