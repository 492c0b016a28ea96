import { describe, expect, test } from "vitest";
import { restorableVolumes } from "../../src/core/recovery-point.ts";
import type { RetentionPolicy } from "../../src/core/retention-policy.ts";
import { nextSlot, parseSchedule } from "../../src/core/schedule.ts";
import { at, day, hour, idsOf, later, minute, policy, volume } from "../core/points.ts";
import { keptByOracle, periodName } from "../core/retention-oracle.ts";
import { type Pruned, PrunedSeries } from "./pruned-series.ts";

const zone = "Europe/Berlin";
const rules = policy({
  last: 3,
  hourly: 24,
  daily: 7,
  weekly: 4,
  monthly: 12,
  yearly: 2,
  minimum: 3,
  timezone: zone,
});

interface Year {
  readonly schedule: string;
  readonly start: Date;
  readonly end: Date;
  readonly policy: RetentionPolicy;
  /** How far the host's clock is ahead of the cloud's at an instant, in ms. */
  readonly lie?: (cloud: Date) => number;
  readonly settle?: (run: number) => number;
  readonly look?: (pruned: Pruned, series: PrunedSeries, now: Date) => void;
}

interface Lived {
  readonly runs: readonly Date[];
  readonly series: PrunedSeries;
}

/** Lives through the time from run to run: the host's clock says when, the cloud's clock says how old. */
function live({ schedule: text, start, end, policy: inForce, lie, settle, look }: Year): Lived {
  const schedule = parseSchedule(text);
  const series = new PrunedSeries();
  const runs: Date[] = [];
  let now = start;
  for (;;) {
    const ahead = lie?.(now) ?? 0;
    const slot = nextSlot(schedule, zone, later(now, ahead));
    now = later(slot, -ahead);
    if (now > end) return { runs, series };
    const hostClock = later(now, ahead);
    series.capture(now, { policy: inForce, settle: settle?.(runs.length) ?? 0, hostClock });
    const pruned = series.prune(inForce, now);
    look?.(pruned, series, now);
    runs.push(now);
  }
}

/** Mostly minutes, sometimes hours, so that up to four sets are pending at a time; the same every time. */
const settle = (run: number) => (run % 17 < 3 ? 3 * hour + 20 * minute : (run % 50) * minute);

const start = at("2026-06-30T22:00");
const end = at("2027-06-30T22:00");

