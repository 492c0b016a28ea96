import { formatSpan } from "../core/duration.ts";
import type { ForecastPage, JobPage, PointPage, VolumePage } from "../core/report-page.ts";
import type { AlarmsSeen, Verdict } from "../core/status.ts";

/** The words of the report, the same in each of its formats. */

/** "2026-11-21 02:00", in UTC, which the page says once. */
export function minute(iso: string): string {
  return iso.slice(0, 16).replace("T", " ");
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "21 Nov", or "21 Nov 2025" where the year is in doubt. */
export function dayOf(iso: string, withYear = false): string {
  const [year = "", month = "", day = ""] = iso.slice(0, 10).split("-");
  return `${Number(day)} ${months[Number(month) - 1] ?? ""}${withYear ? ` ${year}` : ""}`;
}

/** "26 h", "3 h 5 min", "9 d". */
export function span(seconds: number): string {
  return formatSpan(seconds).replace(/ 0 min$/, "");
}

/** "140 ms", "12.3 s", "6 min": what a run takes. */
export function lasting(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000);
}

/** "1 point", "2 points". */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString("en-GB")} ${what}${count === 1 ? "" : "s"}`;
}

/** Where it lies: the device of a volume, or the repository of what is stored. */
export function placeWords(device: string, stored: JobPage["stored"]): string {
  return stored === undefined ? device : `in ${device}`;
}

export const verdictWords: Readonly<Record<Verdict, string>> = {
  kept: "as promised",
  settling: "not known yet",
  overdue: "overdue",
  unpromised: "nothing promised",
};

export function ageWords({ ageSeconds, settling, taken }: VolumePage): string {
  const age = ageSeconds === undefined ? "no complete point" : `${span(ageSeconds)} old`;
  const younger = settling === undefined ? "" : `; one of ${minute(settling)} not complete yet`;
  return `${age}${younger}${taken ? "" : "; not backed up any more"}`;
}

export function stateWords({ state, consistency, lesser }: PointPage): string {
  if (state !== "complete") return state;
  return lesser ? `complete, only ${consistency}` : `complete, ${consistency}`;
}

/** What drills have found. */
export function drillWords({ drill }: JobPage): string {
  if (drill === undefined) return "No drill has restored any of these points.";
  const which = `the point of ${minute(drill.captured)}`;
  return drill.outcome === "ok"
    ? `A drill restored and checked ${which} on ${minute(drill.at)}: it is good.`
    : `A drill restored ${which} on ${minute(drill.at)}: its checks FAILED.`;
}

/** Why a point is there, or what becomes of it. */
export function whyWords({ verdict, reasons, holds }: PointPage): string {
  const held = holds.length > 0 && reasons.length === 0 ? holds : reasons;
  if (verdict === "remove") return "no rule keeps it: the next run removes it";
  if (verdict === "elsewhere") return "no rule keeps it; another role prunes";
  if (verdict === "postponed") return "no rule keeps it; the brake leaves it for now";
  if (verdict === "unknown") return [...holds, "no such job is configured: nothing prunes it"].join("; ");
  // Ids of many volumes hide what is said of them; they are in the table of volumes.
  return held.join("; ").replace(/vol-\w+(?:, vol-\w+)+/g, (list) => `${list.split(", ").length} volumes`);
}

export function basisWords({ basis, everySeconds, runs, shortened, until }: ForecastPage): string {
  const when =
    basis === "schedule"
      ? "as scheduled"
      : `every ${span(everySeconds ?? 0)} as of late, since the job has no schedule here`;
  const cut = shortened
    ? ` There are so many runs that only those until ${minute(until)} were thought through.`
    : "";
  return `If ${counted(runs, "run")} ${when} all succeed and nobody changes anything.${cut}`;
}

export function scheduleWords({ schedule, timezone }: JobPage): string {
  return schedule === undefined ? "no schedule here" : `${schedule} (${timezone ?? "UTC"})`;
}

export function promiseWords({ promise }: JobPage): string {
  if (promise === undefined) return "nothing";
  const from = promise.from === "missedAfter" ? "missedAfter" : "largest gap of the schedule and 2 h";
  return `${span(promise.seconds)} (${from})`;
}

/** "28 complete, 1 partial". */
export function pointCounts(points: readonly PointPage[]): string {
  const counts = (["complete", "pending", "partial", "failed"] as const).map((state) => {
    const count = points.filter((point) => point.state === state).length;
    return count === 0 && state !== "complete" ? "" : `${count.toLocaleString("en-GB")} ${state}`;
  });
  return counts.filter((part) => part !== "").join(", ");
}

export function alarmWords(alarms: AlarmsSeen | undefined): string {
  if (alarms === undefined) return "not known on this host";
  const inAlarm = alarms.alarms.filter(({ state }) => state === "ALARM").length;
  const off = alarms.alarms.filter(({ actionsEnabled }) => !actionsEnabled).length;
  const words = [
    counted(alarms.alarms.length, "alarm"),
    ...(inAlarm > 0 ? [`${inAlarm} in ALARM`] : []),
    ...(off > 0 ? [`${off} switched off`] : []),
  ];
  return `${words.join(", ")} (${minute(alarms.asOf)})`;
}

/** Why there is no chart of runs. */
export const noHistory = "This host remembers no run of the job yet; its next run begins the record.";

/** Why nothing is said of the coming weeks. */
export const noForecast =
  "Nothing is foretold: the job has no schedule here, and too few points show how often it runs.";
