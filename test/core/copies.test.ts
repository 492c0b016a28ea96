import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mostRunning, planCopies } from "../../src/core/copies.ts";
import { tagsOfCopy } from "../../src/core/copy-tags.ts";
import { copyTagOf, targetsOfTag } from "../../src/core/copy-target.ts";
import { tagKeys } from "../../src/core/point-tags.ts";
import type { RecoveryPoint, Snapshot } from "../../src/core/recovery-point.ts";
import { copiedFrom } from "../../src/core/restore-copies.ts";
import { planRetention } from "../../src/core/retention.ts";
import { CopyWorld, pointHere } from "./copy-world.ts";
import { at, day, earlier, hour, later, policy } from "./points.ts";

const now = at("2027-06-16T09:41");
const keeping = policy({ daily: 7, minimum: 3 });

/** Points of as many days, the newest a day old; oldest first. */
function days(count: number, volumes = 1): RecoveryPoint[] {
  return Array.from({ length: count }, (_, index) =>
    pointHere(index + 1, earlier(now, (count - index) * day), keeping, { volumes }),
  );
}

const pointsIn = (orders: readonly { point: RecoveryPoint }[]) => orders.map(({ point }) => point.captured);

describe("what is copied", () => {
  test("is the newest first, then the oldest, and no more at once than EC2 runs", () => {
    const here = days(5, 5);
    const world = new CopyWorld(keeping);
    const { copy, wait } = world.plan(here, now);
    const [oldest, second, third, fourth, newest] = here.map(({ captured }) => captured);
    const order = [newest, oldest, second, third, fourth].flatMap((one) => Array(5).fill(one));
    expect([...pointsIn(copy), ...pointsIn(wait)]).toEqual(order);
    expect(copy).toHaveLength(mostRunning);
    expect(world.plan(here, now, 17).copy).toHaveLength(3);
    expect(world.plan(here, now, 30).copy).toEqual([]);
  });

  test("finishes what is begun before it begins more, but never before the newest", () => {
    const here = days(4, 8);
    const world = new CopyWorld(keeping);
    world.begin(world.plan(here, now), now);
    world.settle();
    const more = [...here, pointHere(9, now, keeping, { volumes: 8 })];
    const captured = pointsIn(world.plan(more, now).copy).map(Number);
    // 20 of 32 were begun: the newest, the oldest, and half of the second.
    expect([...new Set(captured)]).toEqual([more[4], here[1], here[2]].map((one) => Number(one?.captured)));
    expect(captured.filter((one) => one === Number(here[1]?.captured))).toHaveLength(4);
  });

  test("goes on with what is begun before what is older", () => {
    const here = days(4, 2);
    const world = new CopyWorld(keeping);
    const third = world.plan(here, now).copy.filter(({ point }) => point === here[2]);
    world.begin({ copy: third.slice(0, 1) }, now);
    const order = pointsIn(world.plan(here, now).copy).map(Number);
    expect([...new Set(order)]).toEqual(
      [here[3], here[2], here[0], here[1]].map((one) => Number(one?.captured)),
    );
  });

  test("is nothing that the policy there would give up at once, and what it would keep of what is left", () => {
    const here = Array.from({ length: 48 }, (_, index) =>
      pointHere(index + 1, earlier(now, index * hour), keeping),
    );
    const world = new CopyWorld(policy({ daily: 2 }));
    const plan = world.plan(here, now);
    expect(pointsIn(plan.copy).map((one) => one.toISOString())).toEqual([
      "2027-06-16T09:41:00.000Z",
      "2027-06-15T23:41:00.000Z",
    ]);
    world.begin(plan, now);
    world.settle();
    expect(world.prune(world.plan(here, now), now)).toEqual([]);
    expect(world.plan(here, now)).toMatchObject({ copy: [], wait: [], wanted: 0 });
  });

  test("is never a copy, a mixture, an archived snapshot, an image, or what does not tell whose it is", () => {
    const [good] = days(1);
    if (good === undefined) throw new Error("no point");
    const changed = (change: Partial<RecoveryPoint>, member: Partial<Snapshot> = {}) => ({
      ...good,
      id: `0193a1b2-c3d4-7000-8000-${JSON.stringify([change, member]).length.toString().padStart(12, "0")}`,
      ...change,
      snapshots: good.snapshots.map((one) => ({ ...one, ...member })),
    });
    const here = [
      changed({}, { tags: { [copiedFrom]: "snap-00000000" } }),
      changed({}, { volumeId: "vol-ffffffff" }),
      changed({ holds: [{ by: "mixed", detail: "" }] }),
      changed({}, { archived: true }),
      changed({ image: { period: "monthly 2027-06" } }),
      changed({ series: "" }),
    ];
    const scene = { there: [], policy: keeping, now, running: 0 };
    const plan = planCopies({ here, ...scene });
    expect(plan.copy).toEqual([]);
    expect(plan.left.map(({ because }) => because)).toHaveLength(here.length);
    for (const state of ["pending", "partial", "failed"] as const)
      expect(planCopies({ here: [changed({ state })], ...scene }).copy).toEqual([]);
    expect(planCopies({ here: [good], ...scene }).copy).toHaveLength(1);
  });
});

