import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Alarm, type AlarmState, missingDataTreatments } from "../../src/simulator/cloudwatch/alarm.ts";
import { evaluate, type PeriodValue, type Rule } from "../../src/simulator/cloudwatch/evaluate.ts";
import {
  isMultiDay,
  nextEvaluation,
  periodsAt,
  type Timing,
} from "../../src/simulator/cloudwatch/evaluation-window.ts";
import { playAlarms } from "../../src/simulator/cloudwatch/play-alarms.ts";
import { isZone, nextPeriodStart, periodStart } from "../../src/simulator/cloudwatch/zone.ts";
import { emptyWorld } from "../../src/simulator/empty-world.ts";
import type { DataPoint, Settings, World } from "../../src/simulator/world.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.parse("2026-03-01T00:00:00Z");

/** `0 - X`: periods in the notation of AWS's tables, the newest on the right; the answer has the newest first. */
function range(notation: string): PeriodValue[] {
  const values = notation.split(" ").map((sign) => (sign === "-" ? null : sign === "X" ? 10 : 0));
  return values.reverse().map((value, index) => ({ start: start - index * minute, value }));
}

const rule = (change: Partial<Rule> = {}): Rule => ({
  evaluationPeriods: 3,
  datapointsToAlarm: 3,
  threshold: 5,
  comparison: "GreaterThanThreshold",
  treatMissingData: "missing",
  ...change,
});

// "Retain current state" is null.
type Row = [
  points: string,
  filled: number,
  missing: AlarmState | null,
  ignore: AlarmState | null,
  breaching: AlarmState,
  notBreaching: AlarmState,
];

describe("the tables of AWS's user guide", () => {
  const threeOfThree: Row[] = [
    ["0 - X - X", 0, "OK", "OK", "OK", "OK"],
    ["0 - - - -", 2, "OK", "OK", "OK", "OK"],
    ["- - - - -", 3, "INSUFFICIENT_DATA", null, "ALARM", "OK"],
    ["0 X X - X", 0, "ALARM", "ALARM", "ALARM", "ALARM"],
    ["- - X - -", 2, "ALARM", null, "ALARM", "OK"],
  ];
  const twoOfThree: Row[] = [
    ["0 - X - X", 0, "ALARM", "ALARM", "ALARM", "ALARM"],
    ["0 0 X 0 X", 0, "ALARM", "ALARM", "ALARM", "ALARM"],
    ["0 - X - -", 1, "OK", "OK", "ALARM", "OK"],
    ["- - - - 0", 2, "OK", "OK", "ALARM", "OK"],
    ["- - - X -", 2, "ALARM", null, "ALARM", "OK"],
  ];
  const treatments = ["missing", "ignore", "breaching", "notBreaching"] as const;
  const rows = [
    ...threeOfThree.map((row) => ({ needed: 3, row })),
    ...twoOfThree.map((row) => ({ needed: 2, row })),
  ];
  test.each(rows)("$needed of 3: $row.0", ({ needed, row: [points, filled, ...states] }) => {
    const results = treatments.map((treatMissingData) =>
      evaluate(rule({ datapointsToAlarm: needed, treatMissingData }), range(points)),
    );
    expect(results.map(({ state }) => state)).toEqual(states);
    expect(results.map((result) => result.filled)).toEqual([filled, filled, filled, filled]);
  });

  test.each(["- - - - X", "- - - X -"])("no premature alarm with 3 of 3: %s", (points) => {
    expect(evaluate(rule(), range(points)).state).toBeNull();
    expect(evaluate(rule(), range(`${points.slice(2)} 0`)).state).toBe("OK");
  });
});

test("the oldest breaching value decides whether an alarm would be premature", () => {
  expect(evaluate(rule(), range("- X - X -")).state).toBe("ALARM");
  expect(evaluate(rule({ evaluationPeriods: 4, datapointsToAlarm: 4 }), range("- - X X - -")).state).toBe(
    "ALARM",
  );
  expect(
    evaluate(rule({ evaluationPeriods: 4, datapointsToAlarm: 4 }), range("- - - X X -")).state,
  ).toBeNull();
});

test("with enough real values the treatment of missing ones does not matter, and they are used as few times as possible", () => {
  const cases = fc.record({
    values: fc.array(fc.constantFrom(0, 10, null), { minLength: 1, maxLength: 12 }),
    periods: fc.integer({ min: 1, max: 6 }),
  });
  fc.assert(
    fc.property(cases, fc.integer({ min: 1, max: 6 }), ({ values, periods }, wanted) => {
      const needed = Math.min(wanted, periods);
      const given = values.map((value, index) => ({ start: -index, value }));
      const real = values.filter((value) => value !== null);
      const states = missingDataTreatments.map((treatMissingData) =>
        evaluate(rule({ evaluationPeriods: periods, datapointsToAlarm: needed, treatMissingData }), given),
      );
      for (const each of states) expect(each.filled).toBe(Math.max(0, periods - real.length));
      if (real.length >= periods) {
        const bad = real.slice(0, periods).filter((value) => value === 10).length;
        for (const each of states) expect(each.state).toBe(bad >= needed ? "ALARM" : "OK");
      }
    }),
  );
});

