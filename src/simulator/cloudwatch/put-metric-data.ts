import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import type { Decoded } from "../shapes.ts";
import type { DataPoint } from "../world.ts";
import { type DimensionParameter, dimensionShape, seriesKey, units } from "./metric-data.ts";

const datumShape = {
  MetricName: "string",
  Dimensions: dimensionShape,
  Timestamp: "timestamp",
  Value: "double",
  StatisticValues: { SampleCount: "double", Sum: "double", Minimum: "double", Maximum: "double" },
  Values: ["double"],
  Counts: ["double"],
  Unit: "string",
  StorageResolution: "integer",
} as const;

/** The parameters of PutMetricData. */
export const putMetricDataShape = {
  Namespace: "string",
  MetricData: [datumShape],
  StrictEntityValidation: "boolean",
} as const;

type Values = Omit<DataPoint, "time" | "unit" | "seenFrom">;

const hour = 3_600_000;

type Datum = Decoded<typeof datumShape>;

const limits = {
  metrics: 1_000,
  dimensions: 30,
  values: 150,
  past: 14 * 86_400_000,
  future: 2 * 3_600_000,
  magnitude: 2 ** 360,
};

const invalid = (message: string) => new ApiError("InvalidParameterValue", message);
const missing = (name: string) => new ApiError("MissingParameter", `The parameter ${name} is required.`);

/** Stores data points; all of the request or none of it. @throws ApiError */
export function putMetricData(
  input: Decoded<typeof putMetricDataShape>,
  { world, now, elapsed }: Context,
): void {
  const namespace = checkNamespace(input.Namespace);
  if (input.MetricData.length === 0) throw missing("MetricData");
  if (input.MetricData.length > limits.metrics) {
    throw invalid(`The collection MetricData must not have a size greater than ${limits.metrics}.`);
  }
  const stored = input.MetricData.map((datum, index) => {
    const path = `MetricData.member.${index + 1}`;
    return {
      datum,
      name: checkName(datum.MetricName, `${path}.MetricName`),
      point: readDatum(datum, path, now, world.settings.lateMetrics),
    };
  });
  for (const { datum, name, point } of stored) {
    const key = seriesKey(namespace, name, datum.Dimensions);
    const series = world.series[key] ?? {
      namespace,
      name,
      dimensions: datum.Dimensions.map(({ Name = "", Value = "" }) => ({ Name, Value })),
      createdAt: elapsed,
      lastPutAt: now,
      points: [],
    };
    world.series[key] = series;
    series.lastPutAt = now;
    series.points.push(point);
  }
}

function checkNamespace(namespace: string | undefined): string {
  if (namespace === undefined || namespace === "") throw missing("Namespace");
  if (namespace.startsWith("AWS/") || namespace.startsWith(":") || namespace.length > 255) {
    throw invalid(`The value ${namespace} for parameter Namespace is invalid.`);
  }
  return namespace;
}

function checkName(name: string | undefined, path: string): string {
  if (name === undefined || name === "") throw missing(path);
  if (name.length > 255) throw invalid(`The value for parameter ${path} is longer than 255 characters.`);
  return name;
}

function readDatum(datum: Datum, path: string, now: number, late: boolean): DataPoint {
  checkDimensions(datum.Dimensions, `${path}.Dimensions`);
  const unit = datum.Unit ?? "None";
  if (!units.has(unit)) throw invalid(`The value ${unit} for parameter ${path}.Unit is invalid.`);
  const time = datum.Timestamp ?? now;
  if (time < now - limits.past || time > now + limits.future) {
    throw invalid(
      `The parameter ${path}.Timestamp must specify a time within the past two weeks and at most two hours in the future.`,
    );
  }
  if (
    datum.StorageResolution !== undefined &&
    datum.StorageResolution !== 1 &&
    datum.StorageResolution !== 60
  ) {
    throw invalid(`The value ${datum.StorageResolution} for parameter ${path}.StorageResolution is invalid.`);
  }
  return { time, seenFrom: late ? now + delayOf(now - time) : now, unit, ...readValues(datum, path) };
}

