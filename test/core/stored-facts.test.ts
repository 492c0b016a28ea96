import { describe, expect, it } from "vitest";
import type { StoredReport } from "../../src/core/report.ts";
import { withStored } from "../../src/core/stored-facts.ts";

const newest = (ageSeconds: number, bytes = 1) => ({
  captured: new Date(1_900_000_000_000 - ageSeconds * 1000).toISOString(),
  bytes,
  ageSeconds,
});
const stored = (source: string, series: StoredReport["series"], more: Partial<StoredReport> = {}) => ({
  source,
  repository: "central",
  outcome: "made" as const,
  ...(series && { series }),
  ...more,
});
const hour = 3_600;

describe("the facts of a job with several series", () => {
  it("have the age of the one that is furthest behind, and the sizes of all", () => {
    const reports = [
      stored("dump/a", { complete: 2, newestComplete: newest(hour, 10) }),
      stored("files", { complete: 3, newestComplete: newest(2 * hour, 100) }),
    ];
    const volumes = { complete: 1, newestComplete: newest(30, 1_000), volumes: [] };
    expect(withStored(reports, true, volumes)).toMatchObject({
      complete: 6,
      newestComplete: { ageSeconds: 2 * hour, bytes: 1_110 },
      volumes: [{ volume: "dump/a", device: "central" }, { volume: "files" }],
    });
  });

  it("have no age where anything has no complete point or could not be listed, so that the alarm rings", () => {
    const good = stored("files", { complete: 1, newestComplete: newest(30) });
    expect(
      withStored([good, stored("dump/a", { complete: 0 })], false, undefined)?.newestComplete,
    ).toBeUndefined();
    const unasked = withStored(
      [good, stored("dump/a", undefined, { outcome: "not-made" })],
      false,
      undefined,
    );
    expect(unasked?.newestComplete).toBeUndefined();
    expect(unasked?.volumes).toContainEqual({ volume: "dump/a", device: "central", unseen: true });
    expect(withStored([good], true, undefined)?.newestComplete).toBeUndefined();
    expect(withStored([stored("files", undefined)], false, undefined)).toBeUndefined();
  });

  it("do not count a dump that is made rarely before it is older than it may be", () => {
    const files = stored("files", { complete: 1, newestComplete: newest(30) });
    const rare = (age: number) =>
      stored("dump/a", { complete: 1, newestComplete: newest(age), promiseSeconds: 100 * hour });
    expect(withStored([rare(99 * hour), files], false, undefined)?.newestComplete?.ageSeconds).toBe(30);
    expect(withStored([rare(101 * hour), files], false, undefined)?.newestComplete?.ageSeconds).toBe(
      101 * hour,
    );
    expect(withStored([rare(99 * hour)], false, undefined)?.newestComplete?.ageSeconds).toBe(99 * hour);
  });

  it("have no size where that of one series is not told", () => {
    const reports = [
      stored("dump/a", { complete: 2, newestComplete: newest(hour, 0) }),
      stored("files", { complete: 3, newestComplete: newest(2 * hour, 100) }),
    ];
    const all = withStored(reports, false, undefined);
    expect(all).toMatchObject({ newestComplete: { bytes: 0 } });
    expect(all?.volumes?.map(({ bytes }) => bytes)).toEqual([undefined, 100]);
  });

  it("leave out what is no part of a dump any more", () => {
    const files = stored("files", { complete: 1, newestComplete: newest(30) });
    const gone = stored(
      "dump/a/dropped",
      { complete: 1, newestComplete: newest(9_999) },
      { outcome: "gone" },
    );
    expect(withStored([gone, files], false, undefined)).toMatchObject({
      complete: 1,
      newestComplete: { ageSeconds: 30 },
      volumes: [{ volume: "files" }],
    });
  });
});