test.each([
  ["GreaterThanThreshold", ["OK", "OK", "ALARM"]],
  ["GreaterThanOrEqualToThreshold", ["OK", "ALARM", "ALARM"]],
  ["LessThanThreshold", ["ALARM", "OK", "OK"]],
  ["LessThanOrEqualToThreshold", ["ALARM", "ALARM", "OK"]],
] as const)("%s at 4, 5 and 6 with a threshold of 5", (comparison, states) => {
  const given = rule({ comparison, evaluationPeriods: 1, datapointsToAlarm: 1 });
  expect([4, 5, 6].map((value) => evaluate(given, [{ start: 0, value }]).state)).toEqual(states);
});

describe("evaluation takes place", () => {
  const timing = (change: Partial<Timing> = {}): Timing => ({
    name: "a",
    period: 300,
    evaluationPeriods: 1,
    wallClock: null,
    ...change,
  });
  const at = (text: string) => Date.parse(`2026-03-01T${text}Z`);

  test("every minute, over the minutes before: 1 to 5, then 2 to 6", () => {
    expect(nextEvaluation(timing(), at("00:04:30"))).toBe(at("00:05:00"));
    expect(nextEvaluation(timing(), at("00:05:00"))).toBe(at("00:06:00"));
    expect(periodsAt(timing(), at("00:05:00"), 0)).toEqual([{ start: at("00:00:00"), end: at("00:05:00") }]);
    expect(periodsAt(timing(), at("00:06:00"), 0)).toEqual([{ start: at("00:01:00"), end: at("00:06:00") }]);
    expect(periodsAt(timing({ evaluationPeriods: 3 }), at("00:06:00"), 2)).toHaveLength(5);
  });

  test("once an hour when periods times length exceed a day, and then only up to the full hour", () => {
    const daily = timing({ period: 86_400 });
    expect([isMultiDay(daily), isMultiDay({ ...daily, evaluationPeriods: 2 })]).toEqual([false, true]);
    const long = timing({ period: 3_600, evaluationPeriods: 72 });
    expect(nextEvaluation(long, at("10:03:00"), 3)).toBe(at("11:03:00"));
    expect(nextEvaluation(long, at("10:02:59"), 3)).toBe(at("10:03:00"));
    expect(periodsAt(long, at("11:03:00"), 0)[0]).toEqual({ start: at("10:00:00"), end: at("11:00:00") });
  });

  test("every 10 seconds with high resolution", () => {
    expect(nextEvaluation(timing({ period: 10 }), at("00:00:10"))).toBe(at("00:00:20"));
  });

  test("over whole days, weeks and hours of a zone with a wall clock window", () => {
    const clock = (period: number, zone: string | null) =>
      timing({ period, evaluationPeriods: 2, wallClock: { zone } });
    const [last, before] = periodsAt(clock(86_400, "Europe/Berlin"), Date.parse("2026-03-30T12:00:00Z"), 2);
    // The 29th had 23 hours.
    expect(last).toEqual({
      start: Date.parse("2026-03-28T23:00:00Z"),
      end: Date.parse("2026-03-29T22:00:00Z"),
    });
    expect(before?.start).toBe(Date.parse("2026-03-27T23:00:00Z"));
    expect(periodsAt(clock(86_400, null), at("12:00:00"), 2)).toHaveLength(2);
    const [week] = periodsAt(clock(604_800, null), Date.parse("2026-03-04T12:00:00Z"), 2);
    expect(new Date(week?.start ?? 0).toISOString()).toBe("2026-02-23T00:00:00.000Z");
    const [indian] = periodsAt(clock(3_600, "Asia/Kolkata"), at("12:10:00"), 2);
    expect(indian?.end).toBe(at("11:30:00"));
  });

  test("in the zones that CloudWatch knows", () => {
    const good = ["America/New_York", "Z", "+05:30", "-08:00", "UTC+05:30", "GMT-08:00", "+01:05"];
    expect(good.filter((zone) => !isZone(zone))).toEqual([]);
    expect(["+01:03", "Mars/Olympus", "+25:00", ""].filter(isZone)).toEqual([]);
  });

  test("clock days follow each other without gap or overlap through both changes of the clock", () => {
    for (const zone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "+05:30"]) {
      let edge = periodStart(zone, day, start);
      for (let index = 0; index < 400; index += 1) {
        const next = nextPeriodStart(zone, day, edge);
        expect(Math.abs(next - edge - day)).toBeLessThanOrEqual(hour);
        expect(periodStart(zone, day, next - 1)).toBe(edge);
        edge = next;
      }
      expect(edge).toBe(periodStart(zone, day, start + 400 * day + 2 * hour));
    }
  });
});

