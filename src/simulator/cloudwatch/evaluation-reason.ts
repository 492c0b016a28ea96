import { type Alarm, type AlarmState, comparisons } from "./alarm.ts";
import type { Evaluation } from "./evaluate.ts";

/** The sentence that AWS gives as the reason of a state. */
export function reasonOf(alarm: Alarm, { used, filled }: Evaluation, state: AlarmState): string {
  const periods = alarm.evaluationPeriods;
  if (state === "INSUFFICIENT_DATA")
    return `Insufficient Data: ${periods} ${periods === 1 ? "datapoint was" : "datapoints were"} unknown.`;
  const treatment = `[${alarm.treatMissingData === "breaching" ? "Breaching" : "NonBreaching"}]`;
  const missing = `${filled} missing ${filled === 1 ? "datapoint was" : "datapoints were"} treated as ${treatment}`;
  if (used.length === 0)
    return `Threshold Crossed: no datapoints were received for ${count(periods, "period")} and ${missing}.`;
  const values = used.map(({ start, value }) => `${decimal(value ?? 0)} (${shortTime(start)})`).join(", ");
  const verb = `${used.length === 1 ? "was" : "were"}${state === "ALARM" ? "" : " not"}`;
  const needed = alarm.datapointsToAlarm ?? periods;
  const filling =
    filled > 0 && (alarm.treatMissingData ?? "missing") === "breaching" ? ` and ${missing}` : "";
  const least = `(minimum ${count(needed, "datapoint")} for OK -> ALARM transition)`;
  return `Threshold Crossed: ${used.length} out of the last ${count(periods, "datapoint")} [${values}] ${verb} ${comparisons[alarm.comparison]} the threshold (${decimal(alarm.threshold)})${filling} ${least}.`;
}

/** The same as JSON. */
export function reasonData(alarm: Alarm, { used }: Evaluation, at: number): string {
  return JSON.stringify({
    version: "1.0",
    queryDate: awsTime(at),
    statistic: alarm.statistic,
    period: alarm.period,
    recentDatapoints: used.map(({ value }) => value).reverse(),
    threshold: alarm.threshold,
    evaluatedDatapoints: used.map(({ start, value }) => ({ timestamp: awsTime(start), value })),
  });
}

/** `2026-03-01T02:00:00.000+0000`. */
export function awsTime(at: number): string {
  return new Date(at).toISOString().replace("Z", "+0000");
}

const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
const decimal = (value: number) => (Number.isInteger(value) ? `${value}.0` : String(value));

// `26/09/18 02:58:00`
function shortTime(at: number): string {
  const [date = "", time = ""] = new Date(at).toISOString().split("T");
  const [year = "", month, day] = date.split("-");
  return `${day}/${month}/${year.slice(2)} ${time.slice(0, 8)}`;
}
