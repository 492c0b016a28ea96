import { hasClash, ownTags } from "./copied-tags.ts";
import type { Instance, Tags, Volume } from "./instance.ts";
import { type Job, seriesOf } from "./job.ts";
import type { UserDataFacts } from "./machine-recipe.ts";
import { machineTagsOf, wishesOf } from "./machine-tags.ts";
import {
  decodeManifest,
  encodeManifest,
  type MountHint,
  manifestKey,
  manifestValues,
  maxTagValue,
  recipeOf,
} from "./manifest.ts";
import { dateOf, holdsOf } from "./point-holds.ts";
import type { CaptureMarks } from "./ports.ts";
import {
  type Hold,
  mixtureOf,
  type RecoveryPoint,
  type Snapshot,
  sharedTags,
  stateOf,
} from "./recovery-point.ts";
import { consistencies, formatPolicy, parsePolicy } from "./retention-policy.ts";

/** EC2 allows this many tags on a snapshot. */
export const maxTags = 50;

/** The keys of our tags; IAM policies and other tools read them too. */
export const tagKeys = {
  point: "ec2-backup:point",
  run: "ec2-backup:run",
  job: "ec2-backup:job",
  series: "ec2-backup:series",
  instance: "ec2-backup:instance",
  name: "ec2-backup:name",
  /** The Auto Scaling group, of instances that are in one: nothing else tells it once they are gone. */
  group: "ec2-backup:group",
  captured: "ec2-backup:captured",
  retention: "ec2-backup:retention",
  consistency: "ec2-backup:consistency",
  frozen: "ec2-backup:frozen",
  version: "ec2-backup:version",
  /** Of the last drill of the point: when, and what came of it. Nothing ever goes by it. */
  verified: "ec2-backup:verified",
  /** Of the snapshots of an image, and of the image: the period that it was made for. */
  image: "ec2-backup:image",
  /** A sweep means to remove it later. */
  doomed: "ec2-backup:doomed",
  manifest: manifestKey,
} as const;

/** The tag that Auto Scaling gives to the instances of a group. */
export const groupKey = "aws:autoscaling:groupName";

/** What is true of a whole set at the moment of its capture. */
export interface Birth {
  readonly pointId: string;
  readonly runId: string;
  readonly job: Job;
  readonly instance: Instance;
  /** By the host's clock; only for people, since retention goes by EC2's start time. */
  readonly captured: Date;
  /** EC2's clock, by which other tools delete. */
  readonly asOf?: Date;
  readonly volumes: readonly Volume[];
  /** What is mounted of them, where the run has looked. */
  readonly mounts?: readonly MountHint[];
  /** Of the instance, as far as it could be read. */
  readonly userData?: UserDataFacts;
  readonly version: string;
  /** The period of an image, where this is one; tags of volumes cannot be copied then. */
  readonly image?: string;
  /** Where it is to be copied to, as a tag. */
  readonly copies?: Tags;
}

/** The tags of a set and what had to be left out of them. */
export interface PointTags {
  readonly tags: Tags;
  /** Whether EC2 can copy the tags of each volume beside ours. */
  readonly copyVolumeTags: boolean;
  /** What was dropped, in words for the report. */
  readonly dropped: readonly string[];
}

/**
 * The tags of a set. CreateSnapshots gives the same to every member. Counted before the call, since
 * one tag too many fails the whole set: over 50, first what was mounted where goes, without a word, since the
 * restore of a file then asks all volumes; then the hints of the recipe, the recipe of the machine, the user's extra
 * tags and the copy of the volumes' own tags.
 */
export function tagsOf(birth: Birth): PointTags {
  const recipe = birth.volumes.map((volume) => recipeOf(volume, birth.mounts));
  const identity = identityOf(birth);
  const sources = birth.image === undefined ? birth.volumes : [];
  const clash = sources.find((volume) => hasClash(volume.tags, birth.job.addTags));
  const copied = Math.max(0, ...sources.map((volume) => ownTags(volume.tags)));
  const { instance, job, userData } = birth;
  const machines = machineTagsOf({
    ...(instance.machine && { machine: instance.machine }),
    ...(userData && { userData }),
    recordUserData: job.recordUserData === true,
  });
  for (const { detail, machine, extra, copy } of wishesOf(machines)) {
    if (copy && clash !== undefined) continue;
    const tags = {
      ...(extra ? birth.job.addTags : {}),
      ...identity,
      ...manifestTags(encodeManifest(recipe, detail)),
      ...machine.tags,
    };
    const count = Object.keys(tags).length + (copy ? copied : 0);
    if (count > maxTags) continue;
    const dropped: string[] = [...machine.lost];
    if (detail === "ids") dropped.push("restore hints of the volumes (type, device, size)");
    if (!extra && Object.keys(birth.job.addTags).length > 0) dropped.push("the tags of tags.add");
    if (!copy)
      dropped.push(
        clash === undefined ? "the volumes' own tags" : `the volumes' own tags (${clash.id} has one of ours)`,
      );
    return { tags, copyVolumeTags: copy, dropped };
  }
  return { tags: identity, copyVolumeTags: false, dropped: ["the restore recipe", "every tag but our own"] };
}

