/** A document as JSON has it. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What the documents of `policies/` leave open. */
export interface PolicyPlace {
  /** `aws`, `aws-cn` or `aws-us-gov`; an expression of a template may stand for it, as for all of these. */
  readonly partition: string;
  /** `*` is every Region. */
  readonly region: string;
  readonly account: string;
  /** Of the metrics. */
  readonly namespace?: string;
  /** ARNs of the topics that are told; none: those of the name `ec2-backup`. */
  readonly topics: readonly string[];
  /** ARNs of the keys that may be used; none: all keys of the account, through the service alone. */
  readonly keys: readonly string[];
  /** How many days a lock may last. */
  readonly lockDays?: number;
  /** The bucket of a repository, and the path in it: `bucket/path`. */
  readonly bucket?: string;
}

/** The partition that a Region lies in. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

/** Where a document says something of a topic, which has no pattern that is any good. */
export function namesTopic(document: Json): boolean {
  return textsIn(document).some((text) => text === anyTopic);
}

const anyTopic = "arn:*:sns:*:*:ec2-backup";
/** Of whatever account: where it is, the place does not say. */
const anyRole = "arn:*:iam::*:role/ec2-backup-sweep";
const anyKey = "arn:*:kms:*:*:key/*";
const anyBucket = "arn:*:s3:::ec2-backup-repository";

/** Whether a document says something of a bucket, which has no pattern either. */
export function namesBucket(document: Json): boolean {
  return textsIn(document).some((text) => text.startsWith(anyBucket));
}

/** The bucket itself has no path; what lies in it has. */
function inBucket(text: string, bucket: string): string {
  const rest = text.slice(anyBucket.length);
  const [name = ""] = bucket.split("/");
  return `arn:*:s3:::${rest === "" ? name : bucket.replace(/\/+$/, "") + rest}`;
}

/** The document for one account: its patterns narrowed to partition, Region and account. */
export function fillPolicy(document: Json, place: PolicyPlace): Json {
  if (typeof document === "string") return one(fillText(document, place));
  if (isList(document)) {
    const filled = document.flatMap((each) =>
      typeof each === "string" ? fillText(each, place) : [fillPolicy(each, place)],
    );
    return filled;
  }
  if (typeof document !== "object" || document === null) return document;
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, member(key, value, place)]));
}

/** Some condition keys have values that are no ARNs. */
function member(key: string, value: Json, place: PolicyPlace): Json {
  const { account, lockDays, namespace } = place;
  if (key === "cloudwatch:namespace") return namespace ?? value;
  if (key === "aws:SourceAccount") return account;
  if (key === "ec2:SnapshotLockDuration" && lockDays !== undefined) return String(lockDays);
  return fillPolicy(value, place);
}

function fillText(text: string, place: PolicyPlace): string[] {
  if (text === anyTopic && place.topics.length > 0) return [...place.topics];
  if (text === anyKey && place.keys.length > 0) return [...place.keys];
  if (text === anyRole) return [text.replace("*", place.partition)];
  const service = /^(ec2|sns)\.(?:(\?\*|\*)\.)?amazonaws\.com\*$/.exec(text);
  if (service !== null) return hosts(service[1] ?? "", service[2], place);
  if (text.startsWith(anyBucket) && place.bucket !== undefined) {
    const { bucket, ...rest } = place;
    return fillText(inBucket(text, bucket), rest);
  }
  if (!text.startsWith("arn:*:")) return [text];
  // Of whose instance a point is, only the account says.
  const [arn = "", , name = "", region = "", account = "", ...rest] = text.split(":");
  return [
    [
      arn,
      place.partition,
      name,
      region === "*" ? place.region : region,
      account === "*" ? place.account : account,
      ...rest,
    ].join(":"),
  ];
}

/** Services of the Regions in China are written with and without the ending of their own. */
function hosts(service: string, where: string | undefined, { partition, region }: PolicyPlace): string[] {
  // `?*` is every Region also where the rest is of one: a copy is made in another.
  const regional = where === undefined ? "" : `${where === "*" ? region : where}.`;
  const host = `${service}.${regional}amazonaws.com`;
  if (/^aws(-us-gov)?$/.test(partition)) return [host];
  return partition === "aws-cn" ? [host, `${host}.cn`] : [`${host}*`];
}

function one(texts: readonly string[]): Json {
  const [first = ""] = texts;
  return texts.length === 1 ? first : texts;
}

function isList(document: Json): document is readonly Json[] {
  return Array.isArray(document);
}

function textsIn(document: Json): string[] {
  if (typeof document === "string") return [document];
  if (typeof document !== "object" || document === null) return [];
  return Object.values(document).flatMap(textsIn);
}
