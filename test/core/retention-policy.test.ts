import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  defaultRetention,
  describePolicy,
  formatPolicy,
  keepsAll,
  parsePolicy,
} from "../../src/core/retention-policy.ts";
import { zones } from "./point-arbitraries.ts";
import { day, type PolicyWish, policy } from "./points.ts";

const count = fc.nat(100_000);
const length = fc.nat(36_525 * 24 * 60).map((minutes) => minutes * 60_000);
const anyPolicy = fc
  .record(
    {
      last: count,
      hourly: count,
      daily: count,
      weekly: count,
      monthly: count,
      yearly: count,
      minimum: count,
      within: length,
      timezone: fc.constantFrom(...zones, "Etc/GMT+5", "America/Argentina/ComodRivadavia", "+05:30"),
      demanded: fc.constantFrom("crash" as const, "filesystem" as const, "application" as const),
      shrinkDelay: length,
    },
    { requiredKeys: ["timezone", "demanded", "shrinkDelay"] },
  )
  .map((wish) => policy(wish as PolicyWish));

describe("a policy written into a tag", () => {
  test("is read back as it was", () => {
    fc.assert(
      fc.property(anyPolicy, (one) => {
        expect(parsePolicy(formatPolicy(one))).toEqual(one);
      }),
      { numRuns: 1_000 },
    );
  });

  test("fits into a tag and uses only the characters that tags may have", () => {
    fc.assert(
      fc.property(anyPolicy, (one) => {
        expect(formatPolicy(one)).toMatch(/^[A-Za-z0-9 +\-=._:/@]{1,256}$/);
      }),
      { numRuns: 500 },
    );
  });

  test("looks like this", () => {
    expect(formatPolicy(defaultRetention)).toBe("minimum=3 within=7d zone=UTC demanded=crash delay=7d");
    expect(formatPolicy(policy({ last: 3, daily: 7, minimum: 2, timezone: "Europe/Berlin" }))).toBe(
      "last=3 daily=7 minimum=2 zone=Europe/Berlin demanded=crash delay=7d",
    );
  });
});

describe("a policy read from a tag", () => {
  test.each([
    "",
    " ",
    "7d",
    "daily=7",
    "daily=7 zone=UTC demanded=crash",
    "daily=7 zone=UTC delay=7d",
    "daily=7 demanded=crash delay=7d",
    "daily= zone=UTC demanded=crash delay=7d",
    "daily=-1 zone=UTC demanded=crash delay=7d",
    "daily=7.5 zone=UTC demanded=crash delay=7d",
    "daily=9999999999 zone=UTC demanded=crash delay=7d",
    "Daily=7 zone=UTC demanded=crash delay=7d",
    "daily=7 zone=Mars/Olympus demanded=crash delay=7d",
    "daily=7 zone=UTC demanded=perfect delay=7d",
    "daily=7 zone=UTC demanded=crash delay=soon",
    "daily=7 within=ever zone=UTC demanded=crash delay=7d",
    "within=ever zone=UTC demanded=crash delay=7d",
    "daily=7 quarterly=4 zone=UTC demanded=crash delay=7d",
    "daily=7 zone=UTC demanded=crash delay=7d and more",
    "toString=7 zone=UTC demanded=crash delay=7d",
  ])("is not understood, rather than half understood, where it says %j", (text) => {
    expect(parsePolicy(text)).toBeUndefined();
  });

  test("is understood wholly or not at all, whatever the text, and never throws", () => {
    const word = fc.oneof(
      fc.constantFrom(
        "daily=7",
        "within=7d",
        "zone=UTC",
        "demanded=crash",
        "delay=7d",
        "last=0",
        "=",
        "zone=",
      ),
      fc.string(),
    );
    const text = fc.array(word, { maxLength: 7 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(text, (tag) => {
        const read = parsePolicy(tag);
        if (read !== undefined) expect(parsePolicy(formatPolicy(read))).toEqual(read);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a policy for people", () => {
  test.each([
    [defaultRetention, "minimum 3, within 7d (UTC)"],
    [policy({ timezone: "Europe/Berlin" }), "everything (Europe/Berlin)"],
    [policy({ last: 3, monthly: 12, within: 1.5 * day }), "last 3, monthly 12, within 36h (UTC)"],
  ])("says %#", (one, words) => {
    expect(describePolicy(one)).toBe(words);
  });

  test("keeps everything only if it has no rule at all", () => {
    expect(keepsAll(policy())).toBe(true);
    expect(keepsAll(policy({ last: 0 }))).toBe(false);
    expect(keepsAll(policy({ within: 0 }))).toBe(false);
    expect(keepsAll(defaultRetention)).toBe(false);
  });
});
