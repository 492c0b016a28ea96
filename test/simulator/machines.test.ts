import {
  AttachVolumeCommand,
  CreateReplaceRootVolumeTaskCommand,
  type CreateReplaceRootVolumeTaskCommandInput,
  CreateSnapshotCommand,
  CreateVolumeCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeReplaceRootVolumeTasksCommand,
  DescribeVolumesCommand,
  DetachVolumeCommand,
  ModifyInstanceAttributeCommand,
  RebootInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { archive, data, instance, refusal, root, type Simulation, simulate } from "./simulate.ts";

const ids = { InstanceIds: [instance] };
const ofRoot = "snap-0000000000000000a";
const ofData = "snap-0000000000000000b";
const copy = "snap-0000000000000000c";
const scenario = {
  snapshots: [
    { id: ofRoot, volumeId: root },
    { id: ofData, volumeId: data },
    { id: copy, volumeId: "vol-ffffffff", volumeSize: 8 },
  ],
};

async function machine({ ec2 }: Simulation, id = instance) {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations[0]?.Instances?.[0];
}
const state = async (simulation: Simulation, id?: string) => (await machine(simulation, id))?.State?.Name;
const advance = ({ control }: Simulation, time: string) => control.clock({ advance: time });

async function volumes({ ec2 }: Simulation): Promise<Record<string, string>> {
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({}));
  return Object.fromEntries(
    Volumes.map((each) => [
      each.VolumeId ?? "",
      `${each.State} ${each.Attachments?.[0]?.Device ?? ""}`.trim(),
    ]),
  );
}

describe("an instance", () => {
  test("stops and starts, each in its time, and asking twice changes nothing", async () => {
    const simulation = await simulate();
    const { ec2 } = simulation;
    const { StoppingInstances } = await ec2.send(new StopInstancesCommand(ids));
    expect(StoppingInstances).toMatchObject([
      { CurrentState: { Code: 64, Name: "stopping" }, PreviousState: { Name: "running" } },
    ]);
    expect((await refusal(ec2.send(new StartInstancesCommand(ids)))).code).toBe("IncorrectInstanceState");
    expect((await refusal(ec2.send(new RebootInstancesCommand(ids)))).code).toBe("IncorrectInstanceState");
    await ec2.send(new StopInstancesCommand(ids));
    await advance(simulation, "10s");
    expect(await state(simulation)).toBe("stopped");
    await ec2.send(new StartInstancesCommand(ids));
    expect(await state(simulation)).toBe("pending");
    await advance(simulation, "10s");
    expect(await machine(simulation)).toMatchObject({
      State: { Name: "running" },
      LaunchTime: new Date("2026-03-01T02:00:10Z"),
    });
    await ec2.send(new RebootInstancesCommand(ids));
    expect(await state(simulation)).toBe("running");
    await advance(simulation, "10s");
    expect((await simulation.control.guest({ devices: [] })).boots).toBe(3);
  });

  test("does not start without a root volume, and does with another", async () => {
    const simulation = await simulate(scenario);
    const { ec2 } = simulation;
    await ec2.send(new StopInstancesCommand(ids));
    await advance(simulation, "10s");
    await ec2.send(new DetachVolumeCommand({ VolumeId: root }));
    await advance(simulation, "2s");
    const refused = await refusal(ec2.send(new StartInstancesCommand(ids)));
    expect(refused).toMatchObject({ code: "InvalidParameterValue", message: expect.stringMatching(/root/) });
    const zone = { AvailabilityZone: "eu-central-1a" };
    const { VolumeId = "" } = await ec2.send(new CreateVolumeCommand({ ...zone, SnapshotId: ofRoot }));
    await advance(simulation, "2s");
    await ec2.send(new AttachVolumeCommand({ VolumeId, InstanceId: instance, Device: "/dev/xvda" }));
    await advance(simulation, "2s");
    await ec2.send(new StartInstancesCommand(ids));
    await advance(simulation, "10s");
    expect(await state(simulation)).toBe("running");
  });

  test("whose volume's key cannot be used goes back to stopped, and tells why", async () => {
    const simulation = await simulate({
      keys: [{ id: "abc" }],
      volumes: [{ id: root, size: 8, kmsKeyId: "abc", attachments: [{ instance, device: "/dev/xvda" }] }],
    });
    await simulation.ec2.send(new StopInstancesCommand(ids));
    await advance(simulation, "10s");
    await simulation.control.keys({ change: { key: "abc", state: "Disabled" } });
    await simulation.ec2.send(new StartInstancesCommand(ids));
    await advance(simulation, "10s");
    expect(await machine(simulation)).toMatchObject({
      State: { Name: "stopped" },
      StateReason: { Code: "Client.InvalidKMSKey.InvalidState" },
    });
  });

  test("takes with it the volumes that are to go, unless it may not be terminated", async () => {
    const simulation = await simulate();
    const { ec2 } = simulation;
    const goes = (device: string, yes: boolean) =>
      new ModifyInstanceAttributeCommand({
        InstanceId: instance,
        BlockDeviceMappings: [{ DeviceName: device, Ebs: { DeleteOnTermination: yes } }],
      });
    const guard = (Value: boolean) =>
      new ModifyInstanceAttributeCommand({ InstanceId: instance, DisableApiTermination: { Value } });
    await ec2.send(goes("/dev/xvda", false));
    await ec2.send(goes("/dev/sdf", true));
    expect((await refusal(ec2.send(goes("/dev/sdz", true)))).code).toBe("InvalidInstanceAttributeValue");
    await ec2.send(guard(true));
    const terminate = () => ec2.send(new TerminateInstancesCommand(ids));
    expect((await refusal(terminate())).code).toBe("OperationNotPermitted");
    await ec2.send(guard(false));
    await terminate();
    expect(await state(simulation)).toBe("shutting-down");
    await advance(simulation, "10s");
    expect(await state(simulation)).toBe("terminated");
    expect(await volumes(simulation)).toEqual({ [root]: "available", [archive]: "available" });
    await terminate();
    expect((await refusal(ec2.send(new StartInstancesCommand(ids)))).code).toBe("IncorrectInstanceState");
  });

  test("tells its user data as an attribute, in base64", async () => {
    const { ec2 } = await simulate({ instances: [{ id: instance, userData: "#!/bin/sh\n" }], volumes: [] });
    const ask = (Attribute: "userData" | "rootDeviceName" | "kernel") =>
      ec2.send(new DescribeInstanceAttributeCommand({ InstanceId: instance, Attribute }));
    expect((await ask("userData")).UserData?.Value).toBe(Buffer.from("#!/bin/sh\n").toString("base64"));
    expect((await ask("rootDeviceName")).RootDeviceName?.Value).toBe("/dev/xvda");
    expect((await refusal(ask("nothing" as never))).code).toBe("InvalidParameterValue");
  });
});

