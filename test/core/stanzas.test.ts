import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { isLike, passes } from "../../src/core/ec2-filter.ts";
import { nextLong, parseLongCron } from "../../src/core/long-cron.ts";
import { planRetention } from "../../src/core/retention.ts";
import { parseSpokenDuration } from "../../src/core/spoken-duration.ts";
import {
  copiesOf,
  isDue,
  jointPolicy,
  policyOf,
  type Stanza,
  stanzasOf,
  volumesOf,
} from "../../src/core/stanzas.ts";
import type { SweepInstance } from "../../src/core/sweep-ports.ts";
import { at, day, everyStep, hour, idsOf, keptOf, later, minute, policy } from "./points.ts";

const stanza: Stanza = {
  id: "legacy",
  match: [{ name: "tag:Name", values: ["legacy_*"] }],
  retention: 4 * day,
  minimum: 5,
  frequency: { every: 12 * hour },
  ignore: [],
  ignoreRetention: false,
  replication: true,
};

const instance: SweepInstance = {
  id: "i-0123456789abcdef0",
  arn: "arn:aws:ec2:eu-central-1:123456789012:instance/i-0123456789abcdef0",
  account: "123456789012",
  region: "eu-central-1",
  state: "running",
  tags: { Name: "legacy_7", backup: "yes" },
  volumes: ["vol-1", "vol-2"],
};

describe("durations as people write them", () => {
  test.each<[string, number | undefined]>([
    ["32m", 32 * minute],
    ["1w3d2h", 10 * day + 2 * hour],
    ["1 w 3 d 2 h 32 m", 10 * day + 2 * hour + 32 * minute],
    ["5 hours, 34 minutes", 5 * hour + 34 * minute],
    ["5hr34m56s", 5 * hour + 34 * minute + 56_000],
    ["172 hr", 172 * hour],
    ["1.24 days", 1.24 * day],
    ["4 Days", 4 * day],
    ["5.6 wk", 3_386_880_000],
    ["4:13", 4 * minute + 13_000],
    ["4:13:02", 4 * hour + 13 * minute + 2_000],
    ["2:04:13:02", 2 * day + 4 * hour + 13 * minute + 2_000],
    ["2 days, 4:13:02", 2 * day + 4 * hour + 13 * minute + 2_000],
    ["3 months", undefined],
    ["1 year", undefined],
    ["2h 1d", undefined],
    ["1d 1d", undefined],
    ["1 day 1:00:00:00", undefined],
    ["4", undefined],
    ["-4 days", undefined],
    ["4 days or so", undefined],
    ["", undefined],
  ])("%s", (text, ms) => expect(parseSpokenDuration(text)).toBe(ms));
});

describe("crontabs of five to seven fields", () => {
  test.each<[string, string, string | undefined]>([
    ["0 5 * * ? *", "2027-03-01T05:00", "2027-03-02T05:00"],
    ["@daily", "2027-03-01T05:00", "2027-03-02T00:00"],
    ["0 0 L * ?", "2028-02-01T00:00", "2028-02-29T00:00"],
    ["0 0 ? * Lfri", "2027-03-01T00:00", "2027-03-26T00:00"],
    ["0 0 ? * L5", "2027-03-26T00:00", "2027-04-30T00:00"],
    ["0 0 z31 2 *", "2027-01-01T00:00", "2027-02-28T00:00"],
    ["7/20 * * * *", "2027-03-01T05:07", "2027-03-01T05:27"],
    ["0 2 * * mon-fri", "2027-03-05T02:00", "2027-03-08T02:00"],
    ["0 2 * * 7", "2027-03-01T02:00", "2027-03-07T02:00"],
    ["0 0 1 1 * 2030", "2027-03-01T02:00", "2030-01-01T00:00"],
    ["0 0 1 1 * 2026", "2027-03-01T02:00", undefined],
    ["30 0 5 * * ? *", "2027-03-01T05:00", "2027-03-01T05:00:30"],
    ["0 0 29 2 *", "2027-03-01T05:00", "2028-02-29T00:00"],
  ])("%s after %s is %s", (text, after, next) =>
    expect(nextLong(parseLongCron(text), at(after))).toEqual(next === undefined ? undefined : at(next)),
  );

  test.each([
    ["0 5 * *", "5 to 7 fields"],
    ["61 25 * * *", /minute: .*; hour: /],
    ["0 0 1 * mon", "at most one of them"],
    ["0 5 * * * 2250", "year: "],
    ["@fortnightly", "expected one of @yearly"],
    ["5-1 * * * *", "runs backwards"],
    ["*/0 * * * *", "no step"],
  ])("%s is refused", (text, found) => expect(() => parseLongCron(text)).toThrow(found));

  it("comes after what it was asked about, within its fields", () => {
    const after = fc.date({ min: at("2020-01-01T00:00"), max: at("2035-01-01T00:00"), noInvalidDate: true });
    const fields = fc.tuple(fc.nat(59), fc.nat(23), fc.constantFrom("*", "?", "l", "3", "z31"));
    fc.assert(
      fc.property(after, fields, (from, [minutes, hours, days]) => {
        const next = nextLong(parseLongCron(`${minutes} ${hours} ${days} * ?`), from);
        expect(next?.getTime()).toBeGreaterThan(from.getTime());
        expect([next?.getUTCMinutes(), next?.getUTCHours()]).toEqual([minutes, hours]);
      }),
    );
  });
});

