import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateSnapshotCommand,
  DescribeInstancesCommand,
  DescribeRegionsCommand,
  DescribeSnapshotsCommand,
  DescribeVolumesCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { DescribeKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { data, instance, keys, refusal, root, simulate } from "./simulate.ts";

const other = "444455556666";
const otherKeys = { accessKeyId: "AKIASIMULATORTEST002", secretAccessKey: "secret" };

/** The default scenario in Frankfurt, one instance of the same account in Ireland, another account in both. */
const scenario: Scenario = {
  places: [
    {
      region: "eu-west-1",
      instances: [{ id: "i-0000000000000000a" }],
      volumes: [{ id: "vol-0000000000000000a", size: 8 }],
      ebsEncryption: { byDefault: true },
    },
    {
      account: other,
      accessKeys: [{ id: otherKeys.accessKeyId, user: "other" }],
      volumes: [{ id: root, size: 3 }],
    },
    { account: other, region: "eu-south-1" },
  ],
};

function clientOf(simulator: Simulator, region: string, credentials = keys): EC2Client {
  const client = new EC2Client({ endpoint: simulator.url, region, credentials, maxAttempts: 1 });
  onTestFinished(() => client.destroy());
  return client;
}

async function volumesOf(ec2: EC2Client): Promise<(string | undefined)[]> {
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
  return Volumes.map(({ VolumeId }) => VolumeId);
}

describe("several accounts and Regions", () => {
  test("each place has its own things; the key tells the account, the signature the Region", async () => {
    const { simulator, ec2, control } = await simulate(scenario);
    const ireland = clientOf(simulator, "eu-west-1");
    expect(await volumesOf(ec2)).toContain(data);
    expect(await volumesOf(ireland)).toEqual(["vol-0000000000000000a"]);
    expect(await volumesOf(clientOf(simulator, "eu-central-1", otherKeys))).toEqual([root]);
    expect(await volumesOf(clientOf(simulator, "eu-south-1", otherKeys))).toEqual([]);
    const { Reservations: [reservation] = [] } = await ireland.send(new DescribeInstancesCommand({}));
    expect(reservation?.Instances?.[0]).toMatchObject({
      InstanceId: "i-0000000000000000a",
      Placement: { AvailabilityZone: "eu-west-1a" },
    });
    const told = control.calls().map(({ account, region }) => `${account}/${region}`);
    expect(told).toEqual([
      "111122223333/eu-central-1",
      "111122223333/eu-west-1",
      `${other}/eu-central-1`,
      `${other}/eu-south-1`,
      "111122223333/eu-west-1",
    ]);
  });

  test("an account is not known in a Region that it has not opted into, nor anybody in one that does not exist", async () => {
    const { simulator } = await simulate(scenario);
    for (const region of ["eu-south-1", "ap-east-1"]) {
      const refused = await refusal(clientOf(simulator, region).send(new DescribeVolumesCommand({})));
      expect(refused).toMatchObject({ code: "AuthFailure", status: 401 });
    }
    const kms = new KMSClient({
      endpoint: simulator.url,
      region: "eu-south-1",
      credentials: keys,
      maxAttempts: 1,
    });
    onTestFinished(() => kms.destroy());
    expect(await refusal(kms.send(new DescribeKeyCommand({ KeyId: "alias/aws/ebs" })))).toMatchObject({
      code: "UnrecognizedClientException",
    });
  });

  test("DescribeRegions tells those that the account may use, and all others only when asked", async () => {
    const { simulator, ec2 } = await simulate(scenario);
    const namesOf = async (client: EC2Client, AllRegions = false) => {
      const { Regions = [] } = await client.send(new DescribeRegionsCommand({ AllRegions }));
      return Object.fromEntries(Regions.map((each) => [each.RegionName, each.OptInStatus]));
    };
    expect(await namesOf(ec2)).toEqual({
      "eu-central-1": "opt-in-not-required",
      "eu-west-1": "opt-in-not-required",
    });
    const theirs = clientOf(simulator, "eu-south-1", otherKeys);
    expect(await namesOf(theirs)).toEqual({
      "eu-central-1": "opt-in-not-required",
      "eu-south-1": "opted-in",
    });
    expect(await namesOf(ec2, true)).toMatchObject({
      "eu-west-1": "opt-in-not-required",
      "eu-south-1": "not-opted-in",
      "us-east-1": "not-opted-in",
    });
  });

  test("new ids differ from place to place, and each place has buckets of its own", async () => {
    const { simulator, ec2, control } = await simulate(scenario);
    const theirs = clientOf(simulator, "eu-central-1", otherKeys);
    const made = await Promise.all(
      [ec2, theirs].map((client) => client.send(new CreateSnapshotCommand({ VolumeId: root }))),
    );
    expect(made[0]?.SnapshotId).not.toBe(made[1]?.SnapshotId);
    expect(made[1]).toMatchObject({ VolumeSize: 3, OwnerId: other });
    const { buckets, places = {} } = await control.state();
    expect(buckets.CreateSnapshot?.tokens).toBeLessThan(100);
    expect(places[`${other}/eu-central-1`]?.buckets.CreateSnapshot?.tokens).toBeLessThan(100);
    expect(places["111122223333/eu-west-1"]?.buckets.CreateSnapshot).toBeUndefined();
  });

  test("settings hold in every place but where one says otherwise", async () => {
    const { control } = await simulate({ ...scenario, settle: { seconds: 7 } });
    const settingsOf = async (place?: string) => (await control.state(place)).settings;
    expect((await settingsOf("111122223333/eu-west-1")).settle.fixed).toBe(7_000);
    expect((await settingsOf("111122223333/eu-west-1")).ebsEncryption.byDefault).toBe(true);
    expect((await settingsOf(`${other}/eu-south-1`)).ebsEncryption.byDefault).toBe(false);
    await control.settings({ settle: { seconds: 9 } });
    await control.settings({ settle: { seconds: 11 } }, "111122223333/eu-west-1");
    const all = [undefined, "111122223333/eu-west-1", `${other}/eu-south-1`];
    expect(await Promise.all(all.map(async (each) => (await settingsOf(each)).settle.fixed))).toEqual([
      9_000, 11_000, 9_000,
    ]);
    expect((await settingsOf()).self).toBe(instance);
    await expect(control.settings({}, "1/x")).rejects.toThrow('there is no "1/x"');
  });

  test("a black-holed Region answers nothing, and the others go on", async () => {
    const { simulator, ec2, control } = await simulate(scenario);
    control.faults([{ kind: "hang", region: "eu-west-1", count: "always" }]);
    const aborted = clientOf(simulator, "eu-west-1").send(new DescribeVolumesCommand({}), {
      abortSignal: AbortSignal.timeout(300),
    });
    await expect(aborted).rejects.toThrow(/abort/i);
    expect(await volumesOf(ec2)).toContain(data);
    control.faults([{ kind: "500", account: other }], true);
    expect(await volumesOf(ec2)).toContain(data);
    const theirs = clientOf(simulator, "eu-central-1", otherKeys);
    expect((await refusal(theirs.send(new DescribeVolumesCommand({})))).status).toBe(500);
  });

  test("the control surface reaches each place, also over HTTP", async () => {
    const { simulator, control } = await simulate(scenario);
    const ireland = "111122223333/eu-west-1";
    const [id] = await control.snapshots({ create: { volumeId: "vol-0000000000000000a" } }, ireland);
    const { Snapshots } = await clientOf(simulator, "eu-west-1").send(
      new DescribeSnapshotsCommand({ OwnerIds: ["self"] }),
    );
    expect(Snapshots).toMatchObject([{ SnapshotId: id, VolumeSize: 8, OwnerId: "111122223333" }]);
    const body = JSON.stringify({ change: { snapshot: id, state: "error" } });
    const url = `${simulator.url}/_simulator/snapshots?place=${encodeURIComponent(ireland)}`;
    expect(await (await fetch(url, { method: "POST", body })).json()).toEqual({ ids: [id] });
    const state = await fetch(`${simulator.url}/_simulator/state?place=${ireland}`);
    expect(await state.json()).toMatchObject({ snapshots: { [id ?? ""]: { state: "error" } } });
  });

  test("a restarted simulator goes on in every place, also in those that are no longer named", async () => {
    const directory = mkdtempSync(join(tmpdir(), "places-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const first = await startSimulator({ scenario, stateDirectory: directory });
    const [id] = await first.control.snapshots(
      { create: { volumeId: "vol-0000000000000000a" } },
      "111122223333/eu-west-1",
    );
    await first.close();
    const second = await startSimulator({
      scenario: { places: [{ region: "eu-north-1" }] },
      stateDirectory: directory,
    });
    onTestFinished(() => second.close());
    const { places = {} } = await second.control.state();
    expect(Object.keys(places).sort()).toEqual([
      "111122223333/eu-north-1",
      "111122223333/eu-west-1",
      `${other}/eu-central-1`,
      `${other}/eu-south-1`,
    ]);
    expect(places["111122223333/eu-west-1"]?.snapshots[id ?? ""]?.volumeSize).toBe(8);
  });

  test.each<[string, Scenario, string]>([
    ["twice the same", { places: [{}] }, "places: 111122223333/eu-central-1 appears twice"],
    [
      "what is attached to nothing",
      {
        places: [
          {
            region: "eu-west-1",
            volumes: [{ size: 1, attachments: [{ instance, device: "/dev/sdf" }] }],
          },
        ],
      },
      `111122223333/eu-west-1: volumes: vol-`,
    ],
    ["places in places", { places: [{ places: [] } as never] }, "places[0].places: unknown"],
  ])("a scenario with %s is refused", async (_, wrong, message) => {
    await expect(startSimulator({ scenario: wrong })).rejects.toThrow(message);
  });
});
