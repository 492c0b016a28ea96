import { describe, expect, it } from "vitest";
import { nextDue } from "../../src/core/dump-due.ts";

const sundays = "0 4 * * 0";
const at = (text: string) => new Date(`${text}Z`);
/** A Monday. */
const now = at("2026-11-23T22:00:00");

describe("a dump with a schedule of its own", () => {
  it("is due where nothing was made since its last slot", () => {
    expect(nextDue(sundays, "UTC", [], now)).toBeUndefined();
    expect(nextDue(sundays, "UTC", [at("2026-11-22T03:59:00")], now)).toBeUndefined();
  });

  it("is not due again until its next slot", () => {
    expect(nextDue(sundays, "UTC", [at("2026-11-22T22:00:00")], now)).toEqual(at("2026-11-29T04:00:00"));
  });

  it("is due while one of its series lacks a point, but not for one that is gone for longer", () => {
    const made = at("2026-11-22T22:00:00");
    expect(nextDue(sundays, "UTC", [made, at("2026-11-15T22:00:00")], now)).toBeUndefined();
    expect(nextDue(sundays, "UTC", [made, at("2026-11-14T22:00:00")], now)).toBeDefined();
  });

  it("goes by the zone of its job", () => {
    const monday = at("2026-11-23T00:30:00");
    expect(nextDue("0 1 * * 1", "Europe/Berlin", [at("2026-11-22T23:59:00")], monday)).toBeUndefined();
  });
});
