import { describe, expect, test } from "vitest";
import { nextSlot, parseSchedule, slotsBetween } from "../../src/core/schedule.ts";

const HOUR = 3_600_000;
const date = (text: string) => new Date(`${text}Z`);

/** The slots between two instants in UTC as a clock in the zone shows them, with its offset: `03-28 03:00 +02:00`. */
function shown(text: string, zone: string, after: string, until: string): string[] {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "short" });
  const slots = slotsBetween(parseSchedule(text), zone, date(after), date(until), 1_000);
  return slots.map((slot) => {
    const local = format.format(slot);
    const offset = (date(local.replace(" ", "T")).getTime() - slot.getTime()) / HOUR;
    const size = new Date(Math.abs(offset) * HOUR).toISOString().slice(11, 16);
    return `${local.slice(5)} ${offset < 0 ? "-" : "+"}${size}`;
  });
}

function localDay(zone: string): (instant: Date) => string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short" });
  return (instant) => format.format(instant);
}

describe("in Berlin, on the night in spring that has no hour from 2 to 3", () => {
  const night = (text: string) => shown(text, "Europe/Berlin", "2027-03-27T12:00", "2027-03-28T12:00");

  test("a job at 02:30 runs once, at 03:00", () => {
    expect(night("30 2 * * *")).toEqual(["03-28 03:00 +02:00"]);
  });

  test("a job at 02:30 runs at 02:30 on the days around it", () => {
    expect(shown("30 2 * * *", "Europe/Berlin", "2027-03-26T12:00", "2027-03-29T12:00")).toEqual([
      "03-27 02:30 +01:00",
      "03-28 03:00 +02:00",
      "03-29 02:30 +02:00",
    ]);
  });

  test("the slot at the end of the gap is found from any instant before it, and from none after", () => {
    const job = parseSchedule("30 2 * * *");
    const end = date("2027-03-28T01:00");
    for (const before of [1, 1_000, HOUR]) {
      expect(nextSlot(job, "Europe/Berlin", new Date(end.getTime() - before))).toEqual(end);
    }
    expect(nextSlot(job, "Europe/Berlin", end)).toEqual(date("2027-03-29T00:30"));
  });

  test("jobs at several fixed times in the gap share the one slot at its end", () => {
    expect(night("*/15 2 * * *")).toEqual(["03-28 03:00 +02:00"]);
    expect(night("0 1-3 * * *")).toEqual(["03-28 01:00 +01:00", "03-28 03:00 +02:00"]);
    expect(night("30 2,3 * * *")).toEqual(["03-28 03:00 +02:00", "03-28 03:30 +02:00"]);
  });

  test("an hourly job runs every real hour", () => {
    expect(night("0 * * * *").filter((slot) => /^03-28 0[0-4]/.test(slot))).toEqual([
      "03-28 00:00 +01:00",
      "03-28 01:00 +01:00",
      "03-28 03:00 +02:00",
      "03-28 04:00 +02:00",
    ]);
  });

  test("a step of hours leaves out the missing hour", () => {
    expect(night("30 */2 * * *").filter((slot) => /^03-28 0[0-5]/.test(slot))).toEqual([
      "03-28 00:30 +01:00",
      "03-28 04:30 +02:00",
    ]);
  });
});

describe("in Berlin, on the night in autumn that has the hour from 2 to 3 twice", () => {
  const night = (text: string) => shown(text, "Europe/Berlin", "2027-10-30T12:00", "2027-10-31T12:00");

  test("a job at 02:30 runs once, the first time", () => {
    expect(night("30 2 * * *")).toEqual(["10-31 02:30 +02:00"]);
  });

  test("a job at 02:30 is not found again by looking from within the second hour", () => {
    for (const after of ["2027-10-31T00:30", "2027-10-31T01:00", "2027-10-31T01:15", "2027-10-31T01:59"]) {
      expect(nextSlot(parseSchedule("30 2 * * *"), "Europe/Berlin", date(after))).toEqual(
        date("2027-11-01T01:30"),
      );
    }
  });

  test("a fixed range of hours passes the repeated hour once", () => {
    expect(night("30 1-3 * * *")).toEqual(["10-31 01:30 +02:00", "10-31 02:30 +02:00", "10-31 03:30 +01:00"]);
  });

  test("a job every quarter of an hour repeats in the doubled hour", () => {
    expect(night("*/15 * * * *").filter((slot) => slot.includes(" 02:"))).toEqual([
      "10-31 02:00 +02:00",
      "10-31 02:15 +02:00",
      "10-31 02:30 +02:00",
      "10-31 02:45 +02:00",
      "10-31 02:00 +01:00",
      "10-31 02:15 +01:00",
      "10-31 02:30 +01:00",
      "10-31 02:45 +01:00",
    ]);
  });
});

