import * as fc from "fast-check";
import { expect, test } from "vitest";
import { eachUnit } from "../../src/actions/each-unit.ts";
import { pace } from "../../src/actions/pace.ts";
import { BackupError } from "../../src/core/errors.ts";
import { shareOf } from "../../src/core/sweep-ports.ts";

const clock = { elapsed: () => performance.now() };
const place = (region: string) => ({
  unit: { id: `111122223333/${region}`, account: "111122223333", region },
});
const places = ["a", "b", "c", "d", "e"].map(place);
const never = new AbortController().signal;

test("units are done so many at a time, and told in their own order", async () => {
  let now = 0;
  let most = 0;
  const reports = await eachUnit(
    places,
    { parallel: 2, unitDeadline: 60_000 },
    clock,
    async ({ unit }) => {
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, unit.region === "a" ? 50 : 1));
      now -= 1;
      return unit.region;
    },
    never,
  );
  expect(most).toBe(2);
  expect(reports.map(({ outcome, result }) => [outcome, result])).toEqual(
    ["a", "b", "c", "d", "e"].map((region) => ["done", region]),
  );
});

test("one that hangs whatever it is told, and one that fails, keep no other back", async () => {
  const ended: string[] = [];
  const reports = await eachUnit(
    places,
    { parallel: 5, unitDeadline: 100 },
    clock,
    async ({ unit: { region } }) => {
      if (region === "a") return new Promise<string>(() => undefined);
      if (region === "b") throw new BackupError({ kind: "denied", doing: "look", found: "no" });
      if (region === "c") throw new Error("a defect");
      return region;
    },
    never,
    ({ unit }) => ended.push(unit.region),
  );
  expect(reports.map(({ outcome }) => outcome)).toEqual(["late", "denied", "failed", "done", "done"]);
  expect(reports[0]?.failure).toMatchObject({ code: "UnitDeadline", kind: "unreachable" });
  expect(ended.at(-1)).toBe("a");
});

test("what is told to stop and says what it has done is heard", async () => {
  const stop = new AbortController();
  const work = (_: unknown, signal: AbortSignal) =>
    new Promise<string>((resolve) => signal.addEventListener("abort", () => resolve("half of it")));
  const byDeadline = await eachUnit([place("a")], { parallel: 1, unitDeadline: 20 }, clock, work, never);
  expect(byDeadline).toMatchObject([{ outcome: "late", result: "half of it" }]);
  setTimeout(() => stop.abort(), 20);
  const byPerson = await eachUnit(
    places.slice(0, 2),
    { parallel: 1, unitDeadline: 60_000 },
    clock,
    work,
    stop.signal,
  );
  expect(byPerson.map(({ outcome }) => outcome)).toEqual(["interrupted", "interrupted"]);
});

test("a pace is kept, and slower for a while once somebody is turned away", async () => {
  let now = 0;
  const virtual = {
    elapsed: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const turns = pace(4, virtual);
  const times: number[] = [];
  for (let index = 0; index < 9; index += 1) {
    await turns.turn(never);
    times.push(now);
  }
  expect(times).toEqual([0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000]);
  turns.slower();
  const before = now;
  await turns.turn(never);
  expect(now - before).toBe(1_000);
  for (let index = 0; index < 40; index += 1) await turns.turn(never);
  const settled = now;
  await turns.turn(never);
  expect(now - settled).toBeCloseTo(250);
});

test("where all must be over at some time, one that hangs takes its share, and what one leaves others have", async () => {
  const begun = performance.now();
  const reports = await eachUnit(
    places,
    { parallel: 1, unitDeadline: 60_000, until: begun + 1_000 },
    clock,
    async ({ unit: { region } }, signal) => {
      const at = performance.now();
      if (region === "a")
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      return performance.now() - at;
    },
    never,
  );
  expect(reports.map(({ outcome }) => outcome)).toEqual(["late", "done", "done", "done", "done"]);
  expect(reports[0]?.ms).toBeGreaterThanOrEqual(190);
});

test("shares: all that wait could have as much, and alone one has all", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1, max: 900_000, noNaN: true }),
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 32 }),
      (left, waiting, parallel) => {
        const share = shareOf(left, waiting, parallel);
        const rounds = Math.ceil(waiting / parallel);
        // One after the other in each place, they are over in time; a share is never nothing.
        expect(share * rounds).toBeLessThanOrEqual(Math.max(left, rounds) * (1 + 1e-9));
        if (waiting <= parallel) expect(share).toBe(left);
        expect(shareOf(left, waiting + 1, parallel)).toBeLessThanOrEqual(share);
      },
    ),
  );
  expect(shareOf(-5, 3, 1)).toBe(1);
});

test("the work of a unit is told when its share of the time is over", async () => {
  const began = performance.now();
  const told: number[] = [];
  await eachUnit(
    places.slice(0, 2),
    { parallel: 1, unitDeadline: 60_000, until: began + 10_000 },
    clock,
    async (_place, _signal, until) => void told.push(until - began),
    never,
  );
  const [first = 0, second = 0] = told;
  expect(first).toBeGreaterThan(4_500);
  expect(first).toBeLessThan(5_500);
  // The first one left it nearly all.
  expect(second).toBeGreaterThan(9_000);
});