test("what lags is the oldest that is wanted and not whole, also while it is under way", () => {
  const here = days(3, 2);
  const world = new CopyWorld(keeping);
  expect(world.plan(here, now).behind).toBe(here[0]);
  world.begin(world.plan(here, now), now);
  expect(world.plan(here, now)).toMatchObject({ behind: here[0], wanted: 3 });
  world.there = world.there.map((one) =>
    one.tags[tagKeys.point] === here[0]?.id ? { ...one, state: "completed" } : one,
  );
  expect(world.plan(here, now)).toMatchObject({ behind: here[1], wanted: 2 });
  world.settle();
  expect(world.plan(here, now).behind).toBeUndefined();
});

describe("a copy", () => {
  const [point] = days(1);
  const [source] = point?.snapshots ?? [];
  if (point === undefined || source === undefined) throw new Error("no point");
  const birth = { point, source, from: "eu-central-1", policy: keeping, attempt: 1 };
  const target = { region: "eu-west-1" };

  test("says of what it is by EC2's clock, and carries neither what a drill found nor what a sweep marked", () => {
    const own = {
      "aws:x": "1",
      [tagKeys.verified]: "x",
      [tagKeys.doomed]: "x",
      KeepForever: "yes",
      Team: "a",
    };
    const { tags, dropped } = tagsOfCopy({
      ...birth,
      target,
      source: { ...source, tags: { ...source.tags, ...own } },
    });
    expect(tags).toMatchObject({
      ...Object.fromEntries(Object.entries(source.tags).filter(([key]) => key !== tagKeys.captured)),
      KeepForever: "yes",
      Team: "a",
      [copiedFrom]: source.id,
      "ec2-backup:copied-from": "eu-central-1",
      "ec2-backup:copied-volume": source.volumeId,
      [tagKeys.captured]: point.captured.toISOString(),
    });
    expect(Object.keys(tags).filter((key) => /^aws:|verified|doomed/.test(key))).toEqual([]);
    expect(dropped).toEqual([]);
  });

  test("never has over 50 tags, and gives up the user's before any of ours", () => {
    const more = Object.fromEntries(Array.from({ length: 42 }, (_, index) => [`T${index + 10}`, ""]));
    const full = { ...source, tags: { ...source.tags, KeepForever: "yes", ...more } };
    const { tags, dropped } = tagsOfCopy({ ...birth, target, source: full });
    expect(Object.keys(tags)).toHaveLength(50);
    expect(dropped.length).toBeGreaterThan(0);
    expect(dropped.every((key) => key.startsWith("T"))).toBe(true);
    expect(tags).toMatchObject({ KeepForever: "yes", [copiedFrom]: source.id });
  });

  test("leaves out a date by which others would delete it where it is kept otherwise than its source", () => {
    const dated = { ...source, tags: { ...source.tags, DeleteOn: "2027-07-01" } };
    expect(tagsOfCopy({ ...birth, target, source: dated }).tags).toMatchObject({ DeleteOn: "2027-07-01" });
    const own = { ...target, retention: keeping };
    expect(tagsOfCopy({ ...birth, target: own, source: dated }).tags).not.toHaveProperty("DeleteOn");
  });
});

