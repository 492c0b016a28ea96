import { expect, test } from "vitest";
import { type JobTiming, unservedJobs } from "../../src/core/timetable.ts";

const instance = "i-0000000000000000a";
const timed = { schedule: "0 2 * * *", timezone: "UTC", splay: 0 };
const fresh: JobTiming = { job: "fresh", ...timed };
const served: JobTiming = { job: "served", ...timed, lastSlot: "2027-03-09T02:00:00.000Z" };
const now = new Date("2027-03-10T12:00:00.000Z");
const seen = "2027-03-01T12:00:00.000Z";
const kept = { version: 1, instance, firstSeen: { fresh: seen } };

test("a job without a slot that was served keeps the date at which it was first heard of", () => {
  const first = unservedJobs(undefined, instance, [fresh, served], now);
  expect(first).toEqual({ version: 1, instance, firstSeen: { fresh: now.toISOString() } });
  const later = new Date("2027-03-20T12:00:00.000Z");
  expect(unservedJobs(JSON.parse(JSON.stringify(first)), instance, [fresh, served], later)).toEqual(first);
});

test("a job that is new beside others begins now", () => {
  const newer = { ...fresh, job: "newer" };
  expect(unservedJobs(kept, instance, [newer, fresh], now).firstSeen).toEqual({
    fresh: seen,
    newer: now.toISOString(),
  });
});

test("a job that has served a slot, or is no more, is not kept", () => {
  expect(unservedJobs(kept, instance, [{ ...served, job: "fresh" }], now).firstSeen).toEqual({});
  expect(unservedJobs(kept, instance, [], now).firstSeen).toEqual({});
});

test.each<[string, unknown]>([
  ["of another instance, as in an image", { ...kept, instance: "i-0000000000000000b" }],
  ["of another version", { ...kept, version: 2 }],
  [
    "that is still to come, by a clock that was wrong",
    { ...kept, firstSeen: { fresh: "2035-01-01T00:00:00Z" } },
  ],
  ["that is none", { ...kept, firstSeen: { fresh: "never" } }],
  ["that is a number", { ...kept, firstSeen: { fresh: 5 } }],
  ["among no dates at all", { ...kept, firstSeen: "nonsense" }],
  ["in no dates", { ...kept, firstSeen: null }],
  ["in what is null", null],
  ["in what is a text", "nonsense"],
  ["in what is a list", [kept]],
])("a date %s counts as none", (_, damaged) => {
  expect(unservedJobs(damaged, instance, [fresh], now)).toEqual({
    version: 1,
    instance,
    firstSeen: { fresh: now.toISOString() },
  });
});
