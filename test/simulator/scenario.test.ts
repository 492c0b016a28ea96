import { describe, expect, test } from "vitest";
import { buildWorld } from "../../src/simulator/build-world.ts";
import { defaultScenario } from "../../src/simulator/default-scenario.ts";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { readScenario, ScenarioError } from "../../src/simulator/scenario-check.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { instance } from "./simulate.ts";

/** The faults of a scenario, of its form or of what it refers to. */
function faultsOf(scenario: unknown): readonly string[] {
  try {
    buildWorld(readScenario(scenario), 0);
  } catch (error) {
    if (error instanceof ScenarioError) return error.faults;
    throw error;
  }
  return [];
}

test("the default scenario, and an empty one, have no fault", () => {
  expect(faultsOf(defaultScenario)).toEqual([]);
  expect(faultsOf({})).toEqual([]);
});

test("every fault of the form is named, with its place", () => {
  const scenario = {
    colour: "red",
    region: "Frankfurt",
    clock: { start: "yesterday", speed: -1 },
    instances: [{ id: "i-1", state: "asleep" }, { tags: { a: 1 } }],
    volumes: [
      { id: "vol-00000001", size: 0.5, type: "gp9", file: "disk.img", attachments: [{ device: "sda 1" }] },
    ],
    settle: "slow",
    limits: "no",
    accessKeys: [{ id: "key" }],
    snapshotData: 7,
  };
  expect(faultsOf(scenario)).toEqual([
    expect.stringMatching(/^colour: unknown \(known: .*region.*\)$/),
    'region: expected a Region such as eu-central-1, got "Frankfurt"',
    'clock.start: expected an ISO 8601 instant, got "yesterday"',
    "clock.speed: expected a number from 0, got -1",
    'instances[0].id: expected an id such as i-0123456789abcdef0, got "i-1"',
    'instances[0].state: expected one of pending, running, shutting-down, terminated, stopping, stopped, got "asleep"',
    "instances[1].id: missing",
    "instances[1].tags.a: expected a text, got 1",
    "volumes[0].size: expected a whole number from 1 to 65536, got 0.5",
    'volumes[0].type: expected one of gp2, gp3, io1, io2, st1, sc1, standard, got "gp9"',
    'volumes[0].file: expected an absolute path, got "disk.img"',
    "volumes[0].attachments[0].instance: missing",
    'volumes[0].attachments[0].device: expected a device name such as /dev/sdf, got "sda 1"',
    'settle: expected an object, got "slow"',
    'limits: expected true or false, got "no"',
    "accessKeys[0].user: missing",
    'accessKeys[0].id: expected an access key id beginning with AKIA, got "key"',
    "snapshotData: expected a text, got 7",
  ]);
});

describe("what refers to nothing, or excludes each other", () => {
  const one = { instances: [{ id: instance }] };
  const other = "i-00000002";
  const cases: [string, Scenario, string][] = [
    ["no instance", { instances: [] }, "self: no instance at all"],
    ["another self", { ...one, self: other }, `self: no instance ${other}`],
    [
      "an id twice",
      { instances: [{ id: instance }, { id: instance }] },
      `instances: ${instance} appears twice`,
    ],
    [
      "an attachment to nobody",
      {
        ...one,
        volumes: [{ id: "vol-00000001", size: 1, attachments: [{ instance: other, device: "/dev/sdf" }] }],
      },
      `volumes: vol-00000001 is attached to ${other}, which does not exist`,
    ],
    [
      "two volumes at one device",
      { ...one, volumes: [1, 2].map(() => ({ size: 1, attachments: [{ instance, device: "/dev/sdf" }] })) },
      `volumes: ${instance} has two volumes at /dev/sdf`,
    ],
    [
      "two attachments of a plain volume",
      {
        instances: [{ id: instance }, { id: other }],
        volumes: [
          {
            id: "vol-00000001",
            size: 1,
            attachments: [
              { instance, device: "/dev/sdf" },
              { instance: other, device: "/dev/sdf" },
            ],
          },
        ],
      },
      "volumes: vol-00000001 has several attachments but not multiAttachEnabled",
    ],
    [
      "an image of no snapshot",
      { ...one, images: [{ id: "ami-00000001", snapshots: { "/dev/xvda": "snap-00000001" } }] },
      "images: ami-00000001 uses snap-00000001, which does not exist",
    ],
  ];
  test.each(cases)("%s", (_, scenario, fault) => {
    expect(faultsOf(scenario)).toEqual([fault]);
  });

  test("a simulator does not start with it", async () => {
    await expect(startSimulator({ scenario: { instances: [] } })).rejects.toBeInstanceOf(ScenarioError);
  });
});

test("ids are the same for the same seed, and others for another", () => {
  const ids = (seed: number) =>
    Object.keys(buildWorld({ seed, volumes: [{ size: 1 }, { size: 1 }] }, 0).volumes);
  expect(ids(1)).toEqual(ids(1));
  expect(new Set([...ids(1), ...ids(2)]).size).toBe(4);
});
