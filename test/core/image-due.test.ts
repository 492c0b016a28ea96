import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decideImage,
  type ImageOwner,
  imageNameOf,
  isOwnImage,
  mostNames,
  periodOf,
  withImages,
} from "../../src/core/image-due.ts";
import type { FoundImage } from "../../src/core/image-ports.ts";
import { type ImageInterval, imageIntervals } from "../../src/core/job.ts";
import { listingOf } from "../../src/core/listing.ts";
import { periodCounter } from "../../src/core/periods.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { RecoveryPoint, Snapshot } from "../../src/core/recovery-point.ts";
import { planRetention } from "../../src/core/retention.ts";
import { formatPolicy } from "../../src/core/retention-policy.ts";
import { somePolicy, zones } from "./point-arbitraries.ts";
import { at, earlier, hour, later, minute, point, snapshot } from "./points.ts";

const instanceArn = "arn:aws:ec2:eu-central-1:111122223333:instance/i-0fa00000000000001";
const owner: ImageOwner = { instanceId: "i-0fa00000000000001", instanceArn, job: "default" };

function imageOf(period: string, change: Partial<FoundImage> = {}, tags: Record<string, string> = {}) {
  const image: FoundImage = {
    id: "ami-1",
    name: imageNameOf(owner, period, 1),
    state: "available",
    created: at("2026-11-21T02:00"),
    source: owner.instanceId,
    public: false,
    snapshots: ["snap-1"],
    tags: {
      [tagKeys.point]: "p1",
      [tagKeys.job]: "default",
      [tagKeys.series]: `${instanceArn}/default`,
      [tagKeys.instance]: instanceArn,
      [tagKeys.image]: period,
      ...tags,
    },
    ...change,
  };
  return image;
}

const pointOf = (period: string, change: Partial<RecoveryPoint> = {}): RecoveryPoint => ({
  ...point(at("2026-11-21T02:00"), { id: "p1" }),
  image: { period },
  ...change,
});