// "Data points with time stamps from 24 hours ago or longer can take at least 48 hours to become available for
// GetMetricData or GetMetricStatistics from the time they are submitted. Data points with time stamps between 3 and 24
// hours ago can take as much as 2 hours." The longest of it, and for alarms too.
function delayOf(age: number): number {
  if (age >= 24 * hour) return 48 * hour;
  return age > 3 * hour ? 2 * hour : 0;
}

/** Refuses dimensions that are too many, nameless or repeated. @throws ApiError */
export function checkDimensions(dimensions: readonly DimensionParameter[], path: string): void {
  if (dimensions.length > limits.dimensions) {
    throw invalid(`The collection ${path} must not have a size greater than ${limits.dimensions}.`);
  }
  const seen = new Set<string>();
  for (const [index, { Name: name, Value: value }] of dimensions.entries()) {
    const at = `${path}.member.${index + 1}`;
    if (name === undefined || name === "") throw missing(`${at}.Name`);
    if (value === undefined || value === "") throw missing(`${at}.Value`);
    if (name.length > 255 || name.startsWith(":"))
      throw invalid(`The value ${name} for parameter ${at}.Name is invalid.`);
    if (value.length > 1_024)
      throw invalid(`The value for parameter ${at}.Value is longer than 1024 characters.`);
    if (seen.has(name)) throw invalid(`The dimension ${name} appears more than once in ${path}.`);
    seen.add(name);
  }
}

function readValues(datum: Datum, path: string): Values {
  const { Value: value, StatisticValues: statistics, Values: values, Counts: counts } = datum;
  const given = [value !== undefined, statistics !== undefined, values.length > 0].filter(Boolean).length;
  if (given === 0) throw missing(`${path}.Value`);
  if (given > 1) {
    const message = `The parameters ${path}.Value, ${path}.Values and ${path}.StatisticValues are mutually exclusive and you have specified more than one.`;
    throw new ApiError("InvalidParameterCombination", message);
  }
  if (value !== undefined)
    return { sum: finite(value, `${path}.Value`), minimum: value, maximum: value, count: 1 };
  if (statistics !== undefined) return readStatistics(statistics, `${path}.StatisticValues`);
  return readHistogram(values, counts, path);
}

function readStatistics(given: NonNullable<Datum["StatisticValues"]>, path: string): Values {
  const number = (name: keyof typeof given) => {
    const value = given[name];
    if (value === undefined) throw missing(`${path}.${name}`);
    return finite(value, `${path}.${name}`);
  };
  return {
    sum: number("Sum"),
    minimum: number("Minimum"),
    maximum: number("Maximum"),
    count: number("SampleCount"),
  };
}

function readHistogram(values: readonly number[], counts: readonly number[], path: string): Values {
  if (values.length > limits.values) {
    throw invalid(`The collection ${path}.Values must not have a size greater than ${limits.values}.`);
  }
  if (counts.length > 0 && counts.length !== values.length) {
    throw invalid(`The collections ${path}.Values and ${path}.Counts must have the same size.`);
  }
  for (const [index, value] of values.entries()) finite(value, `${path}.Values.member.${index + 1}`);
  const count = (index: number) => finite(counts[index] ?? 1, `${path}.Counts.member.${index + 1}`);
  return {
    sum: values.reduce((sum, value, index) => sum + value * count(index), 0),
    minimum: Math.min(...values),
    maximum: Math.max(...values),
    count: values.reduce((sum, _, index) => sum + count(index), 0),
  };
}

// "Values must be in the range of -2^360 to 2^360. In addition, special values (for example, NaN, +Infinity, -Infinity) are not supported."
function finite(value: number, path: string): number {
  if (Number.isFinite(value) && Math.abs(value) <= limits.magnitude) return value;
  throw invalid(`The value ${value} for parameter ${path} is invalid.`);
}