describe("elsewhere", () => {
  test("on Lord Howe, where the clock moves by half an hour, a job in the gap runs at its end", () => {
    expect(shown("15 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00", "2027-10-03T00:00")).toEqual([
      "10-03 02:30 +11:00",
    ]);
    expect(shown("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00", "2027-04-04T00:00")).toEqual([
      "04-04 01:45 +11:00",
    ]);
    expect(shown("45 * * * *", "Australia/Lord_Howe", "2027-04-03T13:30", "2027-04-03T16:00")).toEqual([
      "04-04 00:45 +11:00",
      "04-04 01:45 +11:00",
      "04-04 01:45 +10:30",
    ]);
  });

  test.each([
    ["America/Sao_Paulo", "2018-11-03T12:00", "2018-11-04T12:00", "11-04 01:00 -02:00"],
    ["Asia/Beirut", "2027-03-27T12:00", "2027-03-28T12:00", "03-28 01:00 +03:00"],
    ["Africa/Cairo", "2027-04-29T12:00", "2027-04-30T12:00", "04-30 01:00 +03:00"],
  ])("in %s, where midnight is skipped, a job at midnight runs at one", (zone, after, until, slot) => {
    expect(shown("@daily", zone, after, until)).toEqual([slot]);
  });

  test("in Dublin, whose winter time is the exception by law, nothing differs", () => {
    expect(shown("30 1 * * *", "Europe/Dublin", "2027-03-27T12:00", "2027-03-28T12:00")).toEqual([
      "03-28 02:00 +01:00",
    ]);
    expect(shown("30 1 * * *", "Europe/Dublin", "2027-10-30T12:00", "2027-10-31T12:00")).toEqual([
      "10-31 01:30 +01:00",
    ]);
  });

  test("in Apia, which left out a Friday, that Friday's job runs as Saturday begins", () => {
    expect(shown("0 2 * * *", "Pacific/Apia", "2011-12-29T11:00", "2012-01-01T11:00")).toEqual([
      "12-29 02:00 -10:00",
      "12-31 00:00 +14:00",
      "12-31 02:00 +14:00",
      "01-01 02:00 +14:00",
    ]);
    expect(shown("0 2 * * FRI", "Pacific/Apia", "2011-12-26T00:00", "2012-01-03T00:00")).toEqual([
      "12-31 00:00 +14:00",
    ]);
    expect(shown("0 */12 * * *", "Pacific/Apia", "2011-12-30T00:00", "2011-12-31T00:00")).toEqual([
      "12-31 00:00 +14:00",
      "12-31 12:00 +14:00",
    ]);
  });
});

describe("over ten years", () => {
  const start = date("2025-01-01T12:00");
  const end = date("2035-01-01T12:00");

  test.each([
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Antarctica/Troll",
  ])("in %s a job at a fixed hour runs exactly once each local day", (zone) => {
    const dayOf = localDay(zone);
    for (const text of ["30 2 * * *", "0 0 * * *", "59 23 * * *", "15 1 * * *"]) {
      const days = slotsBetween(parseSchedule(text), zone, start, end, 10_000).map(dayOf);
      expect(new Set(days).size).toBe(days.length);
      expect(days).toHaveLength(3652);
    }
  });

  test.each([
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Africa/Cairo",
    "Pacific/Chatham",
  ])("in %s an hourly job runs every real hour", (zone) => {
    // Zones a fraction of an hour from UTC are a fraction of an hour late, but always the same one.
    const slots = slotsBetween(parseSchedule("0 * * * *"), zone, start, end, 100_000);
    expect(slots).toHaveLength((end.getTime() - start.getTime()) / HOUR);
    expect(slots.every((slot, index) => slot.getTime() === (slots[0]?.getTime() ?? 0) + index * HOUR)).toBe(
      true,
    );
  });

  test("a machine that acts slot by slot never acts twice on one and never goes back", () => {
    let slot = start;
    const seen = new Set<string>();
    while (slot < end) {
      slot = nextSlot(parseSchedule("30 2 * * *"), "Europe/Berlin", slot);
      seen.add(slot.toISOString());
    }
    expect(seen.size).toBe(3653);
  });
});
