import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { instantOf } from "../../src/core/restore-instant.ts";
import { offsetAt } from "../../src/core/zone.ts";
import { zones } from "./point-arbitraries.ts";

const now = new Date("2026-11-21T12:00:00Z");
const read = (text: string, zone = "Europe/Berlin") => instantOf(text, zone, now).toISOString();

describe("the time that a person means", () => {
  it.each([
    ["2026-11-01 03:00", "2026-11-01T02:00:59.999Z"],
    ["2026-11-01T03:00", "2026-11-01T02:00:59.999Z"],
    ["2026-11-01 03:00:07", "2026-11-01T02:00:07.999Z"],
    ["2026-07-01 03:00", "2026-07-01T01:00:59.999Z"],
    ["2026-11-01T03:00Z", "2026-11-01T03:00:59.999Z"],
    ["2026-11-01 03:00:00+05:30", "2026-10-31T21:30:00.999Z"],
    ["2026-11-01T03:00-0800", "2026-11-01T11:00:59.999Z"],
    ["2026-11-01", "2026-11-01T22:59:59.999Z"],
    ["26h ago", "2026-11-20T10:00:00.000Z"],
    [" 2d ", "2026-11-19T12:00:00.000Z"],
    ["1 day ago", "2026-11-20T12:00:00.000Z"],
    ["2 weeks ago", "2026-11-07T12:00:00.000Z"],
    ["90 minutes ago", "2026-11-21T10:30:00.000Z"],
    ["1 hour 5 min ago", "2026-11-21T10:55:00.000Z"],
    ["yesterday", "2026-11-20T22:59:59.999Z"],
    // Shown twice: the first; never shown: the end of the gap.
    ["2026-10-25 02:30", "2026-10-25T00:30:59.999Z"],
    ["2026-03-29 02:30", "2026-03-29T01:00:59.999Z"],
  ])("%s", (text, instant) => {
    expect(read(text)).toBe(instant);
  });

  it.each([
    "",
    "tomorrow",
    "2 dayz ago",
    "2026-13-01",
    "2026-02-30",
    "2026-11-01 24:00",
    "2026-11-01 03:60",
    "03:00",
    "ago",
  ])("%j is refused with what was expected", (text) => {
    expect(() => read(text)).toThrow(/expected a time such as "2026-11-01 03:00".*found/);
  });

  it("is never after what the zone's clocks show for that minute, and never an hour off", () => {
    const zone = fc.constantFrom(...zones);
    fc.assert(
      fc.property(
        zone,
        fc.date({ min: new Date("2026-01-01"), max: new Date("2028-01-01"), noInvalidDate: true }),
        (name, date) => {
          const local = new Date(date.getTime() + offsetAt(name, date.getTime()));
          const found = instantOf(local.toISOString().slice(0, 16), name, now);
          const again = new Date(found.getTime() + offsetAt(name, found.getTime()));
          expect(again.toISOString().slice(0, 16)).toBe(local.toISOString().slice(0, 16));
          expect(found.getTime()).toBeLessThan(date.getTime() + 60_000);
        },
      ),
    );
  });
});
