import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splayOf } from "../../src/core/splay.ts";

const SPLAY = 5_400_000;

/** The chi-square statistic of the seeds' delays over equal buckets. */
function chiSquare(seeds: readonly string[], buckets: number): number {
  const counts = new Array<number>(buckets).fill(0);
  for (const seed of seeds) {
    const bucket = Math.floor((splayOf(seed, SPLAY) / SPLAY) * buckets);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const expected = seeds.length / buckets;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("a machine's splay", () => {
  test("is a whole number of ms, at least 0 and below the splay, and always the same", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 10 ** 9 }), (seed, splay) => {
        const delay = splayOf(seed, splay);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThan(splay);
        expect(splayOf(seed, splay)).toBe(delay);
      }),
    );
  });

  test("never changes between releases", () => {
    const delays = ["i-0123456789abcdef0/default", "i-0123456789abcdef1/default", ""].map((seed) =>
      splayOf(seed, SPLAY),
    );
    // Computed once by another program from the same description.
    expect(delays).toEqual([2_525_116, 4_513_182, 3_612_179]);
  });

  test("is 0 without a splay", () => {
    expect([0, -1, Number.NaN].map((splay) => splayOf("i-0123456789abcdef0", splay))).toEqual([0, 0, 0]);
  });

  // 99 degrees of freedom: an even spread is below 149 in 999 of 1000 draws, and above 61 as often.
  test.each([
    ["sequential ids", (n: number) => `i-${n.toString(16).padStart(17, "0")}/default`],
    [
      "ids that differ in the middle",
      (n: number) => `i-0${n.toString(16).padStart(4, "0")}456789abcdef/nightly`,
    ],
    ["jobs of one machine", (n: number) => `i-0123456789abcdef0/job-${n}`],
  ])("spreads 10,000 %s evenly", (_, seedOf) => {
    const statistic = chiSquare(
      Array.from({ length: 10_000 }, (_, index) => seedOf(index)),
      100,
    );
    expect(statistic).toBeLessThan(149);
    expect(statistic).toBeGreaterThan(61);
  });

  test("separates neighbouring ids: the steps between them are spread as well", () => {
    const delays = Array.from({ length: 1_000 }, (_, n) => splayOf(`i-${n}`, SPLAY));
    const near = delays.filter(
      (delay, index) => index > 0 && Math.abs(delay - (delays[index - 1] ?? 0)) < SPLAY / 20,
    );
    expect(near.length).toBeLessThan(150);
  });
});
