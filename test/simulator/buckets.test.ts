import { expect, test } from "vitest";
import { type Bucket, ec2Rates, takeToken } from "../../src/simulator/buckets.ts";

test.each([
  ["describe", 100, 20],
  ["unbounded", 50, 10],
  ["snapshots", 100, 5],
  ["tags", 100, 10],
] as const)("the %s bucket holds %i and gets %i back each second", (name, capacity, perSecond) => {
  const buckets: Record<string, Bucket> = {};
  const take = (elapsed: number) => takeToken(buckets, "x", ec2Rates[name], elapsed);
  const count = (elapsed: number) => {
    let granted = 0;
    while (take(elapsed)) granted += 1;
    return granted;
  };
  expect(count(0)).toBe(capacity);
  expect(count(1_000)).toBe(perSecond);
  expect(count(1_000)).toBe(0);
  expect(count(3_000)).toBe(2 * perSecond);
  expect(count(3_600_000)).toBe(capacity);
});
