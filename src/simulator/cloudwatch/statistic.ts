import type { DataPoint } from "../world.ts";

/** What is made of the data points of a period. Percentiles are not simulated: values are kept as sums only. */
export const statistics: Readonly<Record<string, (points: readonly DataPoint[]) => number>> = {
  SampleCount: (points) => points.reduce((sum, point) => sum + point.count, 0),
  Sum: (points) => points.reduce((sum, point) => sum + point.sum, 0),
  Average: (points) =>
    points.reduce((sum, point) => sum + point.sum, 0) / points.reduce((sum, point) => sum + point.count, 0),
  Minimum: (points) => Math.min(...points.map((point) => point.minimum)),
  Maximum: (points) => Math.max(...points.map((point) => point.maximum)),
};

/** Whether seconds can be a period of a query: high resolution or a multiple of a minute. */
export function isQueryPeriod(seconds: number): boolean {
  return [1, 5, 10, 20, 30].includes(seconds) || (seconds > 0 && seconds % 60 === 0);
}

/**
 * Where a query that asks from an instant begins: "Start time less than 15 days ago - Round down to the nearest whole
 * minute. Start time between 15 and 63 days ago - Round down to the nearest 5-minute clock interval. Start time greater
 * than 63 days ago - ... 1-hour clock interval."
 */
export function roundedStart(start: number, now: number): number {
  const days = (now - start) / 86_400_000;
  const grain = days < 15 ? 60_000 : days < 63 ? 300_000 : 3_600_000;
  return Math.floor(start / grain) * grain;
}