describe("copies that failed", () => {
  const here = days(1, 2);
  const failing = (rounds: number) => {
    const world = new CopyWorld(keeping);
    for (let round = 0; round < rounds; round += 1) {
      world.begin(world.plan(here, later(now, round * 3 * day)), later(now, round * 3 * day));
      world.settle(() => "error");
    }
    return world;
  };

  test("are told and tried again: at once, after an hour, then once a day", () => {
    for (const [tries, pause] of [
      [1, 0],
      [2, hour],
      [3, day],
      [9, day],
    ] as const) {
      const world = failing(tries);
      const begun = later(now, (tries - 1) * 3 * day);
      if (pause > 0) expect(world.plan(here, later(begun, pause - 1)).copy, String(tries)).toEqual([]);
      const { copy, bad } = world.plan(here, later(begun, pause));
      expect(copy.map(({ attempt }) => attempt)).toEqual([tries + 1, tries + 1]);
      expect(bad.map(({ attempt }) => attempt)).toEqual([tries, tries]);
      expect(world.there, "one of each is all that is left").toHaveLength(2);
    }
  });

  test("are counted also where those before them have been cleared away", () => {
    const world = new CopyWorld(keeping);
    for (let round = 0; round < 3; round += 1) {
      const clock = later(now, round * 3 * day);
      world.clear(world.plan(here, clock));
      world.begin(world.plan(here, clock), clock);
      world.settle(() => "error");
    }
    const clock = later(now, 30 * day);
    world.clear(world.plan(here, clock));
    expect(world.plan(here, clock).copy.map(({ attempt }) => attempt)).toEqual([4, 4]);
  });

  test("go when another is there or nobody wants them any more", () => {
    const world = failing(2);
    expect(world.plan([], now).clear).toHaveLength(2);
    const [left] = world.there;
    world.begin(world.plan(here, later(now, 5 * day)), later(now, 5 * day));
    if (left === undefined) throw new Error("none failed");
    world.there.push(left);
    expect(world.plan(here, later(now, 5 * day)).clear).toEqual([{ copy: left, because: "failed" }]);
  });
});

test("of doubled copies the oldest complete one stays, and none goes before one is complete", () => {
  const here = days(1);
  const world = new CopyWorld(keeping);
  const plan = world.plan(here, now);
  world.begin(plan, now);
  world.begin(plan, later(now, hour));
  const [first, second] = world.there;
  expect(world.plan(here, now).clear).toEqual([]);
  if (first === undefined || second === undefined) throw new Error("not doubled");
  world.there = [first, { ...second, state: "completed" }];
  expect(world.plan(here, now)).toMatchObject({ copy: [], clear: [{ copy: first, because: "doubled" }] });
  world.there = [
    { ...first, state: "completed" },
    { ...second, state: "completed" },
  ];
  const { clear, points } = world.plan(here, now);
  expect(clear).toMatchObject([{ copy: { id: second.id }, because: "doubled" }]);
  expect(points).toMatchObject([{ state: "complete", holds: [] }]);
});

test("a doubled copy that somebody holds is the one that stays, and of several none is cleared for another's sake", () => {
  const here = days(1);
  const world = new CopyWorld(keeping);
  const plan = world.plan(here, now);
  world.begin(plan, now);
  world.begin(plan, later(now, hour));
  world.settle();
  const [older, younger] = world.there;
  if (older === undefined || younger === undefined) throw new Error("not doubled");
  const marked = (one: typeof older, tags: object) => ({ ...one, tags: { ...one.tags, ...tags } });
  world.there = [older, marked(younger, { KeepForever: "yes" })];
  const { clear, points } = world.plan(here, now);
  expect(clear).toEqual([{ copy: older, because: "doubled" }]);
  expect(points).toMatchObject([
    { state: "complete", snapshots: [{ id: younger.id }], holds: [{ by: "keep-forever" }] },
  ]);
  const until = {
    DeleteOn: later(now, 9 * day)
      .toISOString()
      .slice(0, 10),
  };
  world.there = [marked(older, { KeepForever: "yes" }), marked(younger, until)];
  expect(world.plan(here, now).clear).toEqual([]);
  expect(world.plan(here, later(now, 10 * day)).clear).toMatchObject([{ copy: { id: younger.id } }]);
  // As it comes along from the source.
  world.there = world.there.map((one) => marked(one, { KeepForever: "yes", DeleteOn: "no" }));
  expect(world.plan(here, now).clear).toMatchObject([{ copy: { id: younger.id }, because: "doubled" }]);
});

