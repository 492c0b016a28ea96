import type { MetricName } from "./metrics.ts";

/** What an alarm is about; the last part of its name. */
export const alarmKinds = ["missed", "errors", "slow", "degraded", "copy-lag", "drill", "upkeep"] as const;
export type AlarmKind = (typeof alarmKinds)[number];

/** CloudWatch's words for the state of an alarm. */
export type AlarmState = "OK" | "ALARM" | "INSUFFICIENT_DATA";

/**
 * What is compared over time. `period` in seconds, the others are counts of periods; of `evaluationPeriods`
 * so many as `datapointsToAlarm` must breach.
 */
export interface AlarmWindow {
  readonly period: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
}

/** An alarm as CloudWatch is to have it. It rings if the maximum of its metric is greater than the threshold. */
export interface WrittenAlarm extends AlarmWindow {
  readonly name: string;
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** In the unit of the metric, which is never named to CloudWatch: a wrong one would find no data. */
  readonly threshold: number;
  readonly treatMissingData: "breaching" | "ignore";
  /** ARNs that are told of ALARM and of OK alike. */
  readonly actions: readonly string[];
  /** Written at the creation only: CloudWatch ignores them in an update. */
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds after the last good sign within which somebody is told. */
  readonly tellsWithin: number;
}

/** An alarm of an instance as it should be. */
export interface Alarm extends WrittenAlarm {
  readonly kind: AlarmKind;
  /** The job, the drill or the repository that it watches, or `all` where the metrics do not tell jobs apart. */
  readonly job: string;
  /** Of `copy-lag`: the Region whose copies it watches. */
  readonly region?: string;
  readonly metric: MetricName;
}

/** An alarm as CloudWatch has it, with what of it can differ from an {@link Alarm}. */
export interface FoundAlarm extends AlarmWindow {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly statistic: string;
  readonly comparison: string;
  readonly threshold: number;
  readonly treatMissingData: string;
  readonly unit?: string;
  readonly alarmActions: readonly string[];
  readonly okActions: readonly string[];
  readonly insufficientDataActions: readonly string[];
  readonly actionsEnabled: boolean;
  readonly state: AlarmState;
  readonly reason: string;
  /** ISO 8601; by CloudWatch's clock. */
  readonly since?: string;
  /** Whether a new alarm is spared until its first data; absent where CloudWatch does not know of such. */
  readonly warmUpMinutes?: number;
  /** ISO 8601: until when a new alarm is spared. */
  readonly sparedUntil?: string;
}

const root = "ec2-backup";

/** The beginning of the names of all alarms of an instance; of every instance if none is given. */
export function alarmPrefix(instanceId?: string): string {
  return instanceId === undefined ? `${root}/` : `${root}/${instanceId}/`;
}

export function alarmName(instanceId: string, job: string, kind: AlarmKind, region?: string): string {
  return `${alarmPrefix(instanceId)}${job}/${region === undefined ? "" : `${region}/`}${kind}`;
}

/**
 * CloudWatch spares only new alarms, so one that is to be spared again is made under its other name before the
 * first is removed: at no moment is there none.
 */
const other = "-2";

/** The other name of an alarm that is made anew. */
export function renewedName(name: string): string {
  return name.endsWith(other) ? name.slice(0, -other.length) : `${name}${other}`;
}

const shape = new RegExp(
  `^${root}/(?<instance>i-[0-9a-f]+)/(?<job>[a-z0-9-]{1,63})/(?:(?<region>[a-z0-9-]{4,40})/)?(?<kind>${alarmKinds.join("|")})(?:${other})?$`,
);

/** Whose alarm a name is. */
export interface NamedAlarm {
  readonly instance: string;
  readonly job: string;
  readonly kind: AlarmKind;
  readonly region?: string;
}

/** What a name says; absent if no agent of ours gave it. */
export function readAlarmName(name: string): NamedAlarm | undefined {
  const { instance = "", job = "", kind = "", region } = shape.exec(name)?.groups ?? {};
  if (instance === "" || (region !== undefined) !== (kind === "copy-lag")) return undefined;
  return { instance, job, kind: kind as AlarmKind, ...(region !== undefined && { region }) };
}

/** Of several alarms for the same thing, as a death in the midst of a renewal leaves them, the one that counts. */
export function keeperOf<A extends Pick<FoundAlarm, "actionsEnabled" | "warmUpMinutes">>(
  same: readonly A[],
): A | undefined {
  return (
    same.find(({ actionsEnabled }) => actionsEnabled) ??
    same.find(({ warmUpMinutes }) => warmUpMinutes !== undefined) ??
    same[0]
  );
}
