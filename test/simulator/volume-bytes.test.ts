import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateReplaceRootVolumeTaskCommand,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  type CreateVolumeCommandInput,
  DeleteVolumeCommand,
} from "@aws-sdk/client-ec2";
import { expect, onTestFinished, test } from "vitest";
import { instance, refusal, type Simulation, simulate } from "./simulate.ts";

const gib = 1_073_741_824;
const source = "vol-0000000000000000a";

async function stage() {
  const path = await mkdtemp(join(tmpdir(), "simulator-test-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  const file = join(path, "disk");
  await writeFile(file, "before");
  const attachments = [{ instance, device: "/dev/xvda" }];
  const scenario = {
    settle: { seconds: 10 },
    volumeData: join(path, "volumes"),
    volumes: [{ id: source, size: 1, file, attachments }],
  };
  const simulation = await simulate(scenario);
  const { SnapshotId = "" } = await simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: source }));
  await writeFile(file, "after");
  await simulation.control.clock({ advance: "10s" });
  return { path, simulation, SnapshotId };
}

async function make({ ec2, control }: Simulation, input: Partial<CreateVolumeCommandInput>) {
  const { VolumeId = "" } = await ec2.send(
    new CreateVolumeCommand({ AvailabilityZone: "eu-central-1a", ...input }),
  );
  const { volumes } = await control.state();
  return { VolumeId, file: volumes[VolumeId]?.file ?? "" };
}

test("a volume begins with its snapshot's bytes, and has them for itself", async () => {
  const { simulation, SnapshotId } = await stage();
  const one = await make(simulation, { SnapshotId });
  const other = await make(simulation, { SnapshotId });
  expect(await readFile(one.file, "utf8")).toBe("before");
  await appendFile(one.file, " and more");
  expect(await readFile(other.file, "utf8")).toBe("before");
  await simulation.control.clock({ advance: "2s" });
  const next = await simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: one.VolumeId }));
  await simulation.control.clock({ advance: "10s" });
  const third = await make(simulation, { SnapshotId: next.SnapshotId });
  expect(await readFile(third.file, "utf8")).toBe("before and more");
});

test("a larger volume is longer, and an empty one is a hole", async () => {
  const { simulation, SnapshotId } = await stage();
  const larger = await make(simulation, { SnapshotId, Size: 2 });
  const { size, blocks } = await stat(larger.file);
  expect(size).toBe(2 * gib);
  expect(blocks * 512).toBeLessThan(1_048_576);
  const empty = await make(simulation, { Size: 1 });
  expect(await stat(empty.file)).toMatchObject({ size: gib, blocks: 0 });
});

test("the file goes when the volume is gone, and with the simulator", async () => {
  const { path, simulation, SnapshotId } = await stage();
  const [one, other] = [await make(simulation, { SnapshotId }), await make(simulation, { SnapshotId })];
  await simulation.control.clock({ advance: "2s" });
  await simulation.ec2.send(new DeleteVolumeCommand({ VolumeId: one.VolumeId }));
  expect(await readFile(one.file, "utf8")).toBe("before");
  await simulation.control.clock({ advance: "1s" });
  await simulation.control.state();
  await expect(stat(one.file)).rejects.toMatchObject({ code: "ENOENT" });
  await simulation.simulator.close();
  await expect(stat(other.file)).rejects.toMatchObject({ code: "ENOENT" });
  expect(await readFile(join(path, "disk"), "utf8")).toBe("after");
});

test("a new root volume has them too, and the former one's stay", async () => {
  const { path, simulation, SnapshotId } = await stage();
  const task = { InstanceId: instance, SnapshotId, DeleteReplacedRootVolume: true };
  await simulation.ec2.send(new CreateReplaceRootVolumeTaskCommand(task));
  await simulation.control.clock({ advance: "60s" });
  const [root] = (await simulation.control.guest({ devices: [] })).devices;
  expect(root).toMatchObject({ device: "/dev/xvda", state: "attached", leaving: false });
  expect(await readFile(root?.file ?? "", "utf8")).toBe("before");
  // The scenario's own files are not the simulator's to remove.
  expect(await readFile(join(path, "disk"), "utf8")).toBe("after");
});

test("what cannot be copied makes no volume, and its client token is free again", async () => {
  const { simulation, SnapshotId } = await stage();
  const { snapshots } = await simulation.control.state();
  const file = snapshots[SnapshotId]?.file ?? "";
  await rm(file);
  const call = () => make(simulation, { SnapshotId, ClientToken: "once" });
  expect((await refusal(call())).code).toBe("InternalError");
  expect(Object.keys((await simulation.control.state()).volumes)).toEqual([source]);
  await writeFile(file, "again");
  expect(await readFile((await call()).file, "utf8")).toBe("again");
});
