import type { Tags } from "../core/instance.ts";
import { regionName } from "../core/region-name.ts";
import { type BackupTag, readBackupTag } from "./backup-tag.ts";
import { type Fault, quoted } from "./fault.ts";
import { scheduleTrouble } from "./readable.ts";
import { type RetentionRules, readRetention, retentionExamples } from "./retention-tag.ts";
import {
  copySpellings,
  misspelled,
  retentionSpellings,
  type SpelledTag,
  scheduleSpellings,
  spelled,
} from "./tag-spellings.ts";

/** A value from a tag, and the key of the tag, for the record. */
export interface Tagged<T> {
  readonly key: string;
  readonly value: T;
}

/**
 * What the instance's tags say about the job they govern. Tags are data: there is no way from a tag to a
 * command, to a path or to a looser safety limit.
 */
export interface TagOverlay {
  readonly backup: BackupTag;
  readonly retention?: Tagged<RetentionRules>;
  readonly schedule?: Tagged<string>;
  /** Regions that points are copied to beside those of the file. */
  readonly copy?: Tagged<readonly string[]>;
  /** Of tags that govern a job. A faulty tag counts for nothing. */
  readonly faults: readonly Fault[];
  /** Of all tags, the Backup tag included. */
  readonly warnings: readonly string[];
  /** The keys found of tags that govern a job, faulty ones included. */
  readonly governing: readonly string[];
}

/** Reads the instance's tags. Never throws. */
export function readTags(tags: Tags): TagOverlay {
  const backup = readBackupTag(tags);
  const retention = readOne(spelled(tags, retentionSpellings), retentionExamples, (text) => {
    const rules = readRetention(text);
    return "problem" in rules ? rules : { value: rules };
  });
  const schedule = readOne(spelled(tags, scheduleSpellings), scheduleExamples, (text) => {
    const problem = scheduleTrouble(text);
    return problem === undefined ? { value: text.trim() } : { problem };
  });
  const copy = readOne(spelled(tags, copySpellings), copyExamples, readRegions);
  return {
    backup,
    ...(retention.tagged && { retention: retention.tagged }),
    ...(schedule.tagged && { schedule: schedule.tagged }),
    ...(copy.tagged && { copy: copy.tagged }),
    faults: [...retention.faults, ...schedule.faults, ...copy.faults],
    warnings: [...backup.warnings, ...misspelled(tags)],
    governing: spelled(tags, [...retentionSpellings, ...scheduleSpellings, ...copySpellings]).map(
      ({ key }) => key,
    ),
  };
}

const scheduleExamples = 'a cron expression such as "0 2 * * *" or a period such as "every 12h"';

const copyExamples = "Regions such as eu-west-1, us-east-1";

/** Split by blanks or commas. An empty tag names none, as another tool leaves it that copies nowhere. */
function readRegions(text: string): ReturnType<Read<readonly string[]>> {
  const regions = [...new Set(text.split(/[\s,]+/).filter((word) => word !== ""))];
  const wrong = regions.find((one) => !regionName.test(one));
  return wrong === undefined ? { value: regions } : { problem: `${quoted(wrong)} is no Region` };
}

type Read<T> = (text: string) => { readonly value: T } | { readonly problem: string };

/** Reads a tag that may be there in several spellings; any that is unreadable or says something else is a fault. */
function readOne<T>(
  found: readonly SpelledTag[],
  expected: string,
  read: Read<T>,
): { tagged?: Tagged<T>; faults: Fault[] } {
  const faults: Fault[] = [];
  let tagged: Tagged<T> | undefined;
  for (const { key, value: text } of found) {
    const result = read(text);
    if ("problem" in result) {
      faults.push({ place: `tag ${key}`, path: "", expected, found: `${quoted(text)} (${result.problem})` });
    } else if (tagged === undefined) {
      tagged = { key, value: result.value };
    } else if (JSON.stringify(tagged.value) !== JSON.stringify(result.value)) {
      const place = `tag ${key}`;
      faults.push({ place, path: "", expected: `the same as the tag ${tagged.key}`, found: quoted(text) });
    }
  }
  // Of two spellings that disagree, neither can be known to be the one that was meant.
  return tagged !== undefined && faults.length === 0 ? { tagged, faults } : { faults };
}
