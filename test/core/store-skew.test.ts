import { expect, test } from "vitest";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import type { StoreClock } from "../../src/core/store-answers.ts";
import type { StoredSnapshot } from "../../src/core/store-ports.ts";
import { holdingSkewed, removalClock, skewOf } from "../../src/core/store-skew.ts";
import { at, day, earlier, hour, idsOf, later, minute, point, policy } from "./points.ts";

const now = at("2027-06-15T12:00");
const longest = 12 * hour;

/** What the store got when, as `received` says of each id. */
const clockOf = (received: Readonly<Record<string, Date>>): StoreClock => ({
  now,
  received: new Map(Object.entries(received)),
});

test.each([
  ["made when it was received", 0, undefined],
  ["a long backup, dated with its beginning", -12 * hour, undefined],
  ["dated an hour ahead", hour, undefined],
  ["dated more than an hour ahead", hour + minute, "it is dated 61 min later than the store received it"],
  ["dated for ever ahead", 3650 * day, "it is dated 3650 d later than the store received it"],
  ["dated back", -14 * hour, "it is dated 14 h 0 min earlier than the store received it"],
])("%s", (_, off, why) => {
  const received = earlier(now, 30 * day);
  const snapshot = { id: "a", time: later(received, off) };
  expect(skewOf(snapshot, { now, clock: clockOf({ a: received }), longest })).toBe(why);
});

test("what was received after the store's present is dated by a clock that was wrong then: it is believed once that comes", () => {
  const ahead = { id: "a", time: later(now, 365 * day) };
  const facts = { clock: clockOf({ a: ahead.time, b: later(now, minute) }), longest };
  expect(skewOf(ahead, { now, ...facts })).toBe("it is dated 365 d later than now");
  expect(skewOf({ id: "b", time: now }, { now, ...facts })).toBeUndefined();
  const caughtUp = { now: later(now, 366 * day), received: facts.clock.received };
  expect(skewOf(ahead, { now, clock: caughtUp, longest })).toBeUndefined();
});

test("a copy comes long after it was made, and only where copies are received", () => {
  const copy = { id: "a", original: "b", time: earlier(now, 90 * day) };
  const facts = { now, clock: clockOf({ a: now }), longest };
  expect(skewOf(copy, { ...facts, copies: true })).toBeUndefined();
  expect(skewOf(copy, facts)).toMatch("earlier");
  expect(skewOf({ ...copy, time: later(now, day) }, { ...facts, copies: true })).toMatch("later");
});

test("where the store tells no time, what lies in the future of who asks is not believed", () => {
  expect(skewOf({ id: "a", time: later(now, 2 * hour) }, { now, longest })).toBe(
    "it is dated 2 h 0 min later than now",
  );
  expect(skewOf({ id: "a", time: earlier(now, 900 * day) }, { now, longest })).toBeUndefined();
  expect(skewOf({ id: "a", time: new Date(Number.NaN) }, { now, longest })).toMatch("no instant");
});

const stored = (id: string, captured: Date, wish: Parameters<typeof point>[1] = {}): RecoveryPoint => {
  const one = point(captured, { id, ...wish });
  return { ...one, snapshots: one.snapshots.map((snapshot) => ({ ...snapshot, id })) };
};
const listed = ({ id, captured: time }: RecoveryPoint): StoredSnapshot => ({
  id,
  time,
  host: "h",
  paths: [],
  tags: [],
});

test("forged points push out no real one, whether they are dated ahead or back", () => {
  const real = [0, 1, 2, 3, 4].map((days) => stored(`real-${days}`, earlier(now, days * day)));
  const ahead = [1, 2, 3, 4, 5, 6, 7].map((days) =>
    stored(`ahead-${days}`, later(now, days * day), { policy: policy({ last: 1 }) }),
  );
  const back = [0, 1, 2, 3, 4].map((days) => stored(`back-${days}`, later(earlier(now, days * day), hour)));
  const forged = [...ahead, ...back.slice(1)];
  const points = [...real, ...forged];
  const clock = clockOf({
    ...Object.fromEntries(real.map(({ id, captured }) => [id, captured])),
    ...Object.fromEntries(forged.map(({ id }) => [id, now])),
  });
  const rules = policy({ daily: 4, shrinkDelay: 0 });
  const careless = planRetention(points, rules, now);
  expect(idsOf(careless.remove).filter((id) => id.startsWith("real")).length).toBeGreaterThan(3);
  const plan = planRetention(
    holdingSkewed(points, points.map(listed), { now, clock, longest: 0 }),
    rules,
    now,
  );
  expect(idsOf(plan.remove)).toEqual(["real-4"]);
});

test("a host whose clock is off removes nothing; a store without a clock is told of", () => {
  expect(removalClock("central", later(now, 59 * minute), { now })).toEqual({ ok: true, asOf: now });
  expect(removalClock("central", earlier(now, 61 * minute), { now })).toMatchObject({
    ok: false,
    failure: { code: "ClockSkew", found: expect.stringContaining("61 min behind the store's") },
  });
  expect(removalClock("central", now, undefined)).toMatchObject({
    ok: true,
    asOf: now,
    notice: expect.stringContaining("clock of this host"),
  });
});