test("a copy that a listing tells twice is one, and is not cleared as its own double", () => {
  const here = days(2);
  const world = new CopyWorld(keeping);
  world.begin(world.plan(here, now), now);
  world.settle();
  world.there = [...world.there, ...world.there];
  expect(world.plan(here, now)).toMatchObject({ copy: [], clear: [], points: [{}, {}] });
});

test("what another tool has copied is neither counted nor cleared", () => {
  const here = days(1);
  const world = new CopyWorld(keeping);
  world.begin(world.plan(here, now), now);
  world.settle();
  world.there = world.there.map((one) => {
    const { "ec2-backup:copied-from": _, ...tags } = one.tags;
    return { ...one, tags };
  });
  expect(world.plan(here, now)).toMatchObject({ copy: [{}], clear: [], points: [] });
});

test("the newest copy of a volume stays also where its set will never be whole", () => {
  const here = days(2, 2);
  const world = new CopyWorld(policy({ last: 1 }));
  const { copy } = world.plan(here.slice(0, 1), now);
  world.begin({ copy }, now);
  world.settle();
  // Of the next only one half came over before its source was gone.
  world.begin({ copy: world.plan(here, now).copy.slice(0, 1) }, now);
  world.settle();
  const plan = world.plan([], later(now, 30 * day));
  expect(world.prune(plan, later(now, 30 * day))).toEqual([]);
  expect(plan.points.flatMap(({ holds }) => holds)).toMatchObject([{ by: "copy" }]);
});

test("the targets that a point records are read back as they were, or not at all", () => {
  const recorded = policy({ daily: 7, timezone: "Europe/Berlin", demanded: "filesystem" });
  const target = fc.record(
    {
      region: fc.constantFrom("eu-west-1", "us-gov-west-1", "eusc-de-east-1"),
      kmsKeyId: fc.constantFrom("alias/a", "01234567-89ab-cdef-0123-456789abcdef"),
      completeWithin: fc.integer({ min: 1, max: 192 }).map((quarters) => quarters * 15),
      retention: fc
        .record(
          { daily: fc.integer({ min: 1, max: 99 }), within: fc.constant(36 * hour) },
          { requiredKeys: [] },
        )
        .map((rules) => policy({ ...rules, timezone: "Europe/Berlin", demanded: "filesystem" })),
    },
    { requiredKeys: ["region"] },
  );
  fc.assert(
    fc.property(fc.array(target, { minLength: 1, maxLength: 3 }), (targets) => {
      const tags = copyTagOf(targets);
      if (Object.keys(tags).length === 0) return;
      expect(Object.values(tags).join("")).toMatch(/^[\w .:/=+\-@]{1,256}$/);
      expect(targetsOfTag(tags, recorded)).toEqual(targets);
    }),
  );
  for (const text of ["Ireland", "key=alias/a", "eu-west-1 keep=daily=x", "eu-west-1 what"])
    expect(targetsOfTag({ "ec2-backup:copy": text }, recorded)).toBeUndefined();
});

/** What happens to a Region in one step. */
const step = fc.record({
  hours: fc.integer({ min: 1, max: 60 }),
  captures: fc.boolean(),
  fails: fc.integer({ min: 0, max: 9 }),
  settles: fc.boolean(),
  doubles: fc.boolean(),
  others: fc.integer({ min: 0, max: 25 }),
  dies: fc.boolean(),
});

