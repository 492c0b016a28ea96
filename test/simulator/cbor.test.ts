import { describe, expect, test } from "vitest";
import { CborError, decodeCbor, encodeCbor } from "../../src/simulator/cbor.ts";

// Appendix A of RFC 8949.
test.each([
  ["00", 0],
  ["1818", 24],
  ["1903e8", 1_000],
  ["1a000f4240", 1_000_000],
  ["1b000000e8d4a51000", 1_000_000_000_000],
  ["20", -1],
  ["3903e7", -1_000],
  ["fb3ff199999999999a", 1.1],
  ["f4", false],
  ["f5", true],
  ["f6", null],
  ["6449455446", "IETF"],
  ["62c3bc", "ü"],
  ["83010203", [1, 2, 3]],
  ["a26161016162820203", { a: 1, b: [2, 3] }],
])("%s is read and written as %o", (hex, value) => {
  expect(decodeCbor(Buffer.from(hex, "hex"))).toEqual(value);
  expect(encodeCbor(value).toString("hex")).toBe(hex);
});

test.each([
  ["f93e00", 1.5],
  ["f90001", 2 ** -24],
  ["f97c00", Number.POSITIVE_INFINITY],
  ["f97e00", Number.NaN],
  ["fa47c35000", 100_000],
  ["c11a514b67b0", new Date(1_363_896_240_000)],
  ["c1fb41d452d9ec200000", new Date(1_363_896_240_500)],
  ["9f0102ff", [1, 2]],
  ["bf6161019f", "too early"],
  ["bf616101ff", { a: 1 }],
  ["7f657374726561646d696e67ff", "streaming"],
  ["43010203", Buffer.from([1, 2, 3])],
])("%s is read as %o", (hex, value) => {
  if (value === "too early") expect(() => decodeCbor(Buffer.from(hex, "hex"))).toThrow(CborError);
  else expect(decodeCbor(Buffer.from(hex, "hex"))).toEqual(value);
});

describe("what is no single value", () => {
  test.each(["", "0000", "1c", "64494554", "f8ff"])("%s is refused", (hex) => {
    expect(() => decodeCbor(Buffer.from(hex, "hex"))).toThrow(CborError);
  });
});

test("dates are written as seconds, and members that are undefined not at all", () => {
  const date = new Date(1_363_896_240_500);
  expect(decodeCbor(encodeCbor({ date, none: undefined }))).toEqual({ date });
});
