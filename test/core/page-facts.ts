import type { PageFacts } from "../../src/core/compose-page.ts";
import type { JobFacts } from "../../src/core/job-page.ts";
import type { RecoveryPoint } from "../../src/core/recovery-point.ts";
import type { RunNote } from "../../src/core/run-note.ts";
import {
  at,
  day,
  earlier,
  hour,
  instance,
  job,
  minute,
  type PointWish,
  point,
  policy,
  volumes,
} from "./points.ts";

export const asOf = at("2027-03-20T07:30");
export const four = volumes(4);
const ids = four.map(({ id }) => id);

/** A point of all four volumes that knows how they were attached, `age` ms before the page. */
export function pointAged(age: number, wish: PointWish = {}): RecoveryPoint {
  const serial = Math.round(age / minute)
    .toString(16)
    .padStart(12, "0");
  const made = point(earlier(asOf, age), { id: `01a1fbf9-ed1a-7b04-9fe5-${serial}`, volumes: ids, ...wish });
  return {
    ...made,
    recipe: four.map(({ id, device, root, type, iops, throughput, sizeGiB }) => ({
      volumeId: id,
      device,
      root,
      type,
      sizeGiB,
      ...(iops !== undefined && { iops }),
      ...(throughput !== undefined && { throughput }),
    })),
    snapshots: made.snapshots.map((one, index) => ({
      ...one,
      id: `snap-${serial}${index.toString(16).padStart(5, "0")}`,
      fullSizeBytes: 3_100_000_000 + index * 700_000_000,
    })),
  };
}

export function note(started: Date, wish: Partial<RunNote> = {}): RunNote {
  return {
    run: `run-${started.toISOString()}`,
    started: started.toISOString(),
    trigger: "schedule",
    outcome: "done",
    elapsedMs: 4_200,
    point: `point-${started.toISOString()}`,
    errors: 0,
    ...wish,
  };
}

/** A job that is as it should be: five months of nights, thinned by its policy. */
export function healthy(wish: Partial<JobFacts> = {}): JobFacts {
  const retention = policy({ daily: 14, weekly: 8, monthly: 6, minimum: 3, timezone: "Europe/Berlin" });
  const nightly = job({ schedule: "0 2 * * *", timezone: "Europe/Berlin", splay: 5_400_000, retention });
  const nights = Array.from({ length: 150 }, (_, index) => 6 * hour + index * day);
  const kept = nights.filter(
    (_, index) => index < 14 || (index < 56 && index % 7 === 3) || index % 30 === 20,
  );
  return {
    name: "default",
    job: nightly,
    points: kept.map((age) => pointAged(age, { policy: retention })),
    chosen: four,
    known: { job: "default" },
    history: {
      runs: nights
        .slice(0, 60)
        .map((age, index) =>
          note(earlier(asOf, age), {
            elapsedMs: 9_000 + ((index * 2_711) % 5_000),
            frozenMs: 90 + ((index * 37) % 120),
            point: pointAged(age).id,
          }),
        )
        .reverse(),
      unreadable: 0,
    },
    ...wish,
  };
}

/** A series of a job that lies in a repository. */
export function storedPart(source: string, ages: readonly number[], jobName = "nightly"): JobFacts {
  const name = `${jobName}/${source}`;
  const schedule = "0 22 * * *";
  const content = source === "files" ? ("files" as const) : ("dump" as const);
  return {
    name,
    job: job({ name, schedule, retention: policy({ daily: 7 }), splay: 0 }),
    points: ages.map((age) => {
      const made = pointAged(age, { volumes: [source] });
      const stored = {
        repository: "central",
        content,
        source,
        paths: ["/srv"],
        original: "a",
        tags: [],
        markers: [],
      };
      return { ...made, recipe: [{ volumeId: source }], stored };
    }),
    stored: { source },
    chosen: [{ id: source, device: "central" }],
  };
}

export function facts(jobs: readonly JobFacts[], wish: Partial<PageFacts> = {}): PageFacts {
  return {
    asOf,
    agent: "1.2.3",
    instance,
    instanceStores: [],
    jobs,
    left: [],
    problems: [],
    unreadable: [],
    ...wish,
  };
}

/** A thousand points of four volumes, one an hour, with all that can be wrong. */
export function troubled(): PageFacts {
  const retention = policy({ hourly: 1_000, minimum: 3, demanded: "filesystem" });
  const hourly = job({ name: "hourly", schedule: "30 * * * *", retention });
  const ages = Array.from({ length: 1_040 }, (_, index) => hour + index * hour)
    .filter((age) => age < 300 * hour || age >= 330 * hour)
    .filter((_, index) => index < 1_000);
  const points = ages.map((age, index) =>
    pointAged(age, {
      policy: retention,
      consistency: index % 90 === 7 ? "crash" : "filesystem",
      state:
        index === 0 ? "pending" : index % 200 === 40 ? "partial" : index % 300 === 77 ? "failed" : "complete",
      ...(index === 900 ? { holds: [{ by: "ami" as const, detail: "snap-1 is used by ami-1" }] } : {}),
    }),
  );
  const runs = ages.slice(0, 60).map((age, index) =>
    note(earlier(asOf, age), {
      elapsedMs: index % 17 === 5 ? 0 : 3_000 + ((index * 911) % 2_000),
      outcome: index % 17 === 5 ? "failed" : index % 11 === 4 ? "degraded" : "done",
      errors: index % 17 === 5 ? 1 : 0,
      frozenMs: 40 + ((index * 13) % 300),
      ...(index % 17 === 5
        ? { error: "cannot create snapshots: EC2 answered RequestLimitExceeded (503); wait" }
        : {}),
    }),
  );
  const trouble: JobFacts = {
    name: "hourly",
    job: hourly,
    points: points.map((one) => ({ ...one, job: "hourly" })),
    chosen: four,
    history: { runs: runs.reverse(), unreadable: 1 },
    known: {
      job: "hourly",
      alarms: {
        asOf: asOf.toISOString(),
        alarms: [
          { name: "ec2-backup/i-1/hourly/missed", state: "ALARM", actionsEnabled: true },
          { name: "ec2-backup/i-1/hourly/slow", state: "OK", actionsEnabled: false },
        ],
      },
    },
  };
  const left = [{ volume: "vol-0000000000000beef", device: "/dev/sdz", because: "its tag Backup=no" }];
  return facts([trouble, healthy()], { left, instanceStores: ["/dev/nvme1n1"], unreadable: ["weekly"] });
}