test("whatever happens, nothing is copied twice, no more runs than EC2 takes, and what is kept there is never lost", () => {
  const policies = fc.constantFrom(
    policy({ last: 2 }),
    policy({ daily: 3, weekly: 2 }),
    policy({ within: 4 * day, minimum: 1 }),
    policy({}),
  );
  fc.assert(
    fc.property(
      policies,
      fc.integer({ min: 1, max: 7 }),
      fc.array(step, { maxLength: 40 }),
      (kept, volumes, steps) => {
        const world = new CopyWorld(kept);
        let here: RecoveryPoint[] = [];
        let clock = now;
        for (const [index, one] of steps.entries()) {
          clock = later(clock, one.hours * hour);
          if (one.captures) here.push(pointHere(index + 1, clock, keeping, { volumes }));
          here = here.slice(-3);
          if (one.settles)
            world.settle((copy) => (copy.id.charCodeAt(21) % 10 < one.fails ? "error" : "completed"));
          const plan = world.plan(here, clock, one.others);
          const running = world.there.filter(({ state }) => state === "pending").length + one.others;
          expect(plan.copy.length).toBeLessThanOrEqual(Math.max(0, mostRunning - running));
          const living = new Set(
            world.there.filter(({ state }) => state !== "error").map(({ tags }) => tags[copiedFrom]),
          );
          for (const { source, point } of plan.copy) {
            expect(living.has(source.id)).toBe(false);
            expect(point.state).toBe("complete");
          }
          const sources = plan.copy.map(({ source }) => source.id);
          expect(new Set(sources).size).toBe(sources.length);
          world.begin(one.dies ? { copy: plan.copy.slice(0, 1) } : plan, clock);
          // Two who copy at once.
          if (one.doubles) world.begin(plan, later(clock, 1000));
          const before = sourcesIn(world, "completed");
          world.clear(plan);
          expect(sourcesIn(world, "completed"), "clearing leaves one of each").toEqual(before);
          const after = world.plan(here, clock);
          const { keep } = planRetention(after.points, kept, clock);
          world.prune(after, clock);
          const left = new Set(world.there.map(({ id }) => id));
          for (const { point } of keep) for (const { id } of point.snapshots) expect(left.has(id)).toBe(true);
        }
        // In the end all that is wanted is there, once.
        for (let round = 0; round < 60; round += 1) {
          clock = later(clock, 2 * day);
          const plan = world.plan(here, clock);
          world.begin(plan, clock);
          world.settle();
          world.clear(world.plan(here, clock));
          if (plan.wanted === 0) break;
        }
        expect(world.plan(here, clock)).toMatchObject({ copy: [], wait: [], wanted: 0, clear: [] });
      },
    ),
    { numRuns: 150 },
  );
});

function sourcesIn({ there }: CopyWorld, state: Snapshot["state"]): string[] {
  return [
    ...new Set(there.filter((one) => one.state === state).map(({ tags }) => tags[copiedFrom] ?? "")),
  ].sort();
}

test("in 400 days each month's copy stays, though the source keeps a week and is gone in the end", () => {
  const there = policy({ daily: 7, monthly: 12 });
  const world = new CopyWorld(there);
  let here: RecoveryPoint[] = [];
  const begin = at("2027-01-01T03:00");
  for (let index = 0; index < 400; index += 1) {
    const clock = later(begin, index * day);
    here = [...here, pointHere(index + 1, clock, keeping, { volumes: 2 })].slice(-7);
    const gone = index > 390 ? [] : here;
    const plan = world.plan(gone, clock);
    world.begin(plan, clock);
    world.settle();
    world.prune(world.plan(gone, clock), clock);
  }
  const end = later(begin, 400 * day);
  const { points } = world.plan([], end);
  const months = new Set(points.map(({ captured }) => captured.toISOString().slice(0, 7)));
  expect(months.size).toBe(12);
  expect(points.every(({ state, snapshots }) => state === "complete" && snapshots.length === 2)).toBe(true);
  const daily = points.filter(({ captured }) => captured >= at("2028-01-18T00:00"));
  expect(daily.length).toBeGreaterThanOrEqual(7);
});
