import type { CopyTarget } from "./copy-target.ts";
import type { Discovery, Tags } from "./instance.ts";
import type { Job } from "./job.ts";
import type { RecoveryPoint, Snapshot } from "./recovery-point.ts";
import { regionName } from "./region-name.ts";
import { isCopy } from "./restore-copies.ts";
import { copiesOf, isDue, jointPolicy, type Stanza, stanzasOf, volumesOf } from "./stanzas.ts";
import type { CreateFacts, Overdue } from "./sweep-create.ts";
import type { SweepInstance } from "./sweep-ports.ts";
import type { TaggedRules } from "./sweep-settings.ts";
import { stanzaTag, tagOf } from "./sweep-tags.ts";

/** The newest snapshot of ours of each volume, by its id. One that failed holds nothing; one that is pending may yet. */
export function newestOfVolumes(snapshots: readonly Snapshot[]): ReadonlyMap<string, Snapshot> {
  const newest = new Map<string, Snapshot>();
  for (const one of snapshots) {
    if (one.state === "error" || isCopy(one)) continue;
    const before = newest.get(one.volumeId);
    if (before === undefined || before.startTime < one.startTime) newest.set(one.volumeId, one);
  }
  return newest;
}

/**
 * The instances that are due by the stanzas that they come under: where any volume that a stanza takes is. Captured are
 * all volumes of the stanzas that are due, as one set. Instances that a tag leaves out are left out.
 */
export function planStanzas(
  { instances, newest, wished }: Pick<CreateFacts, "instances" | "newest" | "wished">,
  ofVolumes: ReadonlyMap<string, Snapshot>,
  stanzas: readonly Stanza[],
  now: Date,
): readonly Overdue[] {
  return instances.flatMap((instance): Overdue[] => {
    const all = stanzasOf(instance, stanzas);
    const policy = jointPolicy(all);
    if (policy === undefined || wished(instance.tags) === false) return [];
    const due = all.filter((one) =>
      volumesOf(instance, one).some((id) => isDue(one, ofVolumes.get(id)?.startTime, now)),
    );
    if (due.length === 0) return [];
    const taken = new Set(due.flatMap((one) => volumesOf(instance, one)));
    const last = newest.get(instance.arn);
    return [
      {
        instance,
        job: last?.job ?? "default",
        policy,
        stanzas: all,
        exclude: instance.volumes.filter((id) => !taken.has(id)),
        ...(last === undefined ? {} : { last: last.captured }),
        ...(last?.copy && { copy: last.copy }),
      },
    ];
  });
}

/** What stanzas say of the job that captures an instance: which volumes, where they are copied to, whose it is. */
export function stanzaWishes(
  { stanzas = [], exclude = [], copy }: Overdue,
  { instance, volumes }: Pick<Discovery, "instance" | "volumes">,
): Pick<Job, "addTags" | "volumes" | "copy"> {
  const taken = volumes.filter(({ id }) => !exclude.includes(id));
  const regions = stanzas.flatMap((one) =>
    taken
      .filter(({ id }) => !one.ignore.includes(id))
      .flatMap((volume) => copiesOf(one, instance.tags, volume)),
  );
  const targets = joined(copy ?? [], usable(regions, instance.region));
  return {
    volumes: { root: true, exclude: exclude.map((id) => ({ id })) },
    addTags: stanzas.length === 0 ? {} : { [stanzaTag]: stanzaWords(stanzas) },
    ...(targets.length === 0 ? {} : { copy: targets }),
  };
}

function joined(recorded: readonly CopyTarget[], regions: readonly string[]): readonly CopyTarget[] {
  const known = new Set(recorded.map(({ region }) => region));
  return [...recorded, ...regions.filter((region) => !known.has(region)).map((region) => ({ region }))];
}

function usable(regions: readonly string[], own: string): string[] {
  return [...new Set(regions)].filter((region) => regionName.test(region) && region !== own);
}

/** Where a living instance is copied to by the stanzas that it comes under, as far as its own tag says. */
export function regionsByStanzas(instance: SweepInstance, stanzas: readonly Stanza[]): readonly string[] {
  const none: { tags: Tags } = { tags: {} };
  const regions = stanzasOf(instance, stanzas).flatMap((one) => copiesOf(one, instance.tags, none));
  return usable(regions, instance.region);
}

/** What stanzas keep of a living instance, beside what its points record. */
export function rulesByStanzas(instance: SweepInstance, stanzas: readonly Stanza[]): TaggedRules | undefined {
  const policy = jointPolicy(stanzasOf(instance, stanzas));
  if (policy === undefined) return undefined;
  const { counts, within } = policy;
  return within === undefined ? { counts } : { counts, within };
}

const leastExpiry = 7 * 86_400_000;

/**
 * How long the last points of what is gone stay by the stanzas that captured them, where all of these say
 * `ignore_retention`: as long as they keep any. Milliseconds; absent = they say nothing of it.
 */
export function expiryByStanzas(point: RecoveryPoint, stanzas: readonly Stanza[]): number | undefined {
  const names = (tagOf(point, stanzaTag) ?? "").split("/").filter((name) => name !== "");
  const its = names.map((name) => stanzas.find(({ id }) => cleaned(id) === name));
  if (its.length === 0 || !its.every((one) => one?.ignoreRetention === true)) return undefined;
  return Math.max(leastExpiry, ...its.map((one) => one?.retention ?? 0));
}

/** The names of stanzas as the value of a tag. */
function stanzaWords(stanzas: readonly Stanza[]): string {
  const words = stanzas.map(({ id }) => cleaned(id)).join("/");
  // What does not fit is left out as a whole: half a list would say that the others had not been there.
  return words.length > 256 ? "" : words;
}

function cleaned(id: string): string {
  return id.replace(/[^\w .:=+@-]/g, "_");
}
