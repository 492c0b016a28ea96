import type { FoundImage } from "./image-ports.ts";
import { type ImageInterval, seriesOf } from "./job.ts";
import { periodCounter } from "./periods.ts";
import { tagKeys } from "./point-tags.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import { offsetAt } from "./zone.ts";

/** Whose images are meant: a job on an instance. */
export interface ImageOwner {
  readonly instanceId: string;
  readonly instanceArn: string;
  readonly job: string;
}

const day = 86_400_000;

/** The calendar period of an instant: `daily 2026-11-21`, `weekly 2026-11-16` (its Monday), `monthly 2026-11`, `yearly 2026`. */
export function periodOf(every: ImageInterval, zone: string, instant: Date): string {
  const local = instant.getTime() + offsetAt(zone, instant.getTime());
  const monday = periodCounter(zone)("weekly", instant) * 7 - 3;
  const date = new Date(every === "weekly" ? monday * day : local).toISOString();
  const length = { daily: 10, weekly: 10, monthly: 7, yearly: 4 }[every];
  return `${every} ${date.slice(0, length)}`;
}

const longestName = 128;

/** So many images of one period may have failed, or names be taken by others, before a run gives up. */
export const mostNames = 20;

/**
 * The name of the image of a period, the nth that is tried: the same for ever, so that a request that is sent again is
 * refused. EC2 allows 3 to 128 of certain characters.
 */
export function imageNameOf({ instanceId, job }: ImageOwner, period: string, nth: number): string {
  const head = `ec2-backup ${instanceId} `;
  const tail = ` ${period}${nth === 1 ? "" : ` (${nth})`}`;
  const room = longestName - head.length - tail.length;
  const plain = job.replace(/[^A-Za-z0-9()[\] ./\-'@_]/g, "_");
  if (plain === job && job.length <= room) return `${head}${job}${tail}`;
  return `${head}${plain.slice(0, room - 17)}-${digestOf(job)}${tail}`;
}

/** FNV-1a, 64 bits: names of jobs that read the same when cut stay apart. */
function digestOf(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const unit of text)
    hash = BigInt.asUintN(64, (hash ^ BigInt(unit.codePointAt(0) ?? 0)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}

/**
 * Whether an image was made by this job on this instance, for the point that it names. Tags alone prove nothing, since
 * a copy of an image can have them all: but EC2 tells the instance of those only that CreateImage has made, and no
 * two images of an account have one name.
 */
export function isOwnImage(image: FoundImage, owner: ImageOwner): boolean {
  const { tags, source, name } = image;
  const period = tags[tagKeys.image];
  if (period === undefined || (tags[tagKeys.point] ?? "") === "") return false;
  const names = Array.from({ length: mostNames }, (_, index) => imageNameOf(owner, period, index + 1));
  return (
    source === owner.instanceId &&
    tags[tagKeys.instance] === owner.instanceArn &&
    tags[tagKeys.series] === seriesOf(owner.job, owner.instanceArn) &&
    names.includes(name)
  );
}

/** States that an image never leaves for `available`. */
export function isBroken(state: string): boolean {
  return ["failed", "error", "invalid", "deregistered"].includes(state);
}

/** What a run does about the image of the present period. */
export type ImageDecision =
  | { readonly period: string; readonly make: true }
  | { readonly period: string; readonly make: false; readonly point: string; readonly image?: string };

/**
 * Decides whether an image is to be made: none of the period is there that has not failed. `points` are those of
 * images of the series, `images` its own images, of which some may have no point that is listed yet. `now` is EC2's clock.
 */
export function decideImage(
  every: ImageInterval,
  zone: string,
  now: Date,
  points: readonly RecoveryPoint[],
  images: readonly FoundImage[],
): ImageDecision {
  const period = periodOf(every, zone, now);
  // Of one that was made for a period of another length the instant counts.
  const serves = (made: string | undefined, at: Date) =>
    made?.startsWith(`${every} `) === true ? made === period : periodOf(every, zone, at) === period;
  const image = images.find(
    ({ tags, created, state }) => !isBroken(state) && serves(tags[tagKeys.image], created),
  );
  if (image !== undefined)
    return { period, make: false, point: image.tags[tagKeys.point] ?? "", image: image.id };
  const point = points.find((one) => one.state !== "failed" && serves(one.image?.period, one.captured));
  return point === undefined ? { period, make: true } : { period, make: false, point: point.id };
}

/**
 * The points of a series' images with what is known of these. An image that failed makes its point a failed one, and
 * one without any snapshot has a point all the same, since it must be cleaned up too.
 */
export function withImages(
  points: readonly RecoveryPoint[],
  images: readonly FoundImage[],
): readonly RecoveryPoint[] {
  const byPoint = new Map(images.map((image) => [image.tags[tagKeys.point] ?? "", image]));
  const listed = new Set(points.map(({ id }) => id));
  const known = points.map((point): RecoveryPoint => {
    const image = byPoint.get(point.id);
    if (image === undefined || point.image === undefined) return point;
    const told = { ...point, image: { ...point.image, id: image.id, state: image.state } };
    return isBroken(image.state) ? { ...told, state: "failed" } : told;
  });
  return [...known, ...images.filter((one) => !listed.has(one.tags[tagKeys.point] ?? "")).map(pointOf)];
}

/** The point of an image none of whose snapshots is listed. */
function pointOf({ id, state, created, tags }: FoundImage): RecoveryPoint {
  return {
    id: tags[tagKeys.point] ?? "",
    run: tags[tagKeys.run] ?? "",
    job: tags[tagKeys.job] ?? "",
    series: tags[tagKeys.series] ?? "",
    instanceArn: tags[tagKeys.instance] ?? "",
    state: isBroken(state) ? "failed" : "pending",
    captured: created,
    consistency: "crash",
    snapshots: [],
    recipe: [],
    holds: [],
    image: { period: tags[tagKeys.image] ?? "", id, state },
  };
}
