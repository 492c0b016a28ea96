import { type CopyTarget, copyTag, policyThere, targetsOfTag } from "./copy-target.ts";
import type { Tags } from "./instance.ts";
import { pointsOf, tagKeys } from "./point-tags.ts";
import { isMixed, type RecoveryPoint, type Snapshot } from "./recovery-point.ts";
import { isCopy } from "./restore-copies.ts";
import { newestFirst } from "./retention.ts";
import type { RetentionPolicy } from "./retention-policy.ts";
import type { CopyLine } from "./sweep-copy.ts";
import type { SweepInstance, SweepUnit } from "./sweep-ports.ts";
import type { SweepCopyRules, SweepCopyTarget } from "./sweep-settings.ts";
import { tagOf } from "./sweep-tags.ts";

/** What is known when it is decided where the series of a unit are copied to. */
export interface CopyLineGround {
  readonly unit: SweepUnit;
  readonly instances: readonly SweepInstance[];
  readonly rules: SweepCopyRules;
  /** The Regions that an instance's tags name; `unreadable` where one of them is none. */
  readonly regionsOf: (tags: Tags) => readonly string[] | "unreadable";
  /** Those that others ask for on behalf of an instance whose points record none. */
  readonly regionsFor?: (instance: SweepInstance) => readonly string[];
}

export interface CopyLines {
  readonly lines: readonly CopyLine[];
  /** Series of which nobody can tell where they are to go, or how long they are to stay there. */
  readonly unread: readonly { readonly series: string; readonly because: string }[];
}

/**
 * The series of a unit that are to be copied, one line for each Region: as the newest point records, else as the tags
 * of the instance say, else as the sweep is configured. Who has died with its Region unnamed is copied no further.
 */
export function copyLinesOf(snapshots: readonly Snapshot[], asOf: Date, ground: CopyLineGround): CopyLines {
  const own = snapshots.filter((one) => !isCopy(one) && one.tags[tagKeys.image] === undefined);
  const bySeries = Map.groupBy(own, ({ tags }) => tags[tagKeys.series] ?? "");
  const instances = new Map(ground.instances.map((one) => [one.arn, one]));
  const lines: CopyLine[] = [];
  const unread: { series: string; because: string }[] = [];
  for (const [series, its] of bySeries) {
    if (series === "") continue;
    const here = pointsOf([...new Map(its.map((one) => [one.id, one])).values()], asOf);
    const found = linesOf(series, here, instances, ground);
    lines.push(...found.lines);
    if (found.because !== undefined) unread.push({ series, because: found.because });
  }
  return { lines, unread };
}

function linesOf(
  series: string,
  here: readonly RecoveryPoint[],
  instances: ReadonlyMap<string, SweepInstance>,
  ground: CopyLineGround,
): { readonly lines: readonly CopyLine[]; readonly because?: string } {
  const [newest] = here.filter((point) => point.state !== "failed" && !isMixed(point)).sort(newestFirst);
  if (newest === undefined) return { lines: [] };
  const instance = instances.get(newest.instanceArn);
  const wished = wishOf(newest, instance, ground);
  if ("because" in wished) return { lines: [], because: wished.because };
  const { targets, recorded } = wished;
  const { policy } = newest;
  if (targets.length === 0) return { lines: [] };
  if (typeof policy !== "object")
    return { lines: [], because: `its newest point ${newest.id} records no policy that can be read` };
  const runs = instance?.state === "running";
  return {
    lines: targets.map((target) => ({
      series,
      job: newest.job,
      here,
      target,
      policy: policyThere({ retention: policy }, target),
      // An agent copies what it has recorded by its next run; who is dead or stopped never does.
      ...(runs && recorded.has(target.region) ? { leftFor: ground.rules.after } : {}),
    })),
  };
}

/** The targets of a series, each Region once. */
function wishOf(
  newest: RecoveryPoint,
  instance: SweepInstance | undefined,
  { unit, rules, regionsOf, regionsFor }: CopyLineGround,
): { targets: readonly CopyTarget[]; recorded: ReadonlySet<string> } | { because: string } {
  const { policy } = newest;
  const written = tagOf(newest, copyTag);
  const told =
    written === undefined
      ? []
      : typeof policy === "object"
        ? targetsOfTag({ [copyTag]: written }, policy)
        : undefined;
  if (told === undefined)
    return { because: `what its newest point ${newest.id} records of copies cannot be read` };
  const tagged = instance === undefined ? [] : regionsOf(instance.tags);
  if (tagged === "unreadable") return { because: "the tag of its instance names what is no Region" };
  const asked = written === undefined && instance !== undefined ? (regionsFor?.(instance) ?? []) : [];
  const all: CopyTarget[] = [
    ...told,
    ...[...tagged, ...asked].map((region) => ({ region })),
    ...(typeof policy === "object" ? rules.targets.map((target) => targetOf(target, policy)) : []),
  ];
  const once = new Map<string, CopyTarget>();
  // A copy beside its source is lost with it; the agent says so where it is asked for one.
  for (const one of all) if (one.region !== unit.region && !once.has(one.region)) once.set(one.region, one);
  return { targets: [...once.values()], recorded: new Set(told.map(({ region }) => region)) };
}

/** Rules of the file go with the zone and the demands of the points. */
function targetOf(
  { retention, ...target }: SweepCopyTarget,
  { timezone, demanded, shrinkDelay }: RetentionPolicy,
): CopyTarget {
  return {
    ...target,
    ...(retention === undefined ? {} : { retention: { ...retention, timezone, demanded, shrinkDelay } }),
  };
}
