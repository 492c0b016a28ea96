import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DescribeInstancesCommand, DescribeVolumesCommand, StopInstancesCommand } from "@aws-sdk/client-ec2";
import { expect, onTestFinished, test } from "vitest";
import { instance, root, simulate } from "./simulate.ts";

type Plain = Record<string, unknown>;

test("a state of before volumes and instances could change is gone on from", async () => {
  const path = await mkdtemp(join(tmpdir(), "simulator-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  const first = await simulate({}, path);
  await first.simulator.close();
  const file = join(path, "state.json");
  const saved = JSON.parse(await readFile(file, "utf8")) as {
    world: Plain & { settings: Plain; instances: Record<string, Plain>; volumes: Record<string, Plain> };
  };
  const forget = (thing: Plain | undefined, names: string[]) => {
    for (const name of names) if (thing !== undefined) delete thing[name];
  };
  const { world } = saved;
  forget(world, ["rootTasks", "subnets", "securityGroups", "clientTokens"]);
  forget(world.settings, ["times", "keyFault", "attachmentLimit", "initializationQuota"]);
  forget(world.instances[instance], ["changesAt", "zone", "subnetId", "groups", "boots", "visibleFrom"]);
  for (const volume of Object.values(world.volumes)) {
    forget(volume, ["state", "changesAt", "doomed", "visibleFrom", "initialization", "ownsFile"]);
    for (const each of volume["attachments"] as Plain[]) forget(each, ["state", "changesAt", "guest"]);
  }
  await writeFile(file, JSON.stringify(saved));

  const { ec2, control } = await simulate({}, path);
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [root] }));
  expect(Volumes).toMatchObject([{ State: "in-use", Attachments: [{ State: "attached" }] }]);
  await ec2.send(new StopInstancesCommand({ InstanceIds: [instance] }));
  await control.clock({ advance: "10s" });
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({}));
  expect(Reservations[0]?.Instances).toMatchObject([
    { State: { Name: "stopped" }, Placement: { AvailabilityZone: "eu-central-1a" } },
  ]);
});
