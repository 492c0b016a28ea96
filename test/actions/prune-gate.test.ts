import { describe, expect, test } from "vitest";
import { gateOf } from "../../src/actions/prune-gate.ts";
import type { Clock } from "../../src/core/ports.ts";
import { at, day, earlier, hour, later, minute, point } from "../core/points.ts";

const now = at("2027-06-16T02:00");

/** A process that has run for a minute, on a host whose clock shows `shown`. */
const clock = (shown: Date = now): Clock => ({
  now: () => shown,
  elapsed: () => minute,
  sleep: () => Promise.resolve(),
  random: () => 0,
});
const run = { capture: true, consent: {} };
const good = point(earlier(now, day));

describe("a run that captured", () => {
  const made = [point(now, { id: "made", state: "pending" })];

  test("may remove by the plan", () => {
    expect(gateOf(run, { points: [good, ...made], asOf: now }, made, clock())).toEqual({ may: "plan" });
  });

  test("may do so whatever its host's clock shows", () => {
    for (const wrong of [later(now, 365 * day), earlier(now, 365 * day)]) {
      expect(gateOf(run, { points: [good, ...made], asOf: now }, made, clock(wrong))).toEqual({
        may: "plan",
      });
    }
  });

  test("removes nothing where the listing is dated later than its own capture can explain", () => {
    const asOf = later(now, 7 * minute);
    const gate = gateOf(run, { points: [good, ...made], asOf }, made, clock());
    expect(gate).toMatchObject({ may: "nothing", because: { code: "DubiousClock" } });
  });

  test("removes failed sets only if its own set failed", () => {
    const failed = [point(now, { id: "made", state: "failed" })];
    expect(gateOf(run, { points: [good, ...failed], asOf: now }, failed, clock()).may).toBe("failed-only");
  });

  test.each(["failed", "partial"] as const)(
    "removes failed sets only while the newest settled point is %s",
    (state) => {
      const last = point(earlier(now, hour), { id: "last", state });
      const gate = gateOf(run, { points: [good, last, ...made], asOf: now }, made, clock());
      expect(gate.may).toBe("failed-only");
    },
  );

  test("has nobody before it to ask when it is the first", () => {
    expect(gateOf(run, { points: made, asOf: now }, made, clock()).may).toBe("plan");
  });
});

describe("a prune without a capture", () => {
  const prune = { capture: false, consent: {} };

  test("removes nothing where host and listing differ by more than a day", () => {
    const gate = gateOf(prune, { points: [good], asOf: now }, [], clock(later(now, 2 * day)));
    expect(gate).toMatchObject({ may: "nothing", because: { code: "DubiousClock" } });
  });

  test("goes by EC2's clock once a person says yes", () => {
    const asked = { capture: false, consent: { yes: true } };
    expect(gateOf(asked, { points: [good], asOf: now }, [], clock(later(now, 2 * day))).may).toBe("plan");
  });
});
