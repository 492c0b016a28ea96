import { expect, test } from "vitest";
import { notDue, type StoredThing } from "../../src/actions/store-things.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { at, day, later, point } from "../core/points.ts";

const asOf = at("2027-06-16T12:00");
const thing = {
  series: "host/build/nightly/dump/shop",
  wish: {
    dump: { kind: "command", name: "shop", repository: "central", run: ["true"], schedule: "0 4 * * *" },
  },
} as unknown as StoredThing;

const made = (captured: Date, more: Partial<RecoveryPoint> = {}): RecoveryPoint => ({
  ...point(captured),
  series: thing.series,
  ...more,
});

test("a dump with a schedule of its own waits for its next slot only after a point that is believed", () => {
  const dueAfter = (...points: RecoveryPoint[]) => notDue(thing, { points, asOf }, "UTC");
  expect(dueAfter(made(at("2027-06-15T04:30")))).toBeUndefined();
  expect(dueAfter(made(at("2027-06-16T04:30")))).toEqual(at("2027-06-17T04:00"));
  // Made while the clock was a year ahead.
  const ahead = made(later(asOf, 365 * day), { holds: [{ by: "clock", detail: "later than now" }] });
  expect(dueAfter(made(at("2027-06-15T04:30")), ahead)).toBeUndefined();
  expect(dueAfter(made(at("2027-06-16T04:30")), ahead)).toEqual(at("2027-06-17T04:00"));
});
