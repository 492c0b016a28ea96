import { describe, expect, test } from "vitest";
import { promiseOf } from "../../src/core/promise.ts";
import { isDoubtful, judgeJob, type KnownJob, needsAttention, type Status } from "../../src/core/status.ts";
import { volumesSeen } from "../../src/core/volume-ages.ts";
import { at, day, earlier, hour, point } from "./points.ts";
import { report } from "./reports.ts";

const now = at("2027-03-20T07:30");
const ago = (ms: number) => earlier(now, ms).toISOString();
const nightly = { schedule: "0 2 * * *", timezone: "UTC", splay: 0 };

function judged(
  seen: { newest?: string; settling?: string },
  timed: Parameters<typeof judgeJob>[1] = nightly,
) {
  const known: KnownJob = { job: "default", volumes: [{ volume: "vol-1", device: "/dev/sdf", ...seen }] };
  return judgeJob(known, timed, "i-1", now);
}

describe("a volume is", () => {
  test.each<[string, string, { newest?: string; settling?: string }, boolean]>([
    ["kept", "whose newest complete point is as old as promised", { newest: ago(26 * hour) }, false],
    ["overdue", "whose newest complete point is a second older", { newest: ago(26 * hour + 1_000) }, true],
    [
      "settling",
      "of which a younger point was not complete when last seen",
      { newest: ago(30 * hour), settling: ago(6 * hour) },
      false,
    ],
    [
      "overdue",
      "of which even the unsettled point is too old",
      { newest: ago(80 * hour), settling: ago(30 * hour) },
      true,
    ],
    ["settling", "whose first point is not complete yet", { settling: ago(hour) }, false],
    ["overdue", "without any point", {}, true],
    ["kept", "whose point is of the future, by a clock that is wrong", { newest: ago(-hour) }, false],
  ])("%s, %s", (verdict, _, seen, overdue) => {
    const status = judged(seen);
    expect([status.volumes[0]?.verdict, status.overdue]).toEqual([verdict, overdue]);
    expect(status.volumes[0]?.ageSeconds ?? 0).toBeGreaterThanOrEqual(0);
  });

  test("promised nothing without a schedule, unless missedAfter says something", () => {
    const { schedule: _, ...byHand } = nightly;
    expect(judged({ newest: ago(400 * day) }, byHand)).toMatchObject({
      overdue: false,
      volumes: [{ verdict: "unpromised" }],
    });
    expect(judged({ newest: ago(4 * hour) }, { ...byHand, missedAfter: 3 * hour })).toMatchObject({
      overdue: true,
    });
    expect(judged({ newest: ago(4 * hour) }, undefined)).toMatchObject({ overdue: false });
  });
});

test.each<["done" | "degraded" | "failed" | "skipped", string]>([
  ["done", "settling"],
  ["skipped", "settling"],
  ["degraded", "overdue"],
  ["failed", "overdue"],
])("after a run that was %s a pending point makes a volume %s", (outcome, verdict) => {
  const volumes = [{ volume: "vol-1", device: "/dev/sdf", newest: ago(30 * hour), settling: ago(6 * hour) }];
  const known = { job: "default", report: report({ outcome }), volumes };
  expect(judgeJob(known, nightly, "i-1", now).volumes[0]?.verdict).toBe(verdict);
});

test("a point of the future says by how much, from a minute on", () => {
  expect(judged({ newest: ago(-2 * hour), settling: ago(-3 * hour) }).aheadSeconds).toBe(3 * 3600);
  expect(judged({ newest: ago(-59_000) })).not.toHaveProperty("aheadSeconds");
  const newest = { captured: ago(-hour), bytes: 5 };
  expect(judgeJob({ job: "default", newest }, nightly, "i-1", now).aheadSeconds).toBe(3600);
});

