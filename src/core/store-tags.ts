import { tagKeys } from "./point-tags.ts";
import { type Consistency, formatPolicy, type RetentionPolicy } from "./retention-policy.ts";

/** The keys of the tags that only snapshots of a repository have; the others are those of EC2 snapshots. */
export const storedKeys = {
  content: "ec2-backup:content",
  dump: "ec2-backup:dump",
  kind: "ec2-backup:kind",
  /** Of a marker: the snapshot that is not whole. */
  partialOf: "ec2-backup:partial-of",
} as const;

/** What a point of a repository holds: the files of a job, or one of its dumps. */
export type StoredSubject =
  | { readonly content: "files" }
  | { readonly content: "dump"; readonly dump: string; readonly kind: string };

/** What is true of a stored point when it is saved. */
export interface StoredBirth {
  readonly pointId: string;
  readonly runId: string;
  /** The job's name. */
  readonly job: string;
  /** The instance's ARN, or `host/<name>` outside EC2. */
  readonly instanceArn: string;
  readonly name?: string;
  readonly retention: RetentionPolicy;
  readonly consistency: Consistency;
  readonly version: string;
  readonly subject: StoredSubject;
  /** The tags of the configuration. */
  readonly tags: readonly string[];
}

/** The line of points that one policy thins: `<arn>/<job>/files` or `<arn>/<job>/dump/<name>`. */
export function storedSeries(instanceArn: string, job: string, subject: StoredSubject): string {
  return `${instanceArn}/${job}/${memberOf(subject)}`;
}

/** What stands for the volume in a stored point: `files` or `dump/<name>`. */
export function memberOf(subject: StoredSubject): string {
  return subject.content === "files" ? "files" : `dump/${subject.dump}`;
}

/** The tags of a stored point, as they are handed to the store, which encodes them. */
export function storedTags(birth: StoredBirth): readonly string[] {
  const { subject, name } = birth;
  const own: (readonly [string, string])[] = [
    [tagKeys.point, birth.pointId],
    [tagKeys.run, birth.runId],
    [tagKeys.job, birth.job],
    [tagKeys.series, storedSeries(birth.instanceArn, birth.job, subject)],
    [tagKeys.instance, birth.instanceArn],
    ...(name === undefined || name === "" ? [] : [[tagKeys.name, name] as const]),
    [tagKeys.retention, formatPolicy(birth.retention)],
    [tagKeys.consistency, birth.consistency],
    [tagKeys.version, birth.version],
    [storedKeys.content, subject.content],
    ...(subject.content === "dump"
      ? ([
          [storedKeys.dump, subject.dump],
          [storedKeys.kind, subject.kind],
        ] as const)
      : []),
  ];
  return [...own.map(([key, value]) => tag(key, value)), ...birth.tags.filter((one) => !isOwn(one))];
}

/** One tag of ours, as asked for in a listing. */
export function tag(key: string, value: string): string {
  return `${key}=${value}`;
}

/** Ours are those that begin so; nobody else's may. */
export function isOwn(one: string): boolean {
  return one.startsWith("ec2-backup:");
}

/** Our tags by their keys. The first of several of one key counts: no later one can change what it says. */
export function ownTags(tags: readonly string[]): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const one of tags.filter(isOwn)) {
    const at = one.indexOf("=");
    if (at > 0) found[one.slice(0, at)] ??= one.slice(at + 1);
  }
  return found;
}

/**
 * A tag as restic stores it: restic splits the words that it is given at commas and takes spaces off their ends, and
 * knows no way to quote. What it would change is written as `%` and two hexadecimal digits for each byte.
 */
export function encodeTag(text: string): string {
  return text.replace(/[%,\p{Cc}]|^\s|\s$/gu, encodeURIComponent);
}

/** What {@link encodeTag} made of a tag; other people's tags stay as they are where they mean nothing to us. */
export function decodeTag(text: string): string {
  return text.replace(/%(?:[0-9A-F]{2})(?:%[0-9A-F]{2})*/g, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}