describe("CreateReplaceRootVolumeTask", () => {
  const replace = ({ ec2 }: Simulation, input: Partial<CreateReplaceRootVolumeTaskCommandInput> = {}) =>
    ec2.send(new CreateReplaceRootVolumeTaskCommand({ InstanceId: instance, SnapshotId: ofRoot, ...input }));
  async function task({ ec2 }: Simulation): Promise<string> {
    const { ReplaceRootVolumeTasks = [] } = await ec2.send(new DescribeReplaceRootVolumeTasksCommand({}));
    return ReplaceRootVolumeTasks.map(({ TaskState }) => TaskState).join(" ");
  }

  test("puts a new volume in the old one's place, boots, and keeps the old one", async () => {
    const simulation = await simulate(scenario);
    const { ReplaceRootVolumeTask: begun } = await replace(simulation);
    expect(begun).toMatchObject({ InstanceId: instance, TaskState: "pending", SnapshotId: ofRoot });
    expect((await refusal(replace(simulation))).code).toBe("IncorrectState");
    await advance(simulation, "15s");
    expect(await task(simulation)).toBe("in-progress");
    expect((await volumes(simulation))[root]).toBe("in-use /dev/xvda");
    await advance(simulation, "45s");
    expect(await task(simulation)).toBe("succeeded");
    const after = await volumes(simulation);
    expect(after[root]).toBe("available");
    const [now] = Object.entries(after).find(([, told]) => told === "in-use /dev/xvda") ?? [];
    const { Volumes } = await simulation.ec2.send(new DescribeVolumesCommand({ VolumeIds: [now ?? ""] }));
    expect(Volumes).toMatchObject([
      { SnapshotId: ofRoot, VolumeType: "gp3", Size: 8, Attachments: [{ DeleteOnTermination: true }] },
    ]);
    expect(await state(simulation)).toBe("running");
    expect((await simulation.control.guest({ devices: [] })).boots).toBe(2);

    // Snapshots of the new root and of the former one are good, others are not.
    const { SnapshotId = "" } = await simulation.ec2.send(new CreateSnapshotCommand({ VolumeId: now }));
    await advance(simulation, "60s");
    await replace(simulation, { SnapshotId, DeleteReplacedRootVolume: true });
    await advance(simulation, "60s");
    expect((await volumes(simulation))[now ?? ""]).toBeUndefined();
    await replace(simulation, { SnapshotId: ofRoot });
  });

  test.each([
    ["a snapshot of a data volume", { SnapshotId: ofData }, "InvalidParameterValue"],
    ["a copy", { SnapshotId: copy }, "InvalidParameterValue"],
    ["snapshot and image", { ImageId: "ami-00000000" }, "InvalidParameterCombination"],
    ["an unknown snapshot", { SnapshotId: "snap-00000000" }, "InvalidSnapshot.NotFound"],
    ["a dry run", { DryRun: true }, "DryRunOperation"],
  ])("refuses %s", async (_, input, code) => {
    const simulation = await simulate(scenario);
    expect((await refusal(replace(simulation, input))).code).toBe(code);
    expect(await task(simulation)).toBe("");
  });

  test("refuses an instance that does not run", async () => {
    const simulation = await simulate(scenario);
    await simulation.control.instances({ change: { instance, state: "stopped" } });
    expect((await refusal(replace(simulation))).code).toBe("IncorrectInstanceState");
  });

  test("is done once for each client token, also when the answer was lost", async () => {
    const simulation = await simulate(scenario);
    simulation.control.faults([{ kind: "reset-after", action: "CreateReplaceRootVolumeTask" }]);
    await expect(replace(simulation, { ClientToken: "once" })).rejects.toThrow();
    await replace(simulation, { ClientToken: "once" });
    expect(await task(simulation)).toBe("pending");
    const other = await refusal(replace(simulation, { ClientToken: "once", SnapshotId: copy }));
    expect(other.code).toBe("IdempotentParameterMismatch");
  });

  test.each([
    ["failed", undefined, "in-use /dev/xvda"],
    ["failed-detached", "failed-detached", "available"],
  ])("may end as %s", async (end, code, former) => {
    const simulation = await simulate(scenario);
    const fault = { kind: "partial", action: "CreateReplaceRootVolumeTask" } as const;
    simulation.control.faults([code === undefined ? fault : { ...fault, code }]);
    await replace(simulation);
    await advance(simulation, "30s");
    expect(await task(simulation)).toBe("failing");
    await advance(simulation, "30s");
    expect(await task(simulation)).toBe(end);
    expect((await volumes(simulation))[root]).toBe(former);
    expect(Object.keys(await volumes(simulation))).toHaveLength(3);
  });
});
