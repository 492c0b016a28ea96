import type { Scenario } from "./scenario.ts";

const instance = "i-0d3a0de0c0ffee001";

/** One instance with a root volume and two data volumes: what is simulated when nobody says otherwise. */
export const defaultScenario: Scenario = {
  account: "111122223333",
  partition: "aws",
  region: "eu-central-1",
  zone: "eu-central-1a",
  self: instance,
  instances: [{ id: instance, name: "demo", tags: { Backup: "yes" } }],
  volumes: [
    {
      id: "vol-0d3a0de0c0ffee00a",
      size: 8,
      type: "gp3",
      tags: { Name: "demo root" },
      attachments: [{ instance, device: "/dev/xvda", deleteOnTermination: true }],
    },
    {
      id: "vol-0d3a0de0c0ffee00f",
      size: 100,
      type: "gp3",
      tags: { Name: "demo data" },
      attachments: [{ instance, device: "/dev/sdf" }],
    },
    {
      id: "vol-0d3a0de0c0ffee010",
      size: 500,
      type: "st1",
      tags: { Name: "demo archive" },
      attachments: [{ instance, device: "/dev/sdg" }],
    },
  ],
  // A public snapshot of somebody else: a listing that forgets to ask for its own ones meets it.
  snapshots: [
    {
      id: "snap-0a3a0000000000001",
      volumeId: "vol-ffffffff",
      volumeSize: 8,
      ownerId: "137112412989",
      ownerAlias: "amazon",
      description: "public image of somebody else",
      startTime: "2024-01-01T00:00:00Z",
    },
  ],
};
