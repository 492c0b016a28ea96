import { type CopyTarget, targetsOfTag } from "./copy-target.ts";
import { tagKeys } from "./point-tags.ts";
import type { Snapshot } from "./recovery-point.ts";
import { isCopy } from "./restore-copies.ts";
import { defaultRetention, parsePolicy, type RetentionPolicy } from "./retention-policy.ts";
import type { Stanza } from "./stanzas.ts";
import type { SweepInstance } from "./sweep-ports.ts";
import type { SweepCreateRules, TaggedRules } from "./sweep-settings.ts";

/** The newest point of an instance, of whatever job. */
export interface NewestPoint {
  readonly captured: Date;
  readonly job: string;
  /** As it is recorded; absent where it is not. */
  readonly policy?: RetentionPolicy | "unreadable";
  /** Where it is to be copied to, as it is recorded. */
  readonly copy?: readonly CopyTarget[];
}

/** What instances have been captured lately, by ARN. A set that failed holds nothing; one that is pending may yet. */
export function newestPoints(snapshots: readonly Snapshot[]): ReadonlyMap<string, NewestPoint> {
  const newest = new Map<string, Snapshot>();
  for (const one of snapshots) {
    if (one.state === "error" || isCopy(one)) continue;
    const arn = one.tags[tagKeys.instance] ?? "";
    const before = newest.get(arn);
    if (before === undefined || before.startTime < one.startTime) newest.set(arn, one);
  }
  return new Map([...newest].map(([arn, one]) => [arn, newestOf(one)]));
}

function newestOf({ startTime, tags }: Snapshot): NewestPoint {
  const recorded = tags[tagKeys.retention];
  const policy = recorded === undefined ? undefined : (parsePolicy(recorded) ?? "unreadable");
  const copy = typeof policy === "object" ? (targetsOfTag(tags, policy) ?? []) : [];
  return {
    captured: startTime,
    job: tags[tagKeys.job] ?? "default",
    ...(policy === undefined ? {} : { policy }),
    ...(copy.length === 0 ? {} : { copy }),
  };
}

/** An instance that nobody has backed up in time, with the series and the policy of the point that it is to get. */
export interface Overdue {
  readonly instance: SweepInstance;
  readonly job: string;
  readonly policy: RetentionPolicy;
  /** Absent where it has none. */
  readonly last?: Date;
  /** Where its last point is copied to: whoever captures in an agent's place must not end that. */
  readonly copy?: readonly CopyTarget[];
  /** Those that it comes under, where it is their frequency that makes it due. */
  readonly stanzas?: readonly Stanza[];
  /** Ids of volumes that none of these takes now. */
  readonly exclude?: readonly string[];
}

export interface CreateFacts {
  readonly instances: readonly SweepInstance[];
  readonly newest: ReadonlyMap<string, NewestPoint>;
  /** Ids of instances that the filters leave; absent where there are none. */
  readonly filtered?: ReadonlySet<string>;
  /** What the Backup tag of an instance says; absent where it has none. */
  readonly wished: (tags: SweepInstance["tags"]) => boolean | undefined;
  readonly tagged: (tags: SweepInstance["tags"]) => TaggedRules | "unreadable" | undefined;
}

/** The instances that are to be captured in place of their agents, the longest overdue first. */
export function planCreate(facts: CreateFacts, rules: SweepCreateRules, now: Date): readonly Overdue[] {
  const { instances, newest, filtered, wished, tagged } = facts;
  return instances
    .filter(({ state }) => state === "running" || state === "stopped")
    .filter(({ tags, volumes }) => wished(tags) ?? (rules.all && volumes.length > 0))
    .filter(({ id }) => filtered?.has(id) ?? true)
    .flatMap((instance): Overdue[] => {
      const last = newest.get(instance.arn);
      if (last !== undefined && now.getTime() - last.captured.getTime() <= rules.overdueAfter) return [];
      return [
        {
          instance,
          job: last?.job ?? "default",
          policy: policyFor(tagged(instance.tags), last?.policy, rules),
          ...(last === undefined ? {} : { last: last.captured }),
          ...(last?.copy && { copy: last.copy }),
        },
      ];
    })
    .sort((a, b) => (a.last?.getTime() ?? 0) - (b.last?.getTime() ?? 0));
}

/**
 * The tag, else what its last point records, else the file. What cannot be read must not make it poorer: as long as it
 * is what the newest point records, nothing of the series goes, and that is so with a point that keeps everything, too.
 */
export function policyFor(
  tag: TaggedRules | "unreadable" | undefined,
  last: NewestPoint["policy"],
  { retention }: Pick<SweepCreateRules, "retention">,
): RetentionPolicy {
  const recorded = last === "unreadable" ? undefined : last;
  const { timezone, demanded, shrinkDelay } = recorded ?? defaultRetention;
  const whole = (rules: TaggedRules): RetentionPolicy => ({ ...rules, timezone, demanded, shrinkDelay });
  if (tag !== undefined && tag !== "unreadable") return whole(tag);
  if (last === "unreadable") return whole({ counts: {} });
  return recorded ?? (retention === undefined ? defaultRetention : whole(retention));
}
