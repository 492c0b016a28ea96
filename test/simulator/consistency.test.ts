import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  DescribeTagsCommand,
} from "@aws-sdk/client-ec2";
import { expect, test } from "vitest";
import { data, refusal, root, type Simulation, simulate } from "./simulate.ts";

const snapshot = "snap-0123456789abcdef0";
const scenario = {
  consistency: { seconds: 30 },
  snapshots: [{ id: snapshot, volumeId: root, tags: { a: "old" } }],
};

async function listed({ ec2 }: Simulation): Promise<(string | undefined)[]> {
  const { Snapshots = [] } = await ec2.send(new DescribeSnapshotsCommand({ OwnerIds: ["self"] }));
  return Snapshots.map(({ SnapshotId }) => SnapshotId);
}

test("a new snapshot is unseen at first: not listed, not found by id, not to be tagged or deleted", async () => {
  const simulation = await simulate(scenario);
  const { ec2, control } = simulation;
  const { SnapshotId = "" } = await ec2.send(new CreateSnapshotCommand({ VolumeId: data }));
  expect(await listed(simulation)).toEqual([snapshot]);
  for (const command of [
    new DescribeSnapshotsCommand({ SnapshotIds: [SnapshotId] }),
    new CreateTagsCommand({ Resources: [SnapshotId], Tags: [{ Key: "k" }] }),
    new DeleteSnapshotCommand({ SnapshotId }),
  ]) {
    expect(await refusal(ec2.send(command as DeleteSnapshotCommand))).toMatchObject({
      code: "InvalidSnapshot.NotFound",
    });
  }
  await control.clock({ advance: "30s" });
  expect(await listed(simulation)).toContain(SnapshotId);
});

test("changed tags show their old values at first, in filters too, but writing goes on from the new ones", async () => {
  const { ec2, control } = await simulate(scenario);
  const found = async (value: string) => {
    const Filters = [{ Name: "tag:a", Values: [value] }];
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ Filters }));
    const { Tags } = await ec2.send(
      new DescribeTagsCommand({ Filters: [{ Name: "value", Values: [value] }] }),
    );
    return [Snapshots?.length, Tags?.length];
  };
  await ec2.send(new CreateTagsCommand({ Resources: [snapshot], Tags: [{ Key: "a", Value: "new" }] }));
  expect([await found("old"), await found("new")]).toEqual([
    [1, 1],
    [0, 0],
  ]);
  await ec2.send(new CreateTagsCommand({ Resources: [snapshot], Tags: [{ Key: "b", Value: "too" }] }));
  expect(await found("old")).toEqual([1, 1]);
  await control.clock({ advance: "30s" });
  expect([await found("old"), await found("new"), await found("too")]).toEqual([
    [0, 0],
    [1, 1],
    [0, 1],
  ]);
});

test("a deleted snapshot is listed for a while, but cannot be deleted again", async () => {
  const simulation = await simulate(scenario);
  await simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }));
  expect(await listed(simulation)).toEqual([snapshot]);
  const again = simulation.ec2.send(new DeleteSnapshotCommand({ SnapshotId: snapshot }));
  expect(await refusal(again)).toMatchObject({ code: "InvalidSnapshot.NotFound" });
  await simulation.control.clock({ advance: "30s" });
  expect(await listed(simulation)).toEqual([]);
});

test("without a delay everything is seen at once", async () => {
  const simulation = await simulate();
  const { SnapshotId = "" } = await simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: data }));
  expect(await listed(simulation)).toEqual([SnapshotId]);
});
