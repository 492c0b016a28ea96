import { describe, expect, test } from "vitest";
import { gapsOf } from "../../src/core/gaps.ts";
import { knownGaps } from "../../src/core/known-gaps.ts";
import { note } from "./page-facts.ts";
import { at, day, earlier, everyStep, hour, job, policy } from "./points.ts";

const now = at("2027-03-20T07:30");
const ages = (...hours: number[]) => hours.map((age) => earlier(now, age * hour));
const sure = () => true;

describe("gaps between captures", () => {
  test("are those longer than promised, the newest first, the last of which may go on", () => {
    expect(gapsOf(ages(30, 54, 120), now, 26 * 3600, sure)).toEqual({
      gaps: [
        { from: earlier(now, 30 * hour).toISOString(), seconds: 30 * 3600 },
        {
          from: earlier(now, 120 * hour).toISOString(),
          to: earlier(now, 54 * hour).toISOString(),
          seconds: 66 * 3600,
        },
      ],
      since: earlier(now, 120 * hour).toISOString(),
    });
  });

  test("are none where the promise is just kept", () => {
    expect(gapsOf(ages(26, 52), now, 26 * 3600, sure).gaps).toEqual([]);
  });

  test("end the look back at a hole that retention may have made", () => {
    const asked: number[] = [];
    const found = gapsOf(ages(2, 26, 194, 362), now, 26 * 3600, (from) => {
      asked.push((now.getTime() - from) / hour);
      return false;
    });
    expect(found).toEqual({ gaps: [], since: earlier(now, 26 * hour).toISOString() });
    expect(asked).toEqual([194]);
  });

  test("are unknown without captures", () => {
    expect(gapsOf([], now, 3600, sure)).toEqual({ gaps: [] });
  });
});

describe("a hole in the list of points", () => {
  const nightly = job({ schedule: "0 2 * * *", retention: policy({ daily: 7, weekly: 8 }) });
  const nights = everyStep(at("2027-03-20T02:00"), day, 50);
  const thinned = nights.filter((one, index) => index >= 43 || one.captured.getUTCDay() === 0);

  test("that the policy makes is no gap, and ends what is known", () => {
    const found = knownGaps(thinned, undefined, nightly, 26 * 3600, now);
    expect(found).toEqual({ gaps: [], since: thinned.at(-7)?.captured.toISOString() });
  });

  test("where every point would be kept is a gap", () => {
    const holed = nights.slice(-7).filter((_, index) => index !== 3 && index !== 4);
    const found = knownGaps(holed, undefined, nightly, 26 * 3600, now);
    expect(found.gaps).toMatchObject([{ seconds: 72 * 3600 }]);
  });

  test("that a remembered run fills is none, even if its point is gone; one of a spoilt point is a gap", () => {
    const holed = nights.slice(-7).filter((_, index) => index !== 3);
    const missing = nights.at(-4);
    const runs = nights.slice(-7).map(({ id, captured }) => note(captured, { point: id }));
    const history = { runs, unreadable: 0 };
    expect(knownGaps(holed, history, nightly, 26 * 3600, now).gaps).toEqual([]);
    const failed = { ...missing, state: "failed" as const } as (typeof nights)[number];
    expect(knownGaps([...holed, failed], history, nightly, 26 * 3600, now).gaps).toHaveLength(1);
  });
});
