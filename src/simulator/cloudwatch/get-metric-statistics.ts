import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { own } from "../own.ts";
import type { Decoded } from "../shapes.ts";
import type { DataPoint } from "../world.ts";
import { dimensionShape, seriesKey, units } from "./metric-data.ts";
import { isQueryPeriod, roundedStart, statistics } from "./statistic.ts";

/** The parameters of GetMetricStatistics. */
export const getMetricStatisticsShape = {
  Namespace: "string",
  MetricName: "string",
  Dimensions: dimensionShape,
  StartTime: "timestamp",
  EndTime: "timestamp",
  Period: "integer",
  Statistics: ["string"],
  ExtendedStatistics: ["string"],
  Unit: "string",
} as const;

type Input = Decoded<typeof getMetricStatisticsShape>;

/** "The maximum number of data points returned from a single call is 1,440." */
const maximumPoints = 1_440;

/** Statistics by period and unit, in no order. Percentiles are not simulated. @throws ApiError */
export function getMetricStatistics(
  input: Input,
  { world, now }: Context,
): { Label: string; Datapoints: Record<string, unknown>[] } {
  const { start, end, period } = checkRange(input, now);
  const namespace = required(input.Namespace, "Namespace");
  const name = required(input.MetricName, "MetricName");
  const wanted = checkStatistics(input);
  const series = world.series[seriesKey(namespace, name, input.Dimensions)];
  const groups = new Map<string, DataPoint[]>();
  for (const point of series?.points ?? []) {
    const asked = point.time >= start && point.time < end && point.seenFrom <= now;
    if (!asked || (input.Unit !== undefined && point.unit !== input.Unit)) continue;
    const bucket = start + Math.floor((point.time - start) / period) * period;
    const key = `${bucket} ${point.unit}`;
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  const datapoints = [...groups].map(([key, points]) => ({
    Timestamp: new Date(Number(key.split(" ")[0])),
    ...Object.fromEntries(wanted.map((statistic) => [statistic, statistics[statistic]?.(points)])),
    Unit: points[0]?.unit,
  }));
  return { Label: name, Datapoints: datapoints };
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined || value === "")
    throw new ApiError("MissingParameter", `The parameter ${name} is required.`);
  return value;
}

function checkRange(input: Input, now: number): { start: number; end: number; period: number } {
  const start = required(input.StartTime, "StartTime");
  const end = required(input.EndTime, "EndTime");
  const seconds = required(input.Period, "Period");
  if (!isQueryPeriod(seconds)) {
    throw new ApiError(
      "InvalidParameterValue",
      "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.",
    );
  }
  if (start >= end) {
    const message = "The parameter StartTime must be less than the parameter EndTime.";
    throw new ApiError("InvalidParameterCombination", message);
  }
  const count = Math.ceil((end - start) / (seconds * 1_000));
  if (count > maximumPoints) {
    const message = `You have requested up to ${count} datapoints, which exceeds the limit of ${maximumPoints}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`;
    throw new ApiError("InvalidParameterCombination", message);
  }
  return { start: roundedStart(start, now), end, period: seconds * 1_000 };
}

function checkStatistics(input: Input): string[] {
  if (input.Statistics.length === 0 && input.ExtendedStatistics.length === 0) {
    throw new ApiError(
      "MissingParameter",
      "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
    );
  }
  if (input.Unit !== undefined && !units.has(input.Unit)) {
    throw new ApiError("InvalidParameterValue", `The value ${input.Unit} for parameter Unit is invalid.`);
  }
  const unknown = [
    ...input.Statistics.filter((each) => own(statistics, each) === undefined),
    ...input.ExtendedStatistics,
  ];
  if (unknown.length > 0)
    throw new ApiError("InvalidParameterValue", `The statistic ${unknown[0]} is not available here.`);
  return input.Statistics;
}
