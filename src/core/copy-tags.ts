import { type CopyTarget, copyTag } from "./copy-target.ts";
import type { Tags } from "./instance.ts";
import { maxTags, tagKeys } from "./point-tags.ts";
import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";
import { copiedFrom, copyKeys } from "./restore-copies.ts";
import { formatPolicy, type RetentionPolicy } from "./retention-policy.ts";

/** What is true of one copy at its birth. */
export interface CopyBirth {
  readonly point: RecoveryPoint;
  readonly source: Snapshot;
  /** The Region that the source is in. */
  readonly from: string;
  readonly target: CopyTarget;
  readonly policy: RetentionPolicy;
  /** Which try it is, from 1. */
  readonly attempt: number;
  /** The sweep that begins it, where that is not the instance's agent. */
  readonly by?: string;
}

/** Of the source alone: what a drill found of it, what a sweep has marked, and where it is copied to. */
const ofSource: ReadonlySet<string> = new Set([tagKeys.verified, tagKeys.doomed, copyTag]);

/** Of ours, what a restore can do without, the least needed first. */
const expendable: readonly string[] = [
  copyKeys.by,
  tagKeys.frozen,
  tagKeys.version,
  tagKeys.run,
  tagKeys.name,
];

/** Holds the copy as it holds its source, so it counts as ours. */
const holding = new Set(["KeepForever"]);

/**
 * The tags of a copy, which EC2 gives none of its own: those of its source, and what the copy is of. Over 50 the
 * user's go first, the last of the alphabet first, and ours that only people read only after all of them.
 */
export function tagsOfCopy(birth: CopyBirth): { readonly tags: Tags; readonly dropped: readonly string[] } {
  const { point, source, from, target, policy, attempt, by } = birth;
  const carried = Object.entries(source.tags).filter(
    ([key]) => !key.startsWith("aws:") && !ofSource.has(key) && !isMisleading(key, target),
  );
  const tags: Record<string, string> = {
    ...Object.fromEntries(carried),
    [copiedFrom]: source.id,
    [copyKeys.from]: from,
    [copyKeys.volume]: source.volumeId,
    // EC2's clock: the host's, which the source has there, may have been wrong.
    [tagKeys.captured]: point.captured.toISOString(),
    [tagKeys.retention]: formatPolicy(policy),
    ...(attempt > 1 ? { [copyKeys.attempt]: String(attempt) } : {}),
    ...(by === undefined ? {} : { [copyKeys.by]: by }),
  };
  const users = Object.keys(tags)
    .filter((key) => !isOurs(key))
    .sort();
  const order = [...users.reverse(), ...expendable.filter((key) => key in tags)];
  const dropped = order.slice(0, Math.max(0, Object.keys(tags).length - maxTags));
  for (const key of dropped) delete tags[key];
  return { tags, dropped };
}

function isOurs(key: string): boolean {
  return key.startsWith("ec2-backup:") || key === copiedFrom || holding.has(key);
}

/** Other tools delete by this date, which is that of the retention here. */
function isMisleading(key: string, { retention }: CopyTarget): boolean {
  return retention !== undefined && key === "DeleteOn";
}

/** `[Copied snap-… from eu-central-1] name (instance) - job`; EC2 allows 255 characters. */
export function descriptionOfCopy({ point, source, from }: CopyBirth): string {
  const whose = `${point.name ?? ""} (${point.instanceArn.replace(/^.*\//, "")}) - ${point.job}`.trim();
  return `[Copied ${source.id} from ${from}] ${whose}`.slice(0, 255).replace(/[\uD800-\uDBFF]$/, "");
}
