import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../src/core/duration.ts";

describe("a duration as text", () => {
  test.each([
    ["30s", 30_000],
    ["90m", 5_400_000],
    ["12h", 43_200_000],
    ["7d", 604_800_000],
    ["1w", 604_800_000],
    ["1h30m", 5_400_000],
    ["500ms", 500],
    ["1m500ms", 60_500],
    ["1w1d1h1m1s1ms", 694_861_001],
    ["0s", 0],
    [" 5m ", 300_000],
  ])("%j is read as %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    "",
    " ",
    "5",
    "h",
    "5 m",
    "1.5h",
    "-5m",
    "30m1h",
    "1h1h",
    "5M",
    "1y",
    "5min",
    "99999999999999999d",
  ])("%j is refused, and the message says what is expected and what was found", (text) => {
    expect(() => parseDuration(text)).toThrow(
      new RangeError(
        `expected a duration such as "90m", "12h" or "1h30m" (units w, d, h, m, s, ms), found "${text}"`,
      ),
    );
  });

  test.each([
    [0, "0s"],
    [500, "500ms"],
    [90_000, "1m30s"],
    [5_400_000, "1h30m"],
    [93_600_000, "26h"],
    [86_400_000, "1d"],
    [604_800_000, "7d"],
    [604_800_001, "168h1ms"],
    [1_499.6, "1s500ms"],
    [-5_000, "-5s"],
  ])("%d ms is written as %j", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test("every whole number of milliseconds survives being written and read back", () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 13 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});