describe("passing over instants at which nothing can change", () => {
  const settings = {
    account: "111122223333",
    partition: "aws",
    region: "eu-central-1",
    seed: 1,
    alarms: { extraPeriods: 2, newParameters: "accepted", tellKeyFaults: false },
  } as unknown as Settings;

  const world = (alarm: Alarm, points: DataPoint[]): World => ({
    settings,
    ...emptyWorld(),
    alarms: { [alarm.name]: structuredClone(alarm) },
    series: {
      [JSON.stringify(["n", "m", []])]: {
        namespace: "n",
        name: "m",
        dimensions: [],
        createdAt: 0,
        lastPutAt: 0,
        points,
      },
    },
  });

  const alarms: fc.Arbitrary<Alarm> = fc
    .record({
      shape: fc.constantFrom(
        { period: 60, evaluationPeriods: 3 },
        { period: 300, evaluationPeriods: 4 },
        { period: 3_600, evaluationPeriods: 1 },
        { period: 3_600, evaluationPeriods: 5 },
        { period: 3_600, evaluationPeriods: 26 },
        { period: 21_600, evaluationPeriods: 5 },
        { period: 86_400, evaluationPeriods: 1 },
      ),
      name: fc.constantFrom("a", "b", "c", "d"),
      needed: fc.integer({ min: 1, max: 5 }),
      treatMissingData: fc.constantFrom(...missingDataTreatments),
      zone: fc.constantFrom(undefined, null, "Europe/Berlin", "+05:30"),
      warmUp: fc.constantFrom(null, { minutes: 90, whole: false }, { minutes: 700, whole: true }),
    })
    .map(({ shape, name, needed, treatMissingData, zone, warmUp }) => ({
      ...shape,
      name,
      treatMissingData,
      warmUp,
      wallClock: zone === undefined || shape.period === 21_600 ? null : { zone },
      datapointsToAlarm: Math.min(needed, shape.evaluationPeriods),
      threshold: 5,
      comparison: "GreaterThanThreshold",
      statistic: "Maximum",
      namespace: "n",
      metric: "m",
      dimensions: [],
      unit: null,
      description: null,
      actionsEnabled: true,
      okActions: [],
      alarmActions: [],
      insufficientDataActions: [],
      tags: {},
      state: "INSUFFICIENT_DATA",
      reason: "",
      reasonData: null,
      createdAt: start,
      configuredAt: start,
      stateSetAt: start,
      stateChangedAt: start,
      evaluatedUntil: start,
      warm: warmUp === null,
    }));

  const length = 3 * day;
  const points = fc.array(
    fc.record({
      // Seconds, some of them on the edges of minutes and hours.
      time: fc.oneof(
        fc.integer({ min: -day / 1_000, max: length / 1_000 }),
        fc.integer({ min: -24, max: 72 }).map((hours) => hours * 3_600),
        fc.integer({ min: 0, max: 72 * 60 }).map((minutes) => minutes * 60),
      ),
      delay: fc.constantFrom(0, 0, 0, 30, 7_200),
      value: fc.constantFrom(0, 10),
    }),
    { maxLength: 12 },
  );

  const whole = (alarm: Alarm, given: DataPoint[], step: number) => {
    const played = world(alarm, given);
    for (let now = start + step; now <= start + length; now += step) playAlarms(played, now);
    return played.alarmHistory;
  };

  const pointAt = (seconds: number, delay: number, value: number): DataPoint => ({
    time: start + seconds * 1_000,
    seenFrom: start + (seconds + delay) * 1_000,
    unit: "None",
    sum: value,
    minimum: value,
    maximum: value,
    count: 1,
  });

  test.each([
    ["of clock hours, whose window slides while it warms up", 3_600, [1_080]],
    ["of minutes, with a point from long before it was made", 60, [-6_000, 3_600]],
  ])("an alarm %s, is warm at the same instant", (_, period, times) => {
    const [sample] = fc.sample(alarms, { numRuns: 1, seed: 1 });
    const alarm = {
      ...(sample as Alarm),
      period,
      evaluationPeriods: period === 60 ? 3 : 1,
      datapointsToAlarm: 1,
      treatMissingData: "notBreaching" as const,
      wallClock: period === 60 ? null : { zone: "Europe/Berlin" },
      warmUp: { minutes: 90, whole: false },
      warm: false,
    };
    const given = times.map((time) => pointAt(time, 30, 0));
    const history = whole(alarm, given, minute);
    expect(history.map(({ time }) => time < start + 90 * minute)).toContain(true);
    expect(whole(alarm, given, length)).toEqual(history);
  });

  test("gives the same history as looking every minute", () => {
    const runs = process.env.SOAK === "1" ? 300 : 20;
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    console.log(`seed ${seed}`);
    fc.assert(
      fc.property(alarms, points, (alarm, given) => {
        const data = given.map(({ time, delay, value }) => pointAt(time, delay, value));
        const eachMinute = whole(alarm, data, minute);
        expect(whole(alarm, data, length)).toEqual(eachMinute);
        expect(whole(alarm, data, 7 * hour + 1_234)).toEqual(
          eachMinute.filter(({ time }) => time <= start + 10 * (7 * hour + 1_234)),
        );
      }),
      { numRuns: runs, seed },
    );
  });
});
