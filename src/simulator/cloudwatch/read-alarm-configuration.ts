import { ApiError } from "../api-error.ts";
import { own } from "../own.ts";
import type { Settings } from "../world.ts";
import { type AlarmConfiguration, type Comparison, comparisons, missingDataTreatments } from "./alarm.ts";
import type { PutMetricAlarmInput } from "./alarm-parameters.ts";
import { units } from "./metric-data.ts";
import { checkDimensions } from "./put-metric-data.ts";
import { statistics } from "./statistic.ts";
import { isZone } from "./zone.ts";

const limits = { name: 255, description: 1_024, actions: 5, week: 604_800, day: 86_400, warmUp: 2_880 };

/** The periods of wall clock windows, in seconds. */
const wallClockPeriods = [60, 300, 3_600, 86_400, 604_800];

const invalid = (message: string) => new ApiError("ValidationError", message);
const missing = (name: string) => new ApiError("MissingParameter", `The parameter ${name} is required.`);

/** What PutMetricAlarm asks for, with every limit of its documentation. @throws ApiError */
export function readAlarmConfiguration(
  input: PutMetricAlarmInput,
  settings: Settings,
): { name: string; configuration: AlarmConfiguration } {
  const name = checkName(input.AlarmName);
  refuseWhatIsNotSimulated(input);
  const { period, periods } = checkTiming(input);
  const needed = input.DatapointsToAlarm ?? null;
  if (needed !== null && (needed < 1 || needed > periods))
    throw invalid("Datapoints to alarm must be between 1 and the number of evaluation periods");
  const actions = (list: string[]) => checkActions(list, settings);
  return {
    name,
    configuration: {
      description: checkLength(input.AlarmDescription, limits.description, "alarmDescription"),
      actionsEnabled: input.ActionsEnabled ?? true,
      okActions: actions(input.OKActions),
      alarmActions: actions(input.AlarmActions),
      insufficientDataActions: actions(input.InsufficientDataActions),
      ...checkMetric(input),
      period,
      evaluationPeriods: periods,
      datapointsToAlarm: needed,
      threshold: checkThreshold(input.Threshold),
      comparison: checkOneOf(
        input.ComparisonOperator,
        Object.keys(comparisons) as Comparison[],
        "comparisonOperator",
      ),
      treatMissingData:
        input.TreatMissingData === undefined
          ? null
          : checkOneOf(input.TreatMissingData, missingDataTreatments, "treatMissingData"),
      ...newParameters(input, period, settings),
    },
  };
}

function checkName(name: string | undefined): string {
  if (name === undefined || name === "") throw missing("AlarmName");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are refused
  if (/[\u0000-\u001f\u007f]/.test(name)) throw invalid("Alarm name can't contain ASCII control characters");
  return checkLength(name, limits.name, "alarmName") ?? name;
}

function checkLength(text: string | undefined, most: number, name: string): string | null {
  if (text !== undefined && [...text].length > most) {
    const value = `Value '${text}' at '${name}'`;
    throw invalid(
      `1 validation error detected: ${value} failed to satisfy constraint: Member must have length less than or equal to ${most}`,
    );
  }
  return text ?? null;
}

function checkOneOf<T extends string>(value: string | undefined, known: readonly T[], name: string): T {
  if (value === undefined) throw missing(`${name[0]?.toUpperCase()}${name.slice(1)}`);
  const found = known.find((each) => each === value);
  if (found === undefined) {
    const at = `Value '${value}' at '${name}'`;
    throw invalid(
      `1 validation error detected: ${at} failed to satisfy constraint: Member must satisfy enum value set: [${known.join(", ")}]`,
    );
  }
  return found;
}

function refuseWhatIsNotSimulated(input: PutMetricAlarmInput): void {
  const given = {
    Metrics: input.Metrics.length > 0,
    ThresholdMetricId: input.ThresholdMetricId !== undefined,
    EvaluationCriteria: input.EvaluationCriteria !== undefined,
    ExtendedStatistic: input.ExtendedStatistic !== undefined,
  };
  for (const [name, there] of Object.entries(given))
    if (there) throw new ApiError("InvalidParameterValue", `${name} of PutMetricAlarm is not simulated.`);
  if (input.EvaluationInterval !== undefined)
    throw invalid("EvaluationInterval cannot be specified for alarms configured with MetricName or Metrics");
}