describe("a year of hourly runs in Berlin", () => {
  test.each(["every 1h", "0 * * * *"])(
    "(%s) holds what retention promises at every step, and ends with exactly the points that the rules name",
    (schedule) => {
      let most = 0;
      let pending = 0;
      const { runs, series } = live({
        schedule,
        start,
        end,
        policy: rules,
        settle,
        look: ({ plan, removed, postponed }, pruned, now) => {
          const left = pruned.list(now);
          most = Math.max(most, left.length);
          const complete = left.filter((one) => one.state === "complete");
          pending = Math.max(pending, left.length - complete.length);
          const kept = new Set(complete.flatMap(restorableVolumes));
          const lost = removed.flatMap(restorableVolumes).filter((one) => !kept.has(one));
          // Asked in one go, since an assertion costs more than all the rest of a step.
          const wrong =
            postponed.length > 0 ||
            plan.keep.length + plan.remove.length !== left.length + removed.length ||
            removed.some(
              (one) => one.state === "pending" || one.captured >= (complete.at(-1)?.captured ?? now),
            ) ||
            lost.length > 0;
          if (wrong)
            expect({ now, removed, postponed, lost }).toBe("a step that holds what retention promises");
        },
      });
      expect(pending).toBe(4);
      // 24 + 7 + 4 + 12 + 2, though some of these are the same point; `last` and `minimum` lie within the hours.
      expect(most).toBeLessThanOrEqual(49);
      expect(most).toBeGreaterThan(40);
      expect(runs).toHaveLength(365 * 24);

      const newest = runs.at(-1) ?? end;
      const everMade = new PrunedSeries();
      for (const [index, run] of runs.entries())
        everMade.capture(run, { policy: rules, settle: settle(index) });
      expect(idsOf(series.list(newest))).toEqual(keptByOracle(everMade.list(newest), rules, newest));
    },
  );

  test("ends with points of these hours, days, weeks, months and years", () => {
    const { series } = live({ schedule: "0 * * * *", start, end, policy: rules });
    const shown = series.list(end).map((one) => berlin(one.captured));
    // The end is midnight, the first instant of July.
    const hours = Array.from(
      { length: 23 },
      (_, index) => `2027-06-30 ${`${index + 1}`.padStart(2, "0")}:00`,
    );
    const days = ["06-25", "06-26", "06-27", "06-28", "06-29"].map((text) => `2027-${text} 23:00`);
    const weeks = ["2027-06-13 23:00", "2027-06-20 23:00"];
    const months = ["2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30", "2026-12-31", "2027-01-31"]
      .concat(["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"])
      .map((text) => `${text} 23:00`);
    expect(shown.sort()).toEqual([...hours, ...days, ...weeks, ...months, "2027-07-01 00:00"].sort());
  });

  // Ages, too, are judged here, which are what a wrong clock would get wrong.
  const aged = policy({ ...rules.counts, hourly: 3, within: 30 * hour, timezone: zone });
  const agedYear = { schedule: "every 3h", start, end, policy: aged, settle };
  let honest: Lived | undefined;

  test.each([
    ["a year ahead", () => 365 * day],
    ["a year behind", () => -365 * day],
    [
      "put a year ahead on a day in December",
      (cloud: Date) => (cloud >= at("2026-12-12T12:00") ? 365 * day : 0),
    ],
  ])("ends with the same points on a host whose clock is %s", (_, lie) => {
    honest ??= live(agedYear);
    const lying = live({ ...agedYear, lie });
    expect(lying.runs).toEqual(honest.runs);
    const newest = honest.runs.at(-1) ?? end;
    expect(idsOf(lying.series.list(newest))).toEqual(idsOf(honest.series.list(newest)));
    expect(lying.series.list(newest).length).toBeLessThanOrEqual(60);
  });

  test("keeps the last copy of a volume that was there for the first week only", () => {
    const series = new PrunedSeries();
    const root = volume({ id: "vol-0a", root: true });
    const guest = volume({ id: "vol-0b" });
    let last = "";
    for (let count = 0; count < 365; count += 1) {
      const now = later(start, count * day);
      const id = series.capture(now, { policy: rules, volumes: count < 7 ? [root, guest] : [root] });
      if (count < 7) last = id;
      series.prune(policy({ last: 3 }), now);
    }
    expect(idsOf(series.list(later(start, 365 * day)))).toContain(last);
  });
});

describe("a year of nightly runs in Berlin", () => {
  test.each(["0 2 * * *", "30 2 * * *"])(
    "(%s) makes exactly one point each local day, through both clock changes",
    (schedule) => {
      const nightly = policy({ daily: 400, timezone: zone });
      const { runs, series } = live({ schedule, start, end, policy: nightly, settle: () => hour });
      const days = runs.map((run) => periodName("daily", zone, run));
      const expected = Array.from({ length: 365 }, (_, index) => later(at("2026-07-01T00:00"), index * day));
      expect(days).toEqual(expected.map((one) => one.toISOString().slice(0, 10)));
      expect(series.list(end)).toHaveLength(365);
    },
  );

  test.each(["0 2 * * *", "30 2 * * *"])(
    "(%s) ends with exactly the points that the rules name",
    (schedule) => {
      const thinned = policy({
        daily: 7,
        weekly: 4,
        monthly: 12,
        within: 3 * day,
        minimum: 3,
        timezone: zone,
      });
      const { runs, series } = live({
        schedule,
        start,
        end,
        policy: thinned,
        settle: () => hour,
        look: ({ removed, postponed }) => {
          expect(removed.length).toBeLessThanOrEqual(2);
          expect(postponed).toEqual([]);
        },
      });
      const newest = runs.at(-1) ?? end;
      const everMade = new PrunedSeries();
      for (const run of runs) everMade.capture(run, { policy: thinned, settle: hour });
      expect(idsOf(series.list(newest))).toEqual(keptByOracle(everMade.list(newest), thinned, newest));
    },
  );
});

const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });

function berlin(instant: Date): string {
  return clock.format(instant);
}