function identityOf({
  pointId,
  runId,
  job,
  instance,
  captured,
  asOf,
  version,
  image,
  copies,
}: Birth): Record<string, string> {
  const tags: Record<string, string> = {
    [tagKeys.point]: pointId,
    [tagKeys.run]: runId,
    [tagKeys.job]: job.name,
    [tagKeys.series]: seriesOf(job.name, instance.arn),
    [tagKeys.instance]: instance.arn,
    [tagKeys.captured]: captured.toISOString(),
    [tagKeys.retention]: formatPolicy(job.retention),
    [tagKeys.consistency]: "crash",
    [tagKeys.version]: version,
    ...(image === undefined ? copies : { [tagKeys.image]: image }),
  };
  if (instance.name !== undefined && instance.name !== "")
    tags[tagKeys.name] = cut(instance.name, maxTagValue);
  const group = instance.tags[groupKey];
  if (group !== undefined) tags[tagKeys.group] = group;
  if (job.dialect === "seed2") {
    tags["Type"] = "Automated";
    // By EC2's clock or not at all: other tools would delete by a wrong date.
    if (asOf !== undefined) tags["DeleteOn"] = dateOf(asOf.getTime() + (job.retention.within ?? 0));
  }
  return tags;
}

function manifestTags(values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value, index) => [`${tagKeys.manifest}${index + 1}`, value]));
}

/** What is written on a set when the capture is over; until then it counts as crash-consistent. */
export function marksOf({ consistency, frozenMs }: CaptureMarks): Tags {
  return {
    [tagKeys.consistency]: consistency,
    ...(frozenMs === undefined ? {} : { [tagKeys.frozen]: String(frozenMs) }),
  };
}

/** `name (instance-id) - job - region`, as seed tools wrote it; EC2 allows 255 characters. */
export function descriptionOf(instance: Instance, job: string): string {
  const tail = ` (${instance.id}) - ${job} - ${instance.region}`;
  return `${cut(instance.name ?? "", 255 - tail.length)}${tail}`.trim();
}

/** Never cuts a character of two code units in half, of which no valid request could be made. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "");
}

/** How the tags of a point are read that are words of their own. */
export interface PointReader {
  readonly policy: typeof parsePolicy;
  readonly recipe: typeof decodeManifest;
}

const plainly: PointReader = { policy: parsePolicy, recipe: decodeManifest };

/**
 * Groups listed snapshots into points. Snapshots without our point tag, and those in the Recycle Bin,
 * are nobody's point. `asOf` is the clock of the listing.
 */
export function pointsOf(snapshots: readonly Snapshot[], asOf: Date, read = plainly): RecoveryPoint[] {
  const sets = new Map<string, Snapshot[]>();
  for (const snapshot of snapshots) {
    const id = snapshot.tags[tagKeys.point];
    if (id === undefined || snapshot.state === "recoverable" || snapshot.state === "recovering") continue;
    const set = sets.get(id);
    if (set === undefined) sets.set(id, [snapshot]);
    else set.push(snapshot);
  }
  return [...sets].map(([id, set]) => pointOf(id, set, asOf, read));
}

function pointOf(id: string, snapshots: readonly Snapshot[], asOf: Date, read: PointReader): RecoveryPoint {
  const tags = sharedTags(snapshots);
  const recipe = read.recipe(manifestValues(tags));
  const planned = recipe.map((volume) => volume.volumeId);
  const period = tags[tagKeys.image];
  const why = mixtureOf(snapshots, period !== undefined);
  const mixture: Hold[] =
    why === undefined ? [] : [{ by: "mixed", detail: `${why}; look at its tag ${tagKeys.point}` }];
  return {
    id,
    ...toldOf(tags, read),
    state: why === undefined ? stateOf(snapshots, planned) : "partial",
    captured: new Date(Math.min(...snapshots.map((one) => one.startTime.getTime()))),
    snapshots,
    recipe,
    holds: [...mixture, ...snapshots.flatMap((snapshot) => holdsOf(snapshot, asOf))],
    ...(period === undefined ? {} : { image: { period } }),
  };
}

/** What a point's tags tell of it, wherever it is kept. */
export function toldOf(
  tags: Tags,
  read = plainly,
): Pick<RecoveryPoint, "run" | "job" | "series" | "instanceArn" | "name" | "consistency" | "policy"> {
  const name = tags[tagKeys.name];
  const policy = tags[tagKeys.retention];
  return {
    run: tags[tagKeys.run] ?? "",
    job: tags[tagKeys.job] ?? "",
    series: tags[tagKeys.series] ?? "",
    instanceArn: tags[tagKeys.instance] ?? "",
    ...(name === undefined ? {} : { name }),
    consistency: consistencies.find((one) => one === tags[tagKeys.consistency]) ?? "crash",
    ...(policy === undefined ? {} : { policy: read.policy(policy) ?? "unreadable" }),
  };
}
