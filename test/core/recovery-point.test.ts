import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type PointState,
  restorableVolumes,
  type Snapshot,
  sizeOf,
  stateOf,
} from "../../src/core/recovery-point.ts";
import { at, point, snapshot } from "./points.ts";

type State = Snapshot["state"];

const members = (states: readonly State[]) =>
  states.map((state, index) => snapshot({ id: `snap-${index}`, volumeId: `vol-${index}`, state }));

describe("the state of a set", () => {
  const cases: [string, State[], number, PointState][] = [
    ["all members completed", ["completed", "completed"], 2, "complete"],
    ["a member more than planned", ["completed", "completed"], 1, "complete"],
    ["no record of what was planned", ["completed"], 0, "complete"],
    ["a member missing", ["completed"], 2, "partial"],
    ["a member pending", ["completed", "pending"], 2, "pending"],
    ["a member pending and another missing", ["pending"], 2, "pending"],
    ["a member that failed", ["completed", "error"], 2, "failed"],
    ["a member that failed while another is pending", ["pending", "error"], 2, "failed"],
    ["a member in the Recycle Bin", ["completed", "recoverable"], 2, "partial"],
    ["no members", [], 2, "failed"],
    ["no members and nothing planned", [], 0, "failed"],
  ];
  test.each(cases)("with %s (%j of %i planned) is %s", (_, states, planned, expected) => {
    const ids = Array.from({ length: planned }, (_each, index) => `vol-${index}`);
    expect(stateOf(members(states), ids)).toBe(expected);
  });

  test("is complete only if every planned volume has a completed member", () => {
    const states = fc.array(
      fc.constantFrom<State>("pending", "completed", "error", "recoverable", "recovering"),
      {
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(states, fc.uniqueArray(fc.nat(6)), (list, planned) => {
        const ids = planned.map((index) => `vol-${index}`);
        const whole = ids.every((id) => list[Number(id.slice(4))] === "completed");
        const all = list.length > 0 && list.every((state) => state === "completed");
        expect(stateOf(members(list), ids) === "complete").toBe(whole && all);
      }),
      { numRuns: 500 },
    );
  });

  test("is what the test's own points say it is", () => {
    for (const state of ["pending", "complete", "partial", "failed"] as const) {
      const one = point(at("2027-01-01T00:00"), { state, volumes: ["vol-a", "vol-b"] });
      expect(
        stateOf(
          one.snapshots,
          one.recipe.map((volume) => volume.volumeId),
        ),
      ).toBe(state);
    }
  });
});

test("the volumes that can be restored are those of completed members, whatever the state of the set", () => {
  const now = at("2027-01-01T00:00");
  const volumes = ["vol-a", "vol-b"];
  expect(restorableVolumes(point(now, { volumes }))).toEqual(["vol-a", "vol-b"]);
  expect(restorableVolumes(point(now, { volumes, state: "pending" }))).toEqual(["vol-a"]);
  expect(restorableVolumes(point(now, { volumes, state: "failed" }))).toEqual(["vol-b"]);
});

test("the size of a point is the blocks written where EC2 says so, else the size of the volume", () => {
  const one = point(at("2027-01-01T00:00"));
  const snapshots = [snapshot({ volumeSizeGiB: 8, fullSizeBytes: 5_000 }), snapshot({ volumeSizeGiB: 2 })];
  expect(sizeOf({ ...one, snapshots })).toBe(5_000 + 2 * 1024 ** 3);
  expect(sizeOf({ ...one, snapshots: [] })).toBe(0);
});
