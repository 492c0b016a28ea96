import { counted } from "../core/counted.ts";
import { formatSpan } from "../core/duration.ts";
import { harmless } from "../core/harmless.ts";
import type { DestinationSwept } from "../core/sweep-report.ts";
import { totalsOf } from "../core/sweep-report.ts";

/** What became of the copies in one Region, in one line. */
export function copyLine(one: DestinationSwept, dryRun: boolean): string {
  const head = `copies in ${one.region} of ${one.series} series`;
  if (one.asOf === undefined) return `${head}: not looked into`;
  const some = (count: number, text: string) => (count === 0 ? [] : [`${count} ${text}`]);
  const pruned = one.prune === undefined ? 0 : totalsOf(one.prune).removed;
  const words = [
    ...some(one.begun.length, dryRun ? "snapshots would be copied" : "snapshots begun"),
    ...some(one.waiting, "waiting"),
    ...some(one.leftToAgents, "points left to their agents"),
    ...some(one.failed.length, "FAILED"),
    ...some(one.cleared.length, dryRun ? "useless ones would be cleared" : "useless ones cleared"),
    ...some(pruned, dryRun ? "points would go by retention" : "points removed by retention"),
    ...one.left.map(({ because, points }) => `${counted(points, "point")} not copied: ${because}`),
    ...(one.yielded === true ? ["another sweep is at work there"] : []),
  ];
  const lag = one.lagSeconds ?? 0;
  const state = lag === 0 ? "nothing is missing there" : `${formatSpan(lag)} behind`;
  return harmless(`${head}: ${[...words, state].join(", ")}`);
}
