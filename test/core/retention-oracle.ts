import { type RecoveryPoint, restorableVolumes } from "../../src/core/recovery-point.ts";
import type { CountedRule, RetentionPolicy } from "../../src/core/retention-policy.ts";
import { day, hour } from "./points.ts";

const quality = ["crash", "filesystem", "application"];

/**
 * What a policy keeps, written down once more without sharing code or idea with the planner: each point
 * is given the name of its period by Intl, the points are grouped by that name, and the groups counted.
 * For points that record no policy.
 */
export function keptByOracle(points: readonly RecoveryPoint[], policy: RetentionPolicy, now: Date): string[] {
  const kept = new Set<RecoveryPoint>();
  for (const point of points) {
    const young = point.captured.getTime() > now.getTime() - hour;
    if (point.state === "pending" || point.holds.length > 0) kept.add(point);
    if (point.state === "partial" && young) kept.add(point);
  }
  for (const point of ruled(points, policy, now)) kept.add(point);
  for (const volume of new Set(points.flatMap(restorableVolumes))) {
    const holding = points.filter((one) => restorableVolumes(one).includes(volume));
    const complete = holding.filter((one) => one.state === "complete");
    const settled = holding.filter((one) => one.state !== "pending");
    const newest = (complete.length > 0 ? complete : settled).sort(newestFirst)[0];
    if (newest !== undefined) kept.add(newest);
  }
  return [...kept].map((one) => one.id).sort();
}

function newestFirst(a: RecoveryPoint, b: RecoveryPoint): number {
  return Number(b.captured) - Number(a.captured) || b.id.localeCompare(a.id);
}

function ruled(points: readonly RecoveryPoint[], policy: RetentionPolicy, now: Date): RecoveryPoint[] {
  const rules = Object.entries(policy.counts) as [CountedRule, number][];
  if (rules.length === 0 && policy.within === undefined) return [...points];
  const worth = (point: RecoveryPoint): number =>
    point.state === "partial"
      ? -1
      : Math.min(quality.indexOf(point.consistency), quality.indexOf(policy.demanded));
  const usable = points.filter((one) => one.state !== "pending" && one.state !== "failed");
  return [-1, 0, 1, 2].flatMap((level) => {
    // The points of each level are served as if there were no lesser ones.
    const served = usable.filter((one) => worth(one) >= level).sort(newestFirst);
    const inTime = served.filter((one) => Number(now) - Number(one.captured) <= (policy.within ?? -Infinity));
    const counted = rules.flatMap(([rule, count]) => {
      if (rule === "last" || rule === "minimum") return served.slice(0, count);
      const groups = new Map<string, RecoveryPoint[]>();
      for (const one of served) {
        const name = periodName(rule, policy.timezone, one.captured);
        const group = groups.get(name);
        if (group === undefined) groups.set(name, [one]);
        else group.push(one);
      }
      return [...groups.values()].slice(0, count).flatMap((group) => {
        const best = Math.max(...group.map(worth));
        return group.filter((one) => worth(one) === best).slice(0, 1);
      });
    });
    return [...inTime, ...counted];
  });
}

const formats = new Map<string, Intl.DateTimeFormat>();
const parts = new Map<string, Record<string, string>>();

/** What a clock on the wall of the zone shows; asked for again and again, and slow to find out. */
function shownAt(zone: string, instant: Date): Record<string, string> {
  const key = `${zone} ${instant.getTime()}`;
  let part = parts.get(key);
  if (part === undefined) {
    let format = formats.get(zone);
    if (format === undefined) {
      format = new Intl.DateTimeFormat("en-CA", {
        timeZone: zone,
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        hourCycle: "h23",
        timeZoneName: "longOffset",
      });
      formats.set(zone, format);
    }
    part = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, value]));
    parts.set(key, part);
  }
  return part;
}

/** The name that a clock and a calendar on the wall of the zone give to the period: `2027-10-31 02 GMT+1`. */
export function periodName(rule: string, zone: string, instant: Date): string {
  const part = shownAt(zone, instant);
  const date = `${part["year"]}-${part["month"]}-${part["day"]}`;
  if (rule === "yearly") return `${part["year"]}`;
  if (rule === "monthly") return `${part["year"]}-${part["month"]}`;
  if (rule === "daily") return date;
  if (rule === "hourly") return `${date} ${part["hour"]} ${part["timeZoneName"]}`;
  const noon = new Date(`${date}T12:00Z`);
  const monday = new Date(Number(noon) - ((noon.getUTCDay() + 6) % 7) * day);
  return `week of ${monday.toISOString().slice(0, 10)}`;
}
