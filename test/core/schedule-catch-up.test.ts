import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { catchUp, defaultSkipWithin, nextWake, type Timing } from "../../src/core/catch-up.ts";
import { countSlots, nextSlot, parseSchedule, previousSlot } from "../../src/core/schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const date = (text: string) => new Date(`${text}Z`);
const timing = (text: string, lastSlot: string | undefined, splay = 0): Timing => ({
  schedule: parseSchedule(text),
  zone: "UTC",
  splay,
  lastSlot: lastSlot === undefined ? undefined : date(lastSlot),
});

describe("the next wake", () => {
  test("is the next slot plus the machine's splay", () => {
    expect(nextWake(timing("0 2 * * *", undefined, 45 * MINUTE), date("2027-01-01T12:00"))).toEqual({
      slot: date("2027-01-02T02:00"),
      at: date("2027-01-02T02:45"),
    });
  });

  test("still waits for a slot whose splay has not run out", () => {
    const wake = { slot: date("2027-01-02T02:00"), at: date("2027-01-02T02:45") };
    for (const now of ["2027-01-02T02:00", "2027-01-02T02:10", "2027-01-02T02:45"]) {
      expect(nextWake(timing("0 2 * * *", "2027-01-01T02:00", 45 * MINUTE), date(now))).toEqual(wake);
    }
  });

  test("never gives a handled slot again, also when the clock was put back a little", () => {
    const handled = timing("0 2 * * *", "2027-01-02T02:00", 45 * MINUTE);
    for (const now of ["2027-01-02T02:45", "2027-01-02T02:44", "2027-01-02T01:30"]) {
      expect(nextWake(handled, date(now)).slot).toEqual(date("2027-01-03T02:00"));
    }
  });

  test("ignores a slot that a wrong clock has handled far in the future", () => {
    const now = date("2027-01-01T12:00");
    const wrong = timing("0 2 * * *", "2035-01-01T02:00");
    expect(nextWake(wrong, now).slot).toEqual(date("2027-01-02T02:00"));
    expect(catchUp(wrong, now)).toEqual({ kind: "none" });
  });

  test("works through slots one by one where the splay is longer than the schedule's period", () => {
    expect(nextWake(timing("0 * * * *", "2027-01-01T01:00", 90 * MINUTE), date("2027-01-01T02:31"))).toEqual({
      slot: date("2027-01-01T02:00"),
      at: date("2027-01-01T03:30"),
    });
  });
});

describe("catching up", () => {
  test("runs the one slot that was missed", () => {
    expect(catchUp(timing("0 2 * * *", "2027-01-01T02:00"), date("2027-01-02T08:00"))).toEqual({
      kind: "run",
      slot: date("2027-01-02T02:00"),
      missed: 1,
    });
  });

  test("runs only the newest of many missed slots and counts them all", () => {
    expect(catchUp(timing("0 2 * * *", "2027-01-01T02:00"), date("2027-01-31T08:00"))).toEqual({
      kind: "run",
      slot: date("2027-01-31T02:00"),
      missed: 30,
    });
  });

  test("is left out when the next slot is near, and says so", () => {
    expect(catchUp(timing("0 2 * * *", "2027-01-01T02:00"), date("2027-01-03T01:30"))).toEqual({
      kind: "skip-next-is-near",
      slot: date("2027-01-02T02:00"),
      next: { slot: date("2027-01-03T02:00"), at: date("2027-01-03T02:00") },
      missed: 1,
    });
  });

  test("counts the splay into the distance of the next slot", () => {
    const now = date("2027-01-03T01:30");
    expect(catchUp(timing("0 2 * * *", "2027-01-01T02:00", 31 * MINUTE), now).kind).toBe("run");
    expect(catchUp(timing("0 2 * * *", "2027-01-01T02:00", 29 * MINUTE), now).kind).toBe("skip-next-is-near");
  });

  test("happens up to the very distance given, and always with a distance of 0", () => {
    const missed = timing("0 2 * * *", "2027-01-01T02:00");
    expect(catchUp(missed, date("2027-01-03T01:30"), 30 * MINUTE).kind).toBe("run");
    expect(catchUp(missed, date("2027-01-03T01:30"), 30 * MINUTE + 1).kind).toBe("skip-next-is-near");
    expect(catchUp(missed, date("2027-01-03T01:59"), 0).kind).toBe("run");
  });

  test.each([
    ["never ran", undefined, "2027-01-03T08:00"],
    ["handled the newest slot", "2027-01-03T02:00", "2027-01-03T08:00"],
    ["still waits for its splay", "2027-01-02T02:00", "2027-01-03T02:10"],
    ["acts at this very instant", "2027-01-02T02:00", "2027-01-03T02:20"],
    ["had its clock put back after a run", "2027-01-03T02:00", "2027-01-03T01:50"],
  ])("does nothing on a machine that %s", (_, lastSlot, now) => {
    expect(catchUp(timing("0 2 * * *", lastSlot, 20 * MINUTE), date(now))).toEqual({ kind: "none" });
  });

  test("of a period works as that of a cron expression", () => {
    expect(catchUp(timing("every 12h", "2027-01-01T00:00"), date("2027-01-03T14:00"))).toEqual({
      kind: "run",
      slot: date("2027-01-03T12:00"),
      missed: 5,
    });
  });

  test.each([
    ["0 2 * * *", HOUR],
    ["every 12h", HOUR],
    ["0 * * * *", 15 * MINUTE],
    ["*/10 * * * *", 2.5 * MINUTE],
  ])("of %j is left out by default when the next slot is nearer than %i ms", (text, distance) => {
    expect(defaultSkipWithin(timing(text, undefined), date("2027-01-01T12:01"))).toBe(distance);
  });

  test("and waiting share out every slot: one is either waited for, missed or handled", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("0 2 * * *", "0 * * * *", "every 7h", "30 1 * * MON"),
        fc.nat({ max: 3 * HOUR }),
        fc.nat({ max: 40 * 24 * 60 }),
        fc.nat({ max: 40 * 24 * 60 }),
        (text, splay, handledAt, nowAt) => {
          const start = date("2027-01-01T00:00").getTime();
          const now = new Date(start + nowAt * MINUTE);
          const unknown = timing(text, undefined, splay);
          const { schedule, zone } = unknown;
          const lastSlot = previousSlot(
            schedule,
            zone,
            new Date(start + Math.min(handledAt, nowAt) * MINUTE),
          );
          const known = { ...unknown, lastSlot };
          const decision = catchUp(known, now, 0);
          const wake = nextWake(known, now);
          expect(wake.at.getTime()).toBeGreaterThanOrEqual(now.getTime());
          const missed = decision.kind === "none" ? 0 : decision.missed;
          expect(countSlots(schedule, zone, lastSlot, wake.slot)).toBe(missed + 1);
          if (decision.kind === "run") {
            expect(decision.slot.getTime() + splay).toBeLessThan(now.getTime());
            expect(nextSlot(schedule, zone, decision.slot)).toEqual(wake.slot);
            expect(catchUp({ ...known, lastSlot: decision.slot }, now, 0)).toEqual({ kind: "none" });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
