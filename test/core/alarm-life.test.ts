import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { largestGap } from "../../src/core/largest-gap.ts";
import { parseSchedule } from "../../src/core/schedule.ts";
import { day, hour, jobOf, live, minute, missedAlarm } from "./alarm-life.ts";

const schedules = [
  "0 2 * * *",
  "30 2 * * *",
  "0 2 * * 1-5",
  "0 */6 * * *",
  "every 12h",
  "every 1h",
  "every 15m",
  "every 4d",
  "0 3 * * 0",
  "0 3 1 * *",
  "@yearly",
];

/** Sixty days that begin somewhere before a clock change of Berlin and of New York, or in no such time. */
const beginnings = ["2027-03-01T11:20:00Z", "2027-10-03T23:59:00Z", "2027-05-05T05:05:05Z"].map(Date.parse);

const world = fc.record({
  schedule: fc.constantFrom(...schedules),
  timezone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York"),
  splay: fc.integer({ min: 0, max: 90 }).map((minutes) => minutes * minute),
  from: fc.constantFrom(...beginnings),
  extra: fc.constantFrom(0, 1, 2),
  phase: fc.integer({ min: 0, max: 59 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 48_271) >>> 0) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}

type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

function lifeOf(one: World) {
  const { schedule, timezone, splay, from, extra, phase, seed } = one;
  const job = jobOf(schedule, { timezone, splay });
  return { job, from, until: from + 60 * day, extra, phase, random: generator(seed) };
}

const patience = process.env["SOAK"] === "1" ? 600_000 : 120_000;
const runs = { numRuns: process.env["SOAK"] === "1" ? 400 : 40 };

describe("the alarm for missed backups", () => {
  it(
    "is silent for 60 days of healthy runs with splay, restarts and clock changes",
    () => {
      fc.assert(
        fc.property(world, (one) => {
          expect(live(lifeOf(one)).messages).toEqual([]);
        }),
        runs,
      );
    },
    patience,
  );

  it(
    "tells of a dead agent within the time that it promises, once",
    () => {
      fc.assert(
        fc.property(world, fc.integer({ min: 1, max: 30 * 24 }), (one, after) => {
          const life = lifeOf(one);
          const deadFrom = life.from + after * hour;
          const until = deadFrom + 400 * day;
          const { messages, alarm, lastCapture } = live({ ...life, deadFrom, until });
          expect(messages.map(({ state }) => state)).toEqual(["ALARM"]);
          const told = (messages[0]?.at ?? 0) - Math.max(lastCapture + 15 * minute, life.from);
          expect(told).toBeLessThanOrEqual(alarm.tellsWithin);
        }),
        { numRuns: Math.ceil(runs.numRuns / 4) },
      );
    },
    patience,
  );

  it(
    "tells no earlier than the job's backup may be old",
    () => {
      fc.assert(
        fc.property(world, (one) => {
          const life = lifeOf(one);
          const { alarm, beat } = missedAlarm(life.job, new Date(life.from));
          if (beat) return;
          const deadFrom = life.from + 10 * day;
          const { messages, lastCapture } = live({ ...life, deadFrom, until: deadFrom + 20 * day });
          expect((messages[0]?.at ?? 0) - lastCapture).toBeGreaterThan(alarm.threshold * 1000 - 2 * hour);
        }),
        { numRuns: Math.ceil(runs.numRuns / 4) },
      );
    },
    patience,
  );

  it(
    "is silent over a month's power-off, also when it ends right before or after a slot",
    () => {
      const short = world.filter(
        ({ schedule }) => largestGap(parseSchedule(schedule), "UTC", new Date(0)) <= day,
      );
      fc.assert(
        fc.property(short, fc.integer({ min: 1, max: 40 * 24 * 60 }), (one, minutes) => {
          const life = lifeOf(one);
          const from = life.from + 10 * day;
          const off = { from, to: from + minutes * minute };
          const heard = live({ ...life, off, mayPause: true, until: off.to + 20 * day }).messages;
          expect(heard.filter(({ state }) => state === "ALARM")).toEqual([]);
        }),
        runs,
      );
    },
    patience,
  );

  it(
    "tells one ALARM and one OK over a month's power-off without the right to silence it",
    () => {
      const life = lifeOf({ ...first, schedule: "0 2 * * *" });
      const off = { from: life.from + 10 * day, to: life.from + 40 * day };
      const { messages } = live({ ...life, off, until: life.from + 60 * day });
      expect(messages.map(({ state }) => state)).toEqual(["ALARM", "OK"]);
    },
    patience,
  );

  it(
    "still tells of an agent that does not come back after a month's power-off",
    () => {
      const life = lifeOf({ ...first, schedule: "0 2 * * *" });
      const off = { from: life.from + 10 * day, to: life.from + 40 * day };
      const { messages } = live({
        ...life,
        off,
        mayPause: true,
        deadFrom: off.from,
        until: off.to + 20 * day,
      });
      expect(messages.map(({ state }) => state)).toEqual(["ALARM"]);
      expect((messages[0]?.at ?? 0) - off.to).toBeLessThan(48 * hour);
    },
    patience,
  );
});

const first: World = {
  schedule: "0 2 * * *",
  timezone: "Europe/Berlin",
  splay: hour,
  from: Date.parse("2027-03-01T11:20:00Z"),
  extra: 2,
  phase: 7,
  seed: 4711,
};
