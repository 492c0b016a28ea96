import { copyTag } from "./copy-target.ts";
import type { Tags } from "./instance.ts";
import { tagKeys } from "./point-tags.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { copiedFrom, copyKeys } from "./restore-copies.ts";

/** Of points that a sweep has captured by stanzas: their names. */
export const stanzaTag = "ec2-backup:stanza";

/** The keys that a sweep decides by, in an order of its own, so that equal ones make equal objects. */
const needed = [
  tagKeys.point,
  tagKeys.job,
  tagKeys.series,
  tagKeys.instance,
  tagKeys.name,
  tagKeys.group,
  tagKeys.retention,
  tagKeys.consistency,
  tagKeys.image,
  tagKeys.doomed,
  // Of points: where they are copied to, and what made them.
  copyTag,
  tagKeys.version,
  stanzaTag,
  "KeepForever",
  "DeleteOn",
] as const;

/** Of copies, whose own volume and start time are not those of the capture. */
const ofCopies = [copiedFrom, ...Object.values(copyKeys), tagKeys.captured] as const;

/** Of the tags of a snapshot those that a sweep decides by: of a hundred thousand no more can be kept in mind. */
export function neededTags(tags: Tags, intern: (text: string) => string): Tags {
  const kept: Record<string, string> = {};
  const keep = (key: string): void => {
    const value = tags[key];
    if (value !== undefined) kept[key] = intern(value);
  };
  for (const key of needed) keep(key);
  if (tags[copiedFrom] !== undefined) for (const key of ofCopies) keep(key);
  for (let index = 1; tags[`${tagKeys.manifest}${index}`] !== undefined; index += 1)
    keep(`${tagKeys.manifest}${index}`);
  // What other services manage is known by these alone.
  for (const key of Object.keys(tags))
    if (key.startsWith("aws:backup:") || key.startsWith("aws:dlm:")) kept[intern(key)] = "";
  return kept;
}

/** The tags that the members of a point share, as far as any of them has them. */
export function tagOf({ snapshots }: RecoveryPoint, key: string): string | undefined {
  return snapshots.find(({ tags }) => tags[key] !== undefined)?.tags[key];
}

/** Since when a point is marked: the latest mark, if each of its members has one that can be read. */
export function doomedSince({ snapshots }: RecoveryPoint): Date | undefined {
  const marks = snapshots.map(({ tags }) => Date.parse(tags[tagKeys.doomed] ?? ""));
  if (marks.length === 0 || marks.some(Number.isNaN)) return undefined;
  return new Date(Math.max(...marks));
}

/** Whether any member has a mark, a spoilt one included. */
export function isMarked({ snapshots }: RecoveryPoint): boolean {
  return snapshots.some(({ tags }) => tags[tagKeys.doomed] !== undefined);
}
