/** The units of PutMetricData and GetMetricStatistics. */
export const units: ReadonlySet<string> = new Set([
  "Seconds",
  "Microseconds",
  "Milliseconds",
  ...[
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
  ].flatMap((unit) => [unit, `${unit}/Second`]),
  "Percent",
  "Count",
  "Count/Second",
  "None",
]);

/** The parameter in which dimensions come. */
export const dimensionShape = [{ Name: "string", Value: "string" }] as const;

/** A decoded dimension. */
export interface DimensionParameter {
  Name: string | undefined;
  Value: string | undefined;
}

/** The key of a series: each combination of namespace, name and dimensions is a metric of its own. */
export function seriesKey(
  namespace: string,
  name: string,
  dimensions: readonly DimensionParameter[],
): string {
  const sorted = dimensions
    .map(({ Name, Value }) => [Name, Value])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  return JSON.stringify([namespace, name, sorted]);
}
