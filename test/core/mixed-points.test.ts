import { describe, expect, test } from "vitest";
import { pointsOf, tagKeys } from "../../src/core/point-tags.ts";
import type { Snapshot } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import { at, day, earlier, policy } from "./points.ts";

const now = at("2027-06-16T02:00");

const snapshot = (
  point: string,
  volumeId: string,
  startTime: Date,
  wish: Partial<Snapshot> = {},
): Snapshot => ({
  id: `snap-${point}-${volumeId}-${startTime.getTime()}`,
  volumeId,
  state: "completed",
  startTime,
  volumeSizeGiB: 8,
  encrypted: false,
  archived: false,
  tags: { [tagKeys.point]: point, [tagKeys.series]: "series", [`${tagKeys.manifest}1`]: "vol-0a vol-0b" },
  ...wish,
});

const set = (point: string, startTime: Date) => [
  snapshot(point, "vol-0a", startTime),
  snapshot(point, "vol-0b", startTime),
];

const removedOf = (snapshots: readonly Snapshot[]) =>
  planRetention(pointsOf(snapshots, now), policy({ last: 1 }), now)
    .remove.map((one) => one.id)
    .sort();

describe("snapshots that carry a point's id and are not of its set", () => {
  const newest = set("newest", earlier(now, day));
  const before = set("before", earlier(now, 2 * day));
  const old = set("old", earlier(now, 9 * day));

  test("cannot make the newest point look old, nor take its place", () => {
    const forged = snapshot("newest", "vol-0a", earlier(now, 300 * day));
    expect(removedOf([...newest, forged, ...before, ...old])).toEqual(["old"]);
  });

  test("cannot make a good point look failed", () => {
    const failedCopy = snapshot("newest", "vol-ffffffff", now, { state: "error" });
    const [point] = pointsOf([...newest, failedCopy], now);
    expect(point?.state).toBe("partial");
    expect(removedOf([...newest, failedCopy, ...before, ...old])).toEqual(["old"]);
  });

  test("are not removed together with an old point", () => {
    const foreign = snapshot("old", "vol-0c", earlier(now, day / 2));
    expect(removedOf([...newest, ...before, ...old, foreign])).toEqual(["before"]);
  });

  test("are said to be the reason why the point is held", () => {
    const [point] = pointsOf(
      [...newest, snapshot("newest", "vol-0a", earlier(now, day), { id: "snap-twice" })],
      now,
    );
    expect(point?.holds).toEqual([
      { by: "mixed", detail: "it has two snapshots of one volume; look at its tag ec2-backup:point" },
    ]);
  });
});
