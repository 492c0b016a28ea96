import { expect, test } from "vitest";
import { uuidV7 } from "../../src/host/uuid.ts";

test("has the layout of RFC 9562: 48 bits of milliseconds, version 7, the variant 10", () => {
  // The instant and the first 48 bits are those of the example in appendix A.6.
  const now = Date.parse("2022-02-22T19:22:22.000Z");
  for (let count = 0; count < 200; count++) {
    expect(uuidV7(now)).toMatch(/^017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test.each([0, 1, Date.parse("2027-03-01T02:00:00Z"), 2 ** 48 - 1])("carries the instant %s", (now) => {
  expect(Number.parseInt(uuidV7(now).replaceAll("-", "").slice(0, 12), 16)).toBe(now);
});

test("sorts as text in the order of time", () => {
  const start = Date.parse("2027-03-01T02:00:00Z");
  const ids = Array.from({ length: 500 }, (_, index) => uuidV7(start + index));
  expect([...ids].sort()).toEqual(ids);
});

test("is unique without asking anybody, also within a millisecond", () => {
  const ids = Array.from({ length: 10_000 }, () => uuidV7(1_800_000_000_000));
  expect(new Set(ids).size).toBe(ids.length);
});