describe("the period of an image", () => {
  test("is named by the job's own calendar", () => {
    const of = (every: ImageInterval, zone: string, text: string) => periodOf(every, zone, at(text));
    expect(of("daily", "UTC", "2026-11-21T23:59")).toBe("daily 2026-11-21");
    expect(of("daily", "Europe/Berlin", "2026-11-21T23:59")).toBe("daily 2026-11-22");
    expect(of("weekly", "UTC", "2026-11-22T23:59"), "a Sunday").toBe("weekly 2026-11-16");
    expect(of("weekly", "UTC", "2026-11-23T00:00"), "a Monday").toBe("weekly 2026-11-23");
    expect(of("monthly", "America/New_York", "2026-12-01T04:59")).toBe("monthly 2026-11");
    expect(of("yearly", "Asia/Kolkata", "2026-12-31T18:30")).toBe("yearly 2027");
  });

  test("is the same exactly for instants that share the period of the keep rules", () => {
    const instant = fc.date({
      min: at("2026-01-01T00:00"),
      max: at("2029-01-01T00:00"),
      noInvalidDate: true,
    });
    const apart = fc.oneof(fc.integer({ min: 0, max: 4 * 60 }), fc.integer({ min: 0, max: 60 * 24 * 400 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.constantFrom(...imageIntervals),
        instant,
        apart,
        (zone, every, first, minutes) => {
          const second = later(first, minutes * minute);
          const counter = periodCounter(zone);
          const same = counter(every, first) === counter(every, second);
          expect(periodOf(every, zone, first) === periodOf(every, zone, second)).toBe(same);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("the name of an image", () => {
  test("is one that EC2 takes, the same for ever, and another for each job, period and try", () => {
    const job = fc.oneof(fc.string({ minLength: 1, maxLength: 300 }), fc.constantFrom("a", "b", "a b"));
    const arbitrary = fc.array(fc.tuple(job, fc.integer({ min: 1, max: mostNames })), { maxLength: 8 });
    fc.assert(
      fc.property(arbitrary, (wishes) => {
        const named = wishes.map(([one, nth]) => [
          `${one}\n${nth}`,
          imageNameOf({ ...owner, job: one }, "weekly 2026-11-16", nth),
        ]);
        for (const [, name = ""] of named) expect(name).toMatch(/^[A-Za-z0-9()[\] ./\-'@_]{3,128}$/);
        expect(new Set(named.map(([, name]) => name)).size).toBe(new Set(named.map(([one]) => one)).size);
      }),
      { numRuns: 300 },
    );
    expect(imageNameOf(owner, "monthly 2026-11", 1)).toBe(
      "ec2-backup i-0fa00000000000001 default monthly 2026-11",
    );
    expect(imageNameOf(owner, "monthly 2026-11", 2)).toBe(
      "ec2-backup i-0fa00000000000001 default monthly 2026-11 (2)",
    );
  });
});

describe("whose an image is", () => {
  const good = imageOf("monthly 2026-11");

  test("is proven by its source, its name and its tags together", () => {
    expect(isOwnImage(good, owner)).toBe(true);
    expect(isOwnImage({ ...good, name: imageNameOf(owner, "monthly 2026-11", 7) }, owner)).toBe(true);
  });

  const { source: _, ...copied } = good;
  test.each<[string, FoundImage]>([
    ["a copy with all tags, which no CreateImage made", copied],
    ["one of another instance", { ...good, source: "i-0fa00000000000002" }],
    ["one of another name", { ...good, name: "golden" }],
    [
      "one whose name is of another period",
      imageOf("monthly 2026-11", {}, { [tagKeys.image]: "monthly 2026-10" }),
    ],
    ["one of another job", imageOf("monthly 2026-11", {}, { [tagKeys.series]: `${instanceArn}/other` })],
    ["one tagged with another instance", imageOf("monthly 2026-11", {}, { [tagKeys.instance]: "arn:x" })],
    ["one without a point", imageOf("monthly 2026-11", {}, { [tagKeys.point]: "" })],
    ["one without any tag", { ...good, tags: {} }],
  ])("is not ours: %s", (_what, image) => {
    expect(isOwnImage(image, owner)).toBe(false);
  });
});

describe("whether an image is due", () => {
  const now = at("2026-11-21T03:00");
  const decide = (
    points: readonly RecoveryPoint[],
    images: readonly FoundImage[],
    every: ImageInterval = "monthly",
  ) => decideImage(every, "UTC", now, points, images);
  const november = "monthly 2026-11";

  test("it is, where the period has none", () => {
    expect(decide([], [])).toEqual({ period: november, make: true });
    const october = pointOf("monthly 2026-10", { captured: at("2026-10-31T23:59") });
    expect(decide([october], [imageOf("monthly 2026-10", { created: october.captured })])).toMatchObject({
      make: true,
    });
  });

  test("it is not, where its image or its snapshots are there, settled or not", () => {
    for (const state of ["pending", "available", "disabled"])
      expect(decide([], [imageOf(november, { state })])).toEqual({
        period: november,
        make: false,
        point: "p1",
        image: "ami-1",
      });
    for (const state of ["pending", "partial", "complete"] as const)
      expect(decide([pointOf(november, { state })], [])).toEqual({
        period: november,
        make: false,
        point: "p1",
      });
  });

  test("it is, where the only one has failed", () => {
    const broken = [imageOf(november, { state: "failed" })];
    expect(decide(withImages([pointOf(november)], broken), broken)).toMatchObject({ make: true });
    expect(decide([pointOf(november, { state: "failed" })], [])).toMatchObject({ make: true });
  });

  test("goes by the period that it was made for, and by the instant where that was of another length", () => {
    // Begun in the last second of the month, captured in the next one.
    const late = pointOf("monthly 2026-10", { captured: at("2026-11-01T00:00") });
    expect(decide([late], [])).toMatchObject({ make: true });
    expect(decide([late], [], "yearly")).toMatchObject({ make: false });
    expect(decide([pointOf("daily 2026-11-20", { captured: at("2026-11-20T02:00") })], [])).toMatchObject({
      make: false,
    });
    expect(decide([pointOf(november, { captured: at("2026-11-20T02:00") })], [], "daily")).toMatchObject({
      make: true,
    });
  });
});

describe("points of images", () => {
  test("tell of their image, fail with it, and are there without a snapshot", () => {
    const images = [
      imageOf("monthly 2026-11", { state: "failed" }),
      imageOf("monthly 2026-10", { id: "ami-2", state: "failed" }, { [tagKeys.point]: "p2" }),
      imageOf("monthly 2026-09", { id: "ami-3", state: "pending" }, { [tagKeys.point]: "p3" }),
    ];
    const found = withImages([pointOf("monthly 2026-11"), pointOf("monthly 2026-08", { id: "p0" })], images);
    expect(found.map(({ id, state, image, snapshots }) => [id, state, image?.id, snapshots.length])).toEqual([
      ["p1", "failed", "ami-1", 1],
      ["p0", "complete", undefined, 1],
      ["p2", "failed", "ami-2", 0],
      ["p3", "pending", "ami-3", 0],
    ]);
  });
});

/** Sets of snapshots as EC2 lists them: of ordinary points, or of images. */
const someSets = (image: boolean, policy: string) =>
  fc
    .array(
      fc.tuple(
        fc.integer({ min: 0, max: 24 * 400 }),
        fc.integer({ min: 1, max: 3 }),
        fc.constantFrom("completed" as const, "completed" as const, "pending" as const, "error" as const),
      ),
      { maxLength: 12 },
    )
    .map((sets) =>
      sets.flatMap(([age, volumes, state], index): Snapshot[] => {
        const id = `${image ? "image" : "point"}-${index}`;
        const startTime = earlier(at("2027-06-16T09:41"), age * hour);
        const tags = {
          [tagKeys.point]: id,
          [tagKeys.job]: "default",
          [tagKeys.retention]: policy,
          ...(image ? { [tagKeys.image]: periodOf("monthly", "UTC", startTime) } : {}),
        };
        return Array.from({ length: volumes }, (_, volume) =>
          snapshot({ id: `snap-${id}-${volume}`, volumeId: `vol-${volume}`, state, startTime, tags }),
        );
      }),
    );

test("points of images change nothing that is decided of the others, nor the other way round", () => {
  const now = at("2027-06-16T09:41");
  const situation = somePolicy.chain((policy) =>
    fc.tuple(
      fc.constant(policy),
      someSets(false, formatPolicy(policy)),
      someSets(true, formatPolicy(policy)),
      fc.infiniteStream(fc.boolean()),
    ),
  );
  const decided = (points: readonly RecoveryPoint[] = [], policy: Parameters<typeof planRetention>[1]) => {
    const { keep, remove } = planRetention(points, policy, now);
    return {
      keep: keep.map(({ point: { id }, reasons }) => ({ id, reasons })),
      remove: remove.map(({ id }) => id),
    };
  };
  fc.assert(
    fc.property(situation, ([policy, points, images, turns]) => {
      const [left, right] = [[...points], [...images]];
      const mixed: Snapshot[] = [];
      for (const turn of turns) {
        const next = (turn ? left : right).shift() ?? left.shift() ?? right.shift();
        if (next === undefined) break;
        mixed.push(next);
      }
      const both = listingOf(mixed, now);
      expect(decided(both.points, policy)).toEqual(decided(listingOf(points, now).points, policy));
      expect(decided(both.images, policy)).toEqual(decided(listingOf(images, now).images, policy));
      const ids = (all: readonly RecoveryPoint[] = []) => all.map(({ id }) => id);
      expect(ids(both.points).filter((id) => !id.startsWith("point"))).toEqual([]);
      expect(ids(both.images).filter((id) => !id.startsWith("image"))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
