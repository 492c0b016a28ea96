import { harmless } from "../core/harmless.ts";
import type { Tags } from "../core/instance.ts";
import { temporaryTag } from "../core/temporary-tag.ts";
import { backupSpellings, spelled } from "./tag-spellings.ts";

/** What the Backup tag of an instance or a volume says. */
export interface BackupTag {
  /** Absent if there is no such tag. */
  readonly take?: boolean;
  /** The tag that decided, such as `Backup=no`. */
  readonly tag?: string;
  readonly warnings: readonly string[];
}

const yes = new Set(["yes", "true", "on", "1"]);
const no = new Set(["no", "false", "off", "0"]);

/** Reads the Backup tag in all its spellings. In doubt it is read as a wish for a backup, with a warning. */
export function readBackupTag(tags: Tags): BackupTag {
  const found = spelled(tags, backupSpellings).map(({ key, value }) => {
    const word = value.trim().toLowerCase();
    return {
      tag: `${key}=${harmless(value.trim())}`,
      take: !no.has(word),
      known: yes.has(word) || no.has(word),
    };
  });
  const warnings = found
    .filter(({ known }) => !known)
    .map(({ tag }) => `the tag "${tag}" says neither yes nor no: taken as yes`);
  const [first] = found;
  if (first === undefined) return { warnings };
  const taking = found.find(({ take }) => take);
  if (taking !== undefined && found.some(({ take }) => !take)) {
    const all = found.map(({ tag }) => `"${tag}"`).join(" and ");
    warnings.push(`the tags ${all} contradict each other: taken as yes`);
  }
  const { take, tag } = taking ?? first;
  return { take, tag, warnings };
}

/**
 * The tag that leaves a volume out of every backup, such as `Backup=no`, if it has one. A copy that somebody looks into
 * has the tags of the original, and is no data of this instance.
 */
export function leftOutByTags(tags: Tags): string | undefined {
  if (Object.hasOwn(tags, temporaryTag)) return temporaryTag;
  const { take, tag } = readBackupTag(tags);
  return take === false ? tag : undefined;
}
