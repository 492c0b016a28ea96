import { expect, test } from "vitest";
import { tagKeys } from "../../src/core/point-tags.ts";
import { formatPolicy, keepsAll, parsePolicy } from "../../src/core/retention-policy.ts";
import { type CreateFacts, newestPoints, planCreate } from "../../src/core/sweep-create.ts";
import type { SweepInstance } from "../../src/core/sweep-ports.ts";
import { defaultSweepSettings } from "../../src/core/sweep-settings.ts";
import { at, day, earlier, instance, policy, snapshot } from "./points.ts";

const now = at("2027-06-16T09:41");
const wanted = { ...instance, state: "running", tags: { Backup: "yes" } } as unknown as SweepInstance;

/** The policy that a point would record which is made in the place of the agent. */
function recordedAfter(retention: string | undefined, facts: Partial<CreateFacts> = {}) {
  const tags = { [tagKeys.instance]: instance.arn, ...(retention && { [tagKeys.retention]: retention }) };
  const newest = newestPoints([snapshot({ startTime: earlier(now, 9 * day), tags })]);
  const all = { instances: [wanted], newest, wished: () => true, tagged: () => undefined, ...facts };
  const rules = { ...defaultSweepSettings.create, retention: { counts: { last: 2 } } };
  return planCreate(all, rules, now)[0]?.policy;
}

test("a point in place of the agent's records what the last one does, or what the tag says", () => {
  const years = policy({ yearly: 10, timezone: "Europe/Berlin" });
  expect(recordedAfter(formatPolicy(years))).toEqual(years);
  expect(recordedAfter(undefined)).toMatchObject({ counts: { last: 2 } });
  expect(recordedAfter("of version 9", { tagged: () => ({ counts: { daily: 9 } }) })).toMatchObject({
    counts: { daily: 9 },
  });
});

test("one after a point whose policy cannot be read keeps everything, as that point did", () => {
  const recorded = recordedAfter("of version 9");
  expect(recorded && keepsAll(recorded)).toBe(true);
  expect(recorded && parsePolicy(formatPolicy(recorded))).toEqual(recorded);
});
