import {
  DescribeInstancesCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { startSimulator } from "../../src/simulator/server.ts";
import { authorization, keys, rawCall, simulate } from "./simulate.ts";

const snapshotTags = {
  "ec2-backup:point": "{point}",
  "ec2-backup:instance": "{arn}",
  "ec2-backup:captured": "{captured}",
  "ec2-backup:manifest.1": "{volumes}",
  Group: "{group}",
  Fixed: "as it is",
};
const few = { instances: 40, volumesPer: 2.5, snapshotsPerVolume: 4, tags: { snapshot: snapshotTags } };
const only: Scenario = { instances: [{ id: "i-0000000000000000a" }], limits: false };

describe("things by the thousand", () => {
  test("are instances with volumes, with snapshots in sets, each with the tags of the template", async () => {
    const { ec2, control } = await simulate({
      ...only,
      generate: { ...few, unattached: 3, groups: 0.5, spot: 0.5, stopped: 0.5, encrypted: 0.5 },
    });
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
    const instances = Reservations.flatMap(({ Instances = [] }) => Instances).filter(
      ({ InstanceId }) => InstanceId !== "i-0000000000000000a",
    );
    expect(instances).toHaveLength(40);
    for (const kind of ["InstanceLifecycle", "State", "Tags"] as const)
      expect(new Set(instances.map((each) => JSON.stringify(each[kind]))).size).toBeGreaterThan(1);
    const volumes = Object.values((await control.state()).volumes);
    expect(volumes.length).toBeGreaterThan(40 * 2 + 3);
    expect(volumes.length).toBeLessThan(40 * 3 + 3);
    expect(volumes.filter(({ attachments }) => attachments.length === 0)).toHaveLength(3);
    const [first] = instances;
    const mine = first?.BlockDeviceMappings?.map(({ Ebs }) => Ebs?.VolumeId ?? "") ?? [];
    const { Snapshots = [] } = await ec2.send(
      new DescribeSnapshotsCommand({ Filters: [{ Name: "volume-id", Values: mine }] }),
    );
    expect(Snapshots).toHaveLength(mine.length * 4);
    const sets = Map.groupBy(
      Snapshots,
      ({ Tags = [] }) => Tags.find(({ Key }) => Key?.endsWith(":point"))?.Value,
    );
    expect([...sets.values()].map((set) => new Set(set.map(({ VolumeId }) => VolumeId)).size)).toEqual(
      Array(4).fill(mine.length),
    );
    for (const [point, set] of sets) {
      const [{ StartTime, Tags = [] } = {}] = set;
      const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
      expect(tags).toMatchObject({
        "ec2-backup:point": point,
        "ec2-backup:instance": `arn:aws:ec2:eu-central-1:111122223333:instance/${first?.InstanceId}`,
        "ec2-backup:captured": StartTime?.toISOString(),
        Fixed: "as it is",
      });
      expect(tags["ec2-backup:manifest.1"]?.split(" ").sort()).toEqual([...mine].sort());
    }
  });

  test("are the same for the same seed, and leave orphans and strangers where that is asked for", async () => {
    const generate = { ...few, gone: 0.5, untagged: 0.5 };
    const stateOf = async (seed: number) => {
      const { control } = await simulate({ ...only, generate: { ...generate, seed } });
      const { instances, volumes, snapshots } = await control.state();
      return { instances, volumes, snapshots: Object.values(snapshots) };
    };
    const [one, same, other] = [await stateOf(1), await stateOf(1), await stateOf(2)];
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
    const orphans = one.snapshots.filter(({ volumeId }) => one.volumes[volumeId] === undefined);
    const untagged = one.snapshots.filter(({ tags }) => Object.keys(tags).length === 0);
    for (const { length } of [orphans, untagged]) {
      expect(length).toBeGreaterThan(0);
      expect(length).toBeLessThan(one.snapshots.length);
    }
  });

  test("an unknown placeholder is a fault of the scenario", async () => {
    const tags = { snapshot: { a: "{nobody}" } };
    await expect(startSimulator({ scenario: { generate: { instances: 1, tags } } })).rejects.toThrow(
      "generate.tags.snapshot.a: {nobody} is unknown",
    );
  });
});

describe("listings of a large account", () => {
  const accounts = ["111122223333", "444455556666"];
  const regions = ["eu-central-1", "eu-west-1", "us-east-1"];
  const generate = {
    instances: 834,
    volumesPer: 2.4,
    snapshotsPerVolume: 8.33,
    tags: { snapshot: snapshotTags },
  };
  const places = accounts
    .flatMap((account) => regions.map((region) => ({ account, region, generate })))
    .slice(1);

  test("5,000 instances, 12,000 volumes and 100,000 snapshots in 6 places, in as many pages as they fill", async () => {
    const { simulator, control } = await simulate({
      ...only,
      generate,
      places: places.map((place) =>
        place.account === "444455556666" && place.region === "eu-central-1"
          ? { ...place, accessKeys: [{ id: "AKIASIMULATORTEST002", user: "other" }] }
          : place,
      ),
    });
    const began = performance.now();
    const totals = { DescribeInstances: 0, DescribeVolumes: 0, DescribeSnapshots: 0 };
    const seen = new Set<string>();
    for (const key of [keys.accessKeyId, "AKIASIMULATORTEST002"]) {
      for (const region of regions) {
        for (const action of Object.keys(totals) as (keyof typeof totals)[]) {
          let token: string | undefined;
          do {
            const size = action === "DescribeVolumes" ? "500" : "1000";
            const { body } = await rawCall(
              simulator,
              "ec2",
              {
                Action: action,
                Version: "2016-11-15",
                MaxResults: size,
                ...(token === undefined ? {} : { NextToken: token }),
              },
              { authorization: authorization({ key, region }) },
            );
            const own = {
              DescribeInstances: "instanceId",
              DescribeVolumes: "volumeId",
              DescribeSnapshots: "snapshotId",
            };
            // Each thing begins with its id; a volume's attachments have it again.
            for (const [, id = ""] of body.matchAll(new RegExp(`<item><${own[action]}>([^<]+)`, "g")))
              seen.add(id);
            token = /<nextToken>([^<]+)/.exec(body)?.[1];
            totals[action] += 1;
          } while (token !== undefined);
        }
      }
    }
    const took = performance.now() - began;
    const count = (prefix: string) => [...seen].filter((id) => id.startsWith(prefix)).length;
    expect(count("i-")).toBe(5_005);
    expect(Math.abs(count("vol-") - 12_000)).toBeLessThan(300);
    expect(Math.abs(count("snap-") - 100_000)).toBeLessThan(3_000);
    expect(totals.DescribeInstances).toBe(6);
    expect(totals.DescribeSnapshots).toBeLessThanOrEqual(count("snap-") / 1_000 + 6);
    expect(totals.DescribeVolumes).toBeLessThanOrEqual(count("vol-") / 500 + 6);
    const pages = control.calls().length;
    process.stdout.write(`${pages} pages, ${Math.round((pages / took) * 1_000)} a second\n`);
  }, 120_000);

  test("what changes between pages is seen, and time goes on doing its work", async () => {
    const { ec2, control } = await simulate({ ...only, generate: few });
    const newest = async () => {
      const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
      return new Map(Snapshots.map(({ SnapshotId = "", State }) => [SnapshotId, State]));
    };
    const before = await newest();
    const { Volumes: [volume] = [] } = await ec2.send(new DescribeVolumesCommand({}));
    const [id = ""] = await control.snapshots({
      create: { volumeId: volume?.VolumeId ?? "", state: "pending" },
    });
    expect((await newest()).get(id)).toBe("pending");
    await control.clock({ advance: "1h" });
    const after = await newest();
    expect(after.get(id)).toBe("completed");
    expect(after.size).toBe(before.size + 1);
    await control.snapshots({ remove: { snapshot: id } });
    expect(await newest()).toEqual(before);
  });
});
