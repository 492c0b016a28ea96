import { expect, test, vi } from "vitest";
import { aws, missing } from "./aws-cli.ts";
import { instance, root, type Simulation, simulate } from "./simulate.ts";

// Each invocation of the AWS CLI takes a second or more.
vi.setConfig({ testTimeout: 120_000 });

const snapshot = "snap-0123456789abcdef0";
const scenario = { snapshots: [{ id: snapshot, volumeId: root, tags: { job: "nightly" } }] };

interface Volume {
  VolumeId: string;
  State: string;
}

async function refused(answer: Promise<unknown>, code: string): Promise<void> {
  await expect(answer).rejects.toMatchObject({ stderr: expect.stringContaining(`(${code})`) });
}

const advance = ({ control }: Simulation, time: string) => control.clock({ advance: time });

test.skipIf(missing !== undefined)(
  "the AWS CLI restores a volume, attaches it and takes it away",
  async () => {
    const simulation = await simulate(scenario);
    const wish = `--snapshot-id ${snapshot} --volume-type gp3 --iops 4000 --throughput 250 --client-token once`;
    const tags = "--tag-specifications ResourceType=volume,Tags=[{Key=a,Value=b}]";
    const create = `ec2 create-volume --availability-zone eu-central-1a ${wish} ${tags}`;
    const made: Volume = await aws(simulation, create);
    expect(made).toMatchObject({
      State: "creating",
      Size: 8,
      VolumeType: "gp3",
      Iops: 4_000,
      Throughput: 250,
      SnapshotId: snapshot,
      Tags: [{ Key: "a", Value: "b" }],
    });
    expect(await aws(simulation, create)).toMatchObject({ VolumeId: made.VolumeId });
    await refused(aws(simulation, `${create} --size 9`), "IdempotentParameterMismatch");
    await advance(simulation, "2s");
    const to = `--volume-id ${made.VolumeId} --instance-id ${instance}`;
    expect(await aws(simulation, `ec2 attach-volume ${to} --device /dev/sdh`)).toMatchObject({
      VolumeId: made.VolumeId,
      InstanceId: instance,
      Device: "/dev/sdh",
      State: "attaching",
    });
    await advance(simulation, "2s");
    // Older versions of the CLI do not know the details of an initialization; the SDK's are tested beside the volumes.
    const status = await aws(simulation, `ec2 describe-volume-status --volume-ids ${made.VolumeId}`);
    expect(status).toMatchObject({ VolumeStatuses: [{ VolumeStatus: { Status: "ok" } }] });
    const detached = await aws(simulation, `ec2 detach-volume --volume-id ${made.VolumeId}`);
    expect(detached).toMatchObject({ State: "detaching" });
    await advance(simulation, "2s");
    expect(await aws(simulation, `ec2 delete-volume --volume-id ${made.VolumeId}`)).toBeUndefined();
  },
);

test.skipIf(missing !== undefined)("the AWS CLI restores an instance, and a root volume", async () => {
  const simulation = await simulate(scenario);
  const kind = "--architecture x86_64 --virtualization-type hvm --ena-support --boot-mode uefi";
  const { ImageId }: { ImageId: string } = await aws(simulation, [
    ...`ec2 register-image --name restored --root-device-name /dev/xvda ${kind}`.split(" "),
    "--block-device-mappings",
    JSON.stringify([{ DeviceName: "/dev/xvda", Ebs: { SnapshotId: snapshot, VolumeType: "gp3" } }]),
  ]);
  const run = `ec2 run-instances --image-id ${ImageId} --instance-type m7i.large --user-data hello --iam-instance-profile Name=web`;
  const { Instances }: { Instances: { InstanceId: string }[] } = await aws(simulation, run);
  expect(Instances).toMatchObject([
    { State: { Code: 0, Name: "pending" }, BootMode: "uefi", SubnetId: expect.stringMatching(/^subnet-/) },
  ]);
  await advance(simulation, "10s");
  const id = Instances[0]?.InstanceId;
  const asked = `ec2 describe-instance-attribute --instance-id ${id} --attribute userData`;
  expect(await aws(simulation, asked)).toMatchObject({ UserData: { Value: "aGVsbG8=" } });
  expect(await aws(simulation, `ec2 terminate-instances --instance-ids ${id}`)).toMatchObject({
    TerminatingInstances: [{ InstanceId: id, CurrentState: { Name: "shutting-down" } }],
  });
  const replace = `ec2 create-replace-root-volume-task --instance-id ${instance} --snapshot-id ${snapshot}`;
  expect(await aws(simulation, replace)).toMatchObject({
    ReplaceRootVolumeTask: { TaskState: "pending", InstanceId: instance },
  });
  await advance(simulation, "60s");
  const tasks = await aws(simulation, "ec2 describe-replace-root-volume-tasks");
  expect(tasks).toMatchObject({ ReplaceRootVolumeTasks: [{ TaskState: "succeeded", SnapshotId: snapshot }] });
  const keep = JSON.stringify([{ DeviceName: "/dev/xvda", Ebs: { DeleteOnTermination: false } }]);
  const modify = `ec2 modify-instance-attribute --instance-id ${instance} --block-device-mappings`;
  expect(await aws(simulation, [...modify.split(" "), keep])).toBeUndefined();
});
