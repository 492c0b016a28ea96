import { describe, expect, test } from "vitest";
import { parseCron } from "../../src/core/cron.ts";
import { formatSchedule, parseSchedule } from "../../src/core/schedule.ts";

const MINUTE = 60_000;
const COUNT = "expected 5 fields (minute, hour, day of month, month, day of week), found";

describe("a cron field", () => {
  test("reads lists, ranges, steps and names in any case", () => {
    expect(parseCron("0,30 8-10,20 1-31/10 jan-MAR,Dec mon-fri/2")).toEqual({
      expression: "0,30 8-10,20 1-31/10 jan-MAR,Dec mon-fri/2",
      minutes: [0, 30],
      hours: [8, 9, 10, 20],
      daysOfMonth: [1, 11, 21, 31],
      months: [1, 2, 3, 12],
      daysOfWeek: [1, 3, 5],
      eitherDay: true,
      anyHour: false,
    });
  });

  test.each([
    ["*", [0, 1, 2, 3, 4, 5, 6]],
    ["0", [0]],
    ["7", [0]],
    ["SUN", [0]],
    ["0-7", [0, 1, 2, 3, 4, 5, 6]],
    ["5-7", [0, 5, 6]],
    ["FRI-SUN", [0, 5, 6]],
    ["*/2", [0, 2, 4, 6]],
    ["*/7", [0]],
    ["6,7,0", [0, 6]],
  ])("of the week %j is the days %j", (field, days) => {
    expect(parseCron(`0 0 * * ${field}`).daysOfWeek).toEqual(days);
  });

  test.each([
    ["*", true],
    ["*/2", true],
    ["0-23", true],
    ["2", false],
    ["1-3", false],
    ["0-22/2", false],
  ])("of the hour %j is a wildcard: %j", (field, anyHour) => {
    expect(parseCron(`0 ${field} * * *`).anyHour).toBe(anyHour);
  });

  test.each([
    ["0 0 13 * 5", true],
    ["0 0 1-31 * 5", true],
    ["0 0 */2 * 5", false],
    ["0 0 13 * */2", false],
    ["0 0 * * 5", false],
    ["0 0 13 * *", false],
  ])("pair for the day in %j matches on either day: %j", (expression, eitherDay) => {
    expect(parseCron(expression).eitherDay).toBe(eitherDay);
  });
});

describe("a schedule", () => {
  test.each([
    ["@hourly", "0 * * * *"],
    ["@daily", "0 0 * * *"],
    ["@midnight", "0 0 * * *"],
    ["@weekly", "0 0 * * 0"],
    ["@monthly", "0 0 1 * *"],
    ["@yearly", "0 0 1 1 *"],
    [" @Annually ", "0 0 1 1 *"],
    ["  5   2 * * *  ", "5 2 * * *"],
  ])("%j is the same as %j", (text, expression) => {
    expect(parseSchedule(text)).toEqual({ kind: "cron", ...parseCron(expression) });
  });

  test.each([
    ["every 12h", 720 * MINUTE],
    ["every 1d", 1440 * MINUTE],
    ["Every  1h30m", 90 * MINUTE],
    ["every 1m", MINUTE],
    ["every 366d", 366 * 1440 * MINUTE],
  ])("%j is a period of %i ms", (text, every) => {
    expect(parseSchedule(text)).toEqual({ kind: "every", every });
  });

  test.each(["0 2 * * *", "*/15 8-18 * JAN-MAR MON-FRI", "every 12h", "every 1h30m", "@daily"])(
    "%j survives being written and read back",
    (text) => {
      const schedule = parseSchedule(text);
      expect(parseSchedule(formatSchedule(schedule))).toEqual(schedule);
    },
  );

  test.each([
    ["0 25 * * *", "hour: 25 is outside 0-23"],
    ["60 2 * * *", "minute: 60 is outside 0-59"],
    ["0 2 0 * *", "day of month: 0 is outside 1-31"],
    ["61 2 * 13 8", "minute: 61 is outside 0-59; month: 13 is outside 1-12; day of week: 8 is outside 0-7"],
    ["0 2 * FOO *", 'month: "FOO" is not a value of 1-12 or JAN-DEC'],
    [
      "0 2 L * ?",
      'day of month: "L" is not a value of 1-31; day of week: "?" is not a value of 0-7 or SUN-SAT',
    ],
    ["1,,2 * * * *", 'minute: "" is not a value of 0-59'],
    ["-5 * * * *", 'minute: "" is not a value of 0-59'],
    ["0 1.5 * * *", 'hour: "1.5" is not a value of 0-23'],
    ["0 22-2 * * *", 'hour: range "22-2" runs backwards, expected the lower end first'],
    ["0 1-2-3 * * *", 'hour: "2-3" is not a value of 0-23'],
    ["5/15 * * * *", 'minute: "5/15" has a step without a range, expected "5-59/15"'],
    ["*/0 * * * *", 'minute: step "0" is outside 1-59'],
    ["*/90 * * * *", 'minute: step "90" is outside 1-59'],
    ["*/ * * * *", 'minute: step "" is outside 1-59'],
    ["*/2/2 * * * *", 'minute: step "2/2" is outside 1-59'],
    ["", `${COUNT} nothing`],
    ["0", `${COUNT} 1 field`],
    ["0 2 * *", `${COUNT} 4 fields`],
    ["0 0 2 * * *", `${COUNT} 6 fields (seconds and years are not supported)`],
    ["0 0 2 * * * 2027", `${COUNT} 7 fields (seconds and years are not supported)`],
    ["0 0 30 2 *", "can never fire: day of month 30 does not exist in month 2"],
    ["0 0 31 2,4,6,9,11 *", "can never fire: day of month 31 does not exist in month 2,4,6,9,11"],
    ["0 0 31 FEB */2", "can never fire: day of month 31 does not exist in month FEB"],
    [
      "@reboot",
      'expected one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, found "@reboot"',
    ],
    ["every 30s", 'expected whole minutes from 1m to 366d after "every", found "30s"'],
    ["every 90s", 'expected whole minutes from 1m to 366d after "every", found "90s"'],
    ["every 0m", 'expected whole minutes from 1m to 366d after "every", found "0m"'],
    ["every 367d", 'expected whole minutes from 1m to 366d after "every", found "367d"'],
    [
      "every day",
      'expected a duration such as "90m", "12h" or "1h30m" (units w, d, h, m, s, ms), found "day"',
    ],
  ])("%j is refused: %s", (text, message) => {
    expect(() => parseSchedule(text)).toThrow(new RangeError(message));
  });

  test.each(["0 0 29 2 *", "0 0 31 2,3 *", "0 0 30 2 MON", "0 0 29 2 */3"])(
    "%j is rare but accepted",
    (text) => {
      expect(parseSchedule(text).kind).toBe("cron");
    },
  );
});