describe("what is remembered", () => {
  const newest = { captured: ago(hour), bytes: 5 };
  const statusOf = (known: Partial<KnownJob>, wish: Partial<Status> = {}) => {
    const volumes = [{ volume: "vol-1", device: "/dev/sdf", newest: ago(hour) }];
    const job = judgeJob({ job: "default", newest, volumes, ...known }, nightly, "i-1", now);
    const facts = { from: "host", asOf: now.toISOString(), unreadable: [], notes: [] } as const;
    return { ...facts, protection: "protected", jobs: [job], ...wish } as Status;
  };
  const seen = (dates: object) => [{ volume: "vol-1", device: "/dev/sdf", ...dates }];

  test.each<[string, Status, boolean, boolean]>([
    ["a young point", statusOf({}), false, false],
    [
      "a pending point",
      statusOf({ volumes: seen({ newest: ago(30 * hour), settling: ago(hour) }) }),
      true,
      false,
    ],
    ["an old point", statusOf({ volumes: seen({ newest: ago(30 * hour) }) }), true, true],
    ["a point of the future", statusOf({ volumes: seen({ newest: ago(-hour) }) }), true, false],
    [
      "no complete point",
      { ...statusOf({}), jobs: [judgeJob({ job: "default" }, nightly, "i-1", now)] },
      true,
      false,
    ],
    ["what cannot be read", statusOf({}, { unreadable: ["other"] }), true, false],
    ["nothing at all", statusOf({}, { protection: "not protected", jobs: [] }), true, false],
    ["no run of what is configured", statusOf({}, { protection: "never run", jobs: [] }), true, true],
    ["a job whose tag was lost", statusOf({}, { protection: "not protected" }), false, true],
    [
      "an old point of what is left out",
      statusOf({ volumes: seen({ newest: ago(900 * hour) }) }, { protection: "left out" }),
      true,
      false,
    ],
  ])("%s", (_, status, doubtful, attention) => {
    expect([isDoubtful(status), needsAttention(status)]).toEqual([doubtful, attention]);
  });
});

test("the promise is the largest gap of the schedule and two hours, a clock change included", () => {
  expect(promiseOf(nightly, now)).toEqual({ seconds: 26 * 3600, from: "schedule" });
  expect(promiseOf({ ...nightly, timezone: "Europe/Berlin" }, now)).toEqual({
    seconds: 27 * 3600,
    from: "schedule",
  });
  expect(promiseOf({ ...nightly, missedAfter: 40 * hour }, now)).toEqual({
    seconds: 40 * 3600,
    from: "missedAfter",
  });
});

test("the next run is that of the timetable, with this instance's splay", () => {
  expect(judged({}).next).toEqual({ slot: "2027-03-21T02:00:00.000Z", at: "2027-03-21T02:00:00.000Z" });
  const { next } = judged({}, { ...nightly, splay: 2 * hour });
  expect(next?.slot).toBe("2027-03-21T02:00:00.000Z");
  expect(Date.parse(next?.at ?? "")).toBeGreaterThan(Date.parse("2027-03-21T02:00:00.000Z"));
});

test("state of an earlier version, which knows no volumes, is judged as a whole", () => {
  const old = { job: "default", newest: { captured: ago(30 * hour), bytes: 1 } };
  expect(judgeJob(old, nightly, "i-1", now)).toMatchObject({
    overdue: true,
    volumes: [{ volume: "all volumes", verdict: "overdue" }],
  });
});

test("the newest copies of each volume are found in the points that contain it", () => {
  const volumes = ["vol-1", "vol-2", "vol-3"].map((id) => ({ id, device: "/dev/sdf" }));
  const points = [
    point(earlier(now, hour), { state: "pending", volumes: ["vol-1"] }),
    point(earlier(now, 2 * hour), { state: "partial", volumes: ["vol-2"] }),
    point(earlier(now, day), { volumes: ["vol-1", "vol-2"] }),
    point(earlier(now, 2 * day), { state: "pending", volumes: ["vol-2"] }),
  ];
  const bytes = 8 * 2 ** 30;
  expect(volumesSeen(volumes, points)).toEqual([
    { volume: "vol-1", device: "/dev/sdf", newest: ago(day), bytes, settling: ago(hour) },
    { volume: "vol-2", device: "/dev/sdf", newest: ago(day), bytes },
    { volume: "vol-3", device: "/dev/sdf" },
  ]);
});
