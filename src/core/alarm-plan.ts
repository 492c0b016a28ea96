import { type Alarm, type FoundAlarm, keeperOf, readAlarmName, type WrittenAlarm } from "./alarm.ts";

/** A field of an alarm that is not as it should be. */
export interface Difference {
  readonly field: string;
  readonly found: string;
  readonly wanted: string;
}

/** What becomes of one alarm. */
export type AlarmChange<A extends WrittenAlarm = Alarm> =
  | { readonly action: "create"; readonly alarm: A; readonly start: Start }
  | {
      readonly action: "update";
      readonly alarm: A;
      readonly found: FoundAlarm;
      readonly differences: readonly Difference[];
    }
  | { readonly action: "keep"; readonly alarm: A; readonly found: FoundAlarm }
  /** Ours, and no longer wanted. */
  | { readonly action: "remove"; readonly found: FoundAlarm }
  /** Of an instance that is gone: it rings for ever. */
  | { readonly action: "orphan"; readonly found: FoundAlarm; readonly instance: string };

/**
 * How a new alarm begins: `at-once`, since it finds data or stays without a state until it does; spared for
 * so many minutes, until data can be seen; or not yet, since it would ring before. Where CloudWatch spares
 * no new alarm, one that is to be spared has to wait as well, for the same reason, or is made `at-once`.
 */
export type Start =
  | { readonly kind: "at-once" }
  | ({ readonly kind: "warm-up"; readonly minutes: number; readonly else?: "at-once" } & Waiting)
  | ({ readonly kind: "wait" } & Waiting);

/** Why an alarm is not made yet, and what lets it be made. */
interface Waiting {
  readonly because: string;
  readonly remedy: string;
}

/** Compares what should be with what CloudWatch has of this instance. */
export function planAlarms(
  wanted: readonly Alarm[],
  found: readonly FoundAlarm[],
  startOf: (alarm: Alarm) => Start,
): readonly AlarmChange[] {
  const claimed = new Set<string>();
  const changes = wanted.map((alarm): AlarmChange => {
    const there = keeperOf(found.filter((one) => isSame(one, alarm)));
    if (there === undefined) return { action: "create", alarm, start: startOf(alarm) };
    claimed.add(there.name);
    const named = { ...alarm, name: there.name };
    const differences = differencesOf(named, there);
    if (differences.length === 0) return { action: "keep", alarm: named, found: there };
    return { action: "update", alarm: named, found: there, differences };
  });
  const left = found.filter(({ name }) => !claimed.has(name) && readAlarmName(name) !== undefined);
  return [...changes, ...left.map((one): AlarmChange => ({ action: "remove", found: one }))];
}

function isSame({ name }: FoundAlarm, { kind, job, region }: Alarm): boolean {
  const read = readAlarmName(name);
  return read?.kind === kind && read.job === job && read.region === region;
}

/** The alarms of our making whose instance is not among those that exist. */
export function orphansAmong(
  found: readonly FoundAlarm[],
  existing: ReadonlySet<string>,
): readonly AlarmChange[] {
  return found.flatMap((one): AlarmChange[] => {
    const instance = readAlarmName(one.name)?.instance;
    if (instance === undefined || existing.has(instance)) return [];
    return [{ action: "orphan", found: one, instance }];
  });
}

/** Everything that an update would change. Whether its actions are enabled is left as it is. */
export function differencesOf(alarm: WrittenAlarm, found: FoundAlarm): readonly Difference[] {
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ["metric", found.metric, alarm.metric],
    ["namespace", found.namespace, alarm.namespace],
    ["dimensions", sorted(found.dimensions), sorted(alarm.dimensions)],
    ["statistic", found.statistic, "Maximum"],
    ["unit", found.unit ?? "none", "none"],
    ["comparison", found.comparison, "GreaterThanThreshold"],
    ["threshold", found.threshold, alarm.threshold],
    ["period", found.period, alarm.period],
    ["evaluationPeriods", found.evaluationPeriods, alarm.evaluationPeriods],
    ["datapointsToAlarm", found.datapointsToAlarm, alarm.datapointsToAlarm],
    ["treatMissingData", found.treatMissingData, alarm.treatMissingData],
    ["alarmActions", listed(found.alarmActions), listed(alarm.actions)],
    ["okActions", listed(found.okActions), listed(alarm.actions)],
    ["insufficientDataActions", listed(found.insufficientDataActions), "none"],
    ["description", found.description, alarm.description],
  ];
  return pairs
    .filter(([, is, should]) => is !== should)
    .map(([field, is, should]) => ({ field, found: String(is), wanted: String(should) }));
}

function sorted(dimensions: Readonly<Record<string, string>>): string {
  return Object.entries(dimensions)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function listed(arns: readonly string[]): string {
  return arns.length === 0 ? "none" : [...arns].sort().join(" ");
}
