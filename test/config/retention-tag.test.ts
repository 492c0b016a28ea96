import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRetention } from "../../src/config/retention-tag.ts";
import { defaultRetention, keepsAll } from "../../src/core/retention-policy.ts";

const hour = 3_600_000;
const day = 24 * hour;

describe("a Retention tag", () => {
  it.each([
    ["7", { counts: {}, within: 7 * day }],
    [" 7 ", { counts: {}, within: 7 * day }],
    ["007", { counts: {}, within: 7 * day }],
    ["7d", { counts: {}, within: 7 * day }],
    ["36h", { counts: {}, within: 36 * hour }],
    ["2w", { counts: {}, within: 14 * day }],
    ["1w2d", { counts: {}, within: 9 * day }],
    ["36525", { counts: {}, within: 36_525 * day }],
    ["within=30d", { counts: {}, within: 30 * day }],
    ["within=30", { counts: {}, within: 30 * day }],
    ["30d min=2", { counts: { minimum: 2 }, within: 30 * day }],
    ["last=3 daily=7 weekly=4 min=2", { counts: { last: 3, daily: 7, weekly: 4, minimum: 2 } }],
    [
      "hourly=24,monthly=12, yearly=4,minimum=1",
      { counts: { hourly: 24, monthly: 12, yearly: 4, minimum: 1 } },
    ],
    ["Daily=7", { counts: { daily: 7 } }],
    ["daily=100000", { counts: { daily: 100_000 } }],
  ])("%j is read", (text, rules) => {
    expect(readRetention(text)).toEqual(rules);
  });

  it.each([
    ["", "no rule"],
    [" , ", "no rule"],
    ["0", "0, read as 0s, is not within 1h and 36525d"],
    ["-7", '"-7" is no age'],
    ["7.5", '"7.5" is no age'],
    ["6m", "6m, read as 6m, is not within 1h and 36525d"],
    ["36526", "36526 is not within 1h and 36525d"],
    ["99999999999999999999", '"99999999999999999999" is no age'],
    ["7 d", '"d" is no rule'],
    ["1y", '"1y" is no age'],
    ["seven", '"seven" is no rule'],
    ["daily", '"daily" is no rule'],
    ["daily=", "daily must be a whole number from 1 to 100000"],
    ["daily=0", "daily must be a whole number from 1 to 100000"],
    ["daily=-1", "daily must be a whole number from 1 to 100000"],
    ["daily=100001", "daily must be a whole number from 1 to 100000"],
    ["daily=7d", "daily must be a whole number from 1 to 100000"],
    ["min=0", "minimum must be a whole number from 1 to 100000"],
    ["daily=7 daily=8", "daily twice"],
    ["min=2 minimum=3", "minimum twice"],
    ["7d within=30d", "within twice"],
    ["daily=7 fortnightly=2", '"fortnightly=2" is no rule'],
    ["shrinkDelay=0s", '"shrinkDelay=0s" is no rule'],
    ["daily=7 __proto__=1", '"__proto__=1" is no rule'],
    ["\u001b[2J", '"\\u001b[2J" is no rule'],
  ])("%j is a fault: %s", (text, problem) => {
    expect(readRetention(text)).toEqual({ problem });
  });

  it("of any text either gives rules that remove something some day, or is a fault", () => {
    const word = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .tuple(fc.constantFrom("last", "daily", "min", "within", "x"), fc.integer())
        .map(([rule, n]) => `${rule}=${n}`),
      fc.tuple(fc.integer(), fc.constantFrom("", "d", "h", "w", "m", "ms")).map(([n, unit]) => `${n}${unit}`),
    );
    const text = fc.array(word, { maxLength: 4 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(text, (written) => {
        const rules = readRetention(written);
        if ("problem" in rules) {
          expect(rules.problem).not.toMatch(/\p{C}/u);
          return;
        }
        expect(keepsAll({ ...defaultRetention, ...rules })).toBe(false);
        expect(rules.within ?? hour).toBeGreaterThanOrEqual(hour);
        for (const count of Object.values(rules.counts)) expect(count).toBeGreaterThanOrEqual(1);
      }),
      { numRuns: 500 },
    );
  });
});
