import { expect, test } from "vitest";
import { volumesSeen } from "../../src/core/volume-ages.ts";
import { at, point, snapshot } from "./points.ts";

const root = { id: "vol-1", device: "/dev/xvda" };
const data = { id: "vol-2", device: "/dev/sdf" };
const added = { id: "vol-3", device: "/dev/sdg" };
const gibibyte = 1024 ** 3;

test("each volume has its own newest complete copy, its own bytes and what is still settling", () => {
  const old = point(at("2027-03-26T01:00"), { id: "old", volumes: ["vol-1", "vol-2"] });
  const young = point(at("2027-03-27T01:00"), { id: "young", volumes: ["vol-1"] });
  const fresh = point(at("2027-03-28T01:00"), { id: "fresh", state: "pending", volumes: ["vol-1", "vol-3"] });
  const written = [snapshot({ id: "s", volumeId: "vol-1", fullSizeBytes: 5_000 })];
  expect(volumesSeen([root, data, added], [fresh, { ...young, snapshots: written }, old])).toEqual([
    {
      volume: "vol-1",
      device: "/dev/xvda",
      newest: "2027-03-27T01:00:00.000Z",
      bytes: 5_000,
      settling: "2027-03-28T01:00:00.000Z",
    },
    { volume: "vol-2", device: "/dev/sdf", newest: "2027-03-26T01:00:00.000Z", bytes: 8 * gibibyte },
    { volume: "vol-3", device: "/dev/sdg", settling: "2027-03-28T01:00:00.000Z" },
  ]);
});

test("a point that settles although a younger one is complete is not told of", () => {
  const late = point(at("2027-03-26T01:00"), { id: "late", state: "pending", volumes: ["vol-1"] });
  const young = point(at("2027-03-27T01:00"), { id: "young", volumes: ["vol-1"] });
  expect(volumesSeen([root], [young, late])[0]).not.toHaveProperty("settling");
});