describe("patterns of filters", () => {
  it("match as a regular expression of the same meaning would", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "*", "?", "\\", "é"), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (pattern, value) => {
        const source = pattern.replace(/\\([\s\S])|[\s\S]/gu, (all, escaped) =>
          escaped === undefined && all === "*"
            ? "[^]*"
            : escaped === undefined && all === "?"
              ? "[^]"
              : `\\u{${(escaped ?? all).codePointAt(0).toString(16)}}`,
        );
        expect(isLike(pattern, value)).toBe(new RegExp(`^${source}$`, "u").test(value));
      }),
      { numRuns: 2_000 },
    );
  });

  it("take no long time, whatever the pattern", () => {
    const began = performance.now();
    expect(isLike("*a".repeat(60), "a".repeat(4_000).concat("b"))).toBe(false);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it("must all hold; none of them hold for nothing, and case counts", () => {
    expect(passes(instance, [])).toBe(false);
    expect(passes(instance, [...stanza.match, { name: "tag:backup", values: ["no", "y?s"] }])).toBe(true);
    expect(passes(instance, [...stanza.match, { name: "tag:Backup", values: ["*"] }])).toBe(false);
    expect(passes(instance, [{ name: "block-device-mapping.volume-id", values: ["vol-2"] }])).toBe(true);
  });
});

describe("a stanza", () => {
  it("takes instances that run or are stopped, without what it ignores", () => {
    expect(stanzasOf(instance, [stanza])).toEqual([stanza]);
    expect(stanzasOf({ ...instance, state: "terminated" }, [stanza])).toEqual([]);
    expect(stanzasOf(instance, [{ ...stanza, ignore: [instance.id] }])).toEqual([]);
    expect(volumesOf(instance, { ...stanza, ignore: ["vol-2"] })).toEqual(["vol-1"]);
  });

  it("is due without a snapshot, when the period is over, and at the next instant of its crontab", () => {
    const last = at("2027-03-01T05:00");
    expect(isDue(stanza, undefined, last)).toBe(true);
    expect([
      isDue(stanza, last, later(last, 12 * hour)),
      isDue(stanza, last, later(last, 12 * hour + 1)),
    ]).toEqual([false, true]);
    const daily = { ...stanza, frequency: { cron: parseLongCron("0 5 * * ? *") } };
    expect([isDue(daily, last, later(last, day)), isDue(daily, last, later(last, day + 1))]).toEqual([
      false,
      true,
    ]);
    const over = { ...stanza, frequency: { cron: parseLongCron("0 5 * * ? 2026") } };
    expect(isDue(over, last, later(last, 900 * day))).toBe(false);
  });

  it("honours its minimum within one run: of ten, eight of them expired, five stay", () => {
    const now = at("2027-03-20T00:00");
    const points = everyStep(later(now, -3 * day), day / 2, 10);
    const plan = planRetention(points, policyOf(stanza), now, {});
    expect([keptOf(plan).length, plan.remove.length]).toEqual([5, 5]);
  });

  it("never leaves fewer than its minimum, however old all of them are", () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(12), fc.nat(40), (minimum, count, age) => {
        const now = at("2027-03-20T00:00");
        const points = everyStep(later(now, -age * day), day, count);
        const kept = keptOf(planRetention(points, policyOf({ ...stanza, minimum }), now, {}));
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(minimum, count));
        expect(idsOf(kept)).toEqual(idsOf(points.toReversed().slice(0, kept.length)));
      }),
    );
  });

  it("joined with others keeps what any of them keeps", () => {
    const longer = { ...stanza, retention: 9 * day, minimum: 2 };
    expect(jointPolicy([stanza, longer])).toEqual(policy({ within: 9 * day, minimum: 5 }));
    expect(jointPolicy([])).toBeUndefined();
  });

  it("is copied where its volume or else its instance is tagged to, if it says so", () => {
    const tags = { replication_dst_region: "us-west-2" };
    expect(copiesOf(stanza, tags, { tags: {} })).toEqual(["us-west-2"]);
    expect(copiesOf(stanza, tags, { tags: { replication_dst_region: "eu-west-1" } })).toEqual(["eu-west-1"]);
    expect(copiesOf({ ...stanza, replication: false }, tags, { tags: {} })).toEqual([]);
  });
});
