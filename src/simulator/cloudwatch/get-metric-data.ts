import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { own } from "../own.ts";
import type { Decoded } from "../shapes.ts";
import type { DataPoint } from "../world.ts";
import { dimensionShape, seriesKey } from "./metric-data.ts";
import { isQueryPeriod, roundedStart, statistics } from "./statistic.ts";

const queryShape = {
  Id: "string",
  MetricStat: {
    Metric: { Namespace: "string", MetricName: "string", Dimensions: dimensionShape },
    Period: "integer",
    Stat: "string",
    Unit: "string",
  },
  Expression: "string",
  Label: "string",
  ReturnData: "boolean",
  Period: "integer",
} as const;

/** The parameters of GetMetricData. */
export const getMetricDataShape = {
  MetricDataQueries: [queryShape],
  StartTime: "timestamp",
  EndTime: "timestamp",
  NextToken: "string",
  ScanBy: "string",
  MaxDatapoints: "integer",
} as const;

const invalid = (message: string) => new ApiError("ValidationError", message);

/** "You can use up to 500 MetricDataQuery structures in a single call." */
const maximumQueries = 500;

/** Values of metrics by period, newest first unless asked otherwise. Expressions are not simulated. @throws ApiError */
export function getMetricData(input: Decoded<typeof getMetricDataShape>, context: Context): unknown {
  const { StartTime: start, EndTime: end, MetricDataQueries: queries } = input;
  if (start === undefined || end === undefined || queries.length === 0)
    throw new ApiError("MissingParameter", "MetricDataQueries, StartTime and EndTime are required.");
  if (start >= end) throw invalid("The parameter StartTime must be less than the parameter EndTime.");
  if (queries.length > maximumQueries) throw invalid(`There are more than ${maximumQueries} queries.`);
  const ids = queries.map(({ Id }) => Id ?? "");
  for (const id of ids) if (!/^[a-z]\w*$/.test(id)) throw invalid(`The id ${id} of a query is not valid.`);
  if (new Set(ids).size !== ids.length) throw invalid("The ids of the queries are not unique.");
  const results = queries
    .filter((query) => query.ReturnData !== false)
    .map((query) => answer(query, { start, end, ascending: input.ScanBy === "TimestampAscending" }, context));
  return { MetricDataResults: results, Messages: [] };
}

function answer(
  query: Decoded<typeof queryShape>,
  range: { start: number; end: number; ascending: boolean },
  { world, now }: Context,
): Record<string, unknown> {
  const { Metric: metric, Period: period, Stat: stat = "", Unit: unit } = query.MetricStat ?? {};
  if (query.Expression !== undefined) throw invalid(`The expression of ${query.Id} is not simulated.`);
  if (metric === undefined || period === undefined) throw invalid(`The query ${query.Id} is not complete.`);
  const compute = own(statistics, stat);
  if (compute === undefined) throw invalid(`The statistic ${stat} is not available here.`);
  if (!isQueryPeriod(period)) throw invalid("Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
  const { Namespace = "", MetricName = "", Dimensions = [] } = metric;
  const begin = roundedStart(range.start, now);
  const groups = new Map<number, DataPoint[]>();
  for (const point of world.series[seriesKey(Namespace, MetricName, Dimensions)]?.points ?? []) {
    const asked = point.time >= begin && point.time < range.end && point.seenFrom <= now;
    if (!asked || (unit !== undefined && point.unit !== unit)) continue;
    const bucket = begin + Math.floor((point.time - begin) / (period * 1_000)) * period * 1_000;
    groups.set(bucket, [...(groups.get(bucket) ?? []), point]);
  }
  const sorted = [...groups].sort(([a], [b]) => (range.ascending ? a - b : b - a));
  return {
    Id: query.Id,
    Label: query.Label ?? MetricName,
    Timestamps: sorted.map(([time]) => new Date(time)),
    Values: sorted.map(([, points]) => compute(points)),
    StatusCode: "Complete",
  };
}