// "Period multiplied by EvaluationPeriods can't be more than 604,800 seconds. For alarms with a period of less than one
// hour (3,600 seconds), the total evaluation period can't be longer than one day (86,400 seconds)."
function checkTiming(input: PutMetricAlarmInput): { period: number; periods: number } {
  const { Period: period, EvaluationPeriods: periods } = input;
  if (period === undefined) throw missing("Period");
  if (periods === undefined) throw missing("EvaluationPeriods");
  if (![10, 20, 30].includes(period) && (period <= 0 || period % 60 !== 0))
    throw invalid("Period must be 10, 20, 30 or a multiple of 60");
  if (periods < 1) throw invalid("Evaluation periods must be greater than or equal to 1");
  const most = period < 3_600 ? limits.day : limits.week;
  if (period * periods > most)
    throw invalid(
      `Metrics cannot be checked across more than ${most === limits.day ? "a day" : "a week"} (EvaluationPeriods * Period must be <= ${most}).`,
    );
  return { period, periods };
}

function checkThreshold(threshold: number | undefined): number {
  if (threshold === undefined) throw missing("Threshold");
  if (!Number.isFinite(threshold)) throw invalid("Threshold must be a finite number");
  return threshold;
}

function checkMetric(
  input: PutMetricAlarmInput,
): Pick<AlarmConfiguration, "namespace" | "metric" | "statistic" | "dimensions" | "unit"> {
  const { MetricName: metric, Namespace: namespace, Statistic: statistic, Unit: unit } = input;
  if (metric === undefined || metric === "") throw missing("MetricName");
  if (namespace === undefined || namespace === "") throw missing("Namespace");
  if (statistic === undefined) throw missing("Statistic");
  if (own(statistics, statistic) === undefined)
    checkOneOf(statistic, Object.keys(statistics) as string[], "statistic");
  if (unit !== undefined && !units.has(unit)) checkOneOf(unit, [...units], "unit");
  checkDimensions(input.Dimensions, "Dimensions");
  const dimensions = input.Dimensions.map(({ Name = "", Value = "" }) => ({ Name, Value }));
  return { namespace, metric, statistic, dimensions, unit: unit ?? null };
}

function checkActions(actions: string[], { region, account }: Settings): string[] {
  if (actions.length > limits.actions)
    throw invalid(
      `The collection of actions must not have a size greater than ${limits.actions}, but has ${actions.length}`,
    );
  if (new Set(actions).size !== actions.length) throw invalid("Alarm actions must not be repeated");
  for (const action of actions) {
    const parts = action.split(":");
    if (parts[0] !== "arn" || parts.length < 6) throw invalid(`Invalid arn syntax: ${action}`);
    if (parts[2] !== "sns") continue;
    if (parts[3] !== region)
      throw invalid(`Invalid region ${parts[3]} specified. Only ${region} is supported.`);
    // A topic of another account is possible in AWS; only one account is simulated.
    if (parts[4] !== account) throw invalid(`${action}: topics of other accounts are not simulated.`);
  }
  return actions;
}

function newParameters(
  input: PutMetricAlarmInput,
  period: number,
  { alarms }: Settings,
): Pick<AlarmConfiguration, "wallClock" | "warmUp"> {
  const { EvaluationWindow: window, WarmUpConfiguration: warm } = input;
  const none = { wallClock: null, warmUp: null };
  if (window === undefined && warm === undefined) return none;
  if (alarms.newParameters === "ignored") return none;
  if (alarms.newParameters === "refused")
    throw invalid("EvaluationWindow and WarmUpConfiguration are not supported in this Region");
  return { wallClock: readWindow(window, period), warmUp: readWarmUp(warm) };
}

function readWindow(
  window: PutMetricAlarmInput["EvaluationWindow"],
  period: number,
): AlarmConfiguration["wallClock"] {
  if (window === undefined) return null;
  const { SlidingWindow: sliding, WallClockWindow: clock } = window;
  if ((sliding === undefined) === (clock === undefined))
    throw invalid("Exactly one of SlidingWindow and WallClockWindow must be set in EvaluationWindow");
  if (clock === undefined) return null;
  if (!wallClockPeriods.includes(period))
    throw invalid(
      `A wall clock window supports periods of ${wallClockPeriods.join(", ")} seconds, not ${period}`,
    );
  if (clock.Timezone !== undefined && !isZone(clock.Timezone))
    throw invalid(`The time zone ${clock.Timezone} is not valid`);
  return { zone: clock.Timezone ?? null };
}

function readWarmUp(warm: PutMetricAlarmInput["WarmUpConfiguration"]): AlarmConfiguration["warmUp"] {
  if (warm === undefined) return null;
  const minutes = warm.WarmUpPeriodDurationInMinutes;
  if (minutes === undefined) throw missing("WarmUpConfiguration.WarmUpPeriodDurationInMinutes");
  if (minutes < 1 || minutes > limits.warmUp)
    throw invalid(`WarmUpPeriodDurationInMinutes must be between 1 and ${limits.warmUp}, not ${minutes}`);
  return { minutes, whole: warm.OnlyStartEvaluatingAfterWarmUpPeriodEnds ?? false };
}
