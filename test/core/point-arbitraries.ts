import fc from "fast-check";
import type { Hold, RecoveryPoint } from "../../src/core/recovery-point.ts";
import { consistencies, type RetentionPolicy } from "../../src/core/retention-policy.ts";
import { at, day, earlier, hour, minute, type PolicyWish, point, policy } from "./points.ts";

/** Zones with and without clock changes, at odd offsets, and one that changes by half an hour. */
export const zones = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "Asia/Kolkata",
  "Australia/Lord_Howe",
  "Pacific/Apia",
];

/** Instants of which both clock changes of the year, the turn of a year and an ordinary day are close. */
const nows = [
  at("2027-03-28T12:00"),
  at("2027-10-31T12:00"),
  at("2027-04-04T02:00"),
  at("2027-01-01T00:00"),
  at("2027-06-16T09:41"),
];

const volumeIds = ["vol-a", "vol-b", "vol-c", "vol-d"];

/** How long ago: dense near the present, sparse far away, sometimes in the future; often the same twice. */
const age: fc.Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 30 }).map((count) => count * 10 * minute) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 60 }).map((count) => count * hour) },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 40 }).map((count) => count * 12 * hour) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 30 }).map((count) => count * 29 * day) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 400 }).map((count) => -count * hour) },
);

const count = fc.integer({ min: 0, max: 4 });
const within = fc.integer({ min: 1, max: 30 * 24 }).map((hours) => hours * hour);

export const somePolicy: fc.Arbitrary<RetentionPolicy> = fc
  .record(
    {
      last: count,
      hourly: count,
      daily: count,
      weekly: count,
      monthly: count,
      yearly: count,
      minimum: count,
      within,
      timezone: fc.constantFrom(...zones),
      demanded: fc.constantFrom(...consistencies),
      shrinkDelay: fc.constantFrom(day, 7 * day, 30 * day),
    },
    { requiredKeys: ["timezone", "demanded", "shrinkDelay"] },
  )
  .map((wish) => policy(wish as PolicyWish));

const someHolds: fc.Arbitrary<readonly Hold[]> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<readonly Hold[]>([]) },
  { weight: 1, arbitrary: fc.constant<readonly Hold[]>([{ by: "ami", detail: "ami-1" }]) },
);

const someState = fc.oneof(
  { weight: 8, arbitrary: fc.constant("complete" as const) },
  { weight: 2, arbitrary: fc.constantFrom("pending" as const, "partial" as const, "failed" as const) },
);

/** What a rule of the planner is asked about. */
export interface Situation {
  readonly points: readonly RecoveryPoint[];
  readonly policy: RetentionPolicy;
  readonly now: Date;
}

export interface SituationWish {
  /** Which policies the points record: none of them, any, or the one in force. */
  readonly recorded: "none" | "any" | "in-force";
  readonly most?: number;
}

/** Up to `most` points in no order, of all states and qualities, with a policy to thin them by. */
export function situations({ recorded, most = 30 }: SituationWish): fc.Arbitrary<Situation> {
  return fc
    .record({
      policy: somePolicy,
      others: fc.array(somePolicy, { maxLength: 3 }),
      now: fc.constantFrom(...nows),
    })
    .chain(({ policy: inForce, others, now }) => {
      const records = fc.oneof(
        {
          weight: 80,
          arbitrary: fc.constantFrom<RetentionPolicy | undefined>(inForce, undefined, ...others),
        },
        { weight: recorded === "any" ? 1 : 0, arbitrary: fc.constant("unreadable" as const) },
      );
      const somePoint = fc
        .record({
          age,
          state: someState,
          volumes: fc.subarray(volumeIds, { minLength: 1 }),
          consistency: fc.constantFrom(...consistencies),
          holds: someHolds,
          record: recorded === "any" ? records : fc.constant(recorded === "none" ? undefined : inForce),
        })
        .map(({ age: old, record, ...wish }) => ({ captured: earlier(now, old), wish, record }));
      return fc.array(somePoint, { maxLength: most }).map((drafts) => ({
        points: drafts.map(({ captured, wish, record }, index) =>
          point(captured, {
            ...wish,
            // Ids that do not follow the order of capture, as those of real points need not.
            id: `point-${((index * 7919) % 10_007).toString().padStart(5, "0")}`,
            ...(record === undefined ? {} : { policy: record }),
          }),
        ),
        policy: inForce,
        now,
      }));
    });
}
