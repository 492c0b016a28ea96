import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import { paginate } from "../pagination.ts";
import type { Decoded } from "../shapes.ts";
import type { MetricSeries } from "../world.ts";
import { dimensionShape, seriesKey } from "./metric-data.ts";

/** The parameters of ListMetrics. */
export const listMetricsShape = {
  Namespace: "string",
  MetricName: "string",
  Dimensions: dimensionShape,
  NextToken: "string",
  RecentlyActive: "string",
  IncludeLinkedAccounts: "boolean",
  OwningAccount: "string",
} as const;

type Input = Decoded<typeof listMetricsShape>;

/** "Up to 500 results are returned for any one call." */
const pageSize = 500;

/** Metrics by namespace, name and dimensions (a name alone matches any value). @throws ApiError */
export function listMetrics(
  input: Input,
  { world, now, elapsed }: Context,
): { Metrics: unknown[]; NextToken?: string } {
  if (input.RecentlyActive !== undefined && input.RecentlyActive !== "PT3H") {
    throw new ApiError(
      "InvalidParameterValue",
      `The value ${input.RecentlyActive} for parameter RecentlyActive is invalid.`,
    );
  }
  const recent = input.RecentlyActive === undefined ? Number.NEGATIVE_INFINITY : now - 3 * 3_600_000;
  const found = Object.values(world.series).filter(
    (series) =>
      series.createdAt + world.settings.metricsListedAfter <= elapsed &&
      series.lastPutAt >= recent &&
      matches(series, input),
  );
  const { NextToken: nextToken, ...fingerprint } = input;
  const page = paginate(found, {
    action: "ListMetrics",
    fingerprint,
    maxResults: pageSize,
    nextToken,
    keyOf: (series) => seriesKey(series.namespace, series.name, series.dimensions),
    short: world.settings.shortPages,
    invalidToken: "InvalidNextToken",
  });
  const metrics = page.things.map(({ namespace, name, dimensions }) => ({
    Namespace: namespace,
    MetricName: name,
    Dimensions: dimensions.map(({ Name, Value }) => ({ Name, Value })),
  }));
  return page.nextToken === undefined
    ? { Metrics: metrics }
    : { Metrics: metrics, NextToken: page.nextToken };
}

function matches(series: MetricSeries, input: Input): boolean {
  if (input.Namespace !== undefined && series.namespace !== input.Namespace) return false;
  if (input.MetricName !== undefined && series.name !== input.MetricName) return false;
  return input.Dimensions.every((wanted) =>
    series.dimensions.some(
      ({ Name, Value }) => Name === wanted.Name && (wanted.Value === undefined || Value === wanted.Value),
    ),
  );
}
