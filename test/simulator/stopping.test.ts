import {
  DescribeInstancesCommand,
  type EC2Client,
  StartInstancesCommand,
  StopInstancesCommand,
} from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import type { Scenario, ScenarioInstance } from "../../src/simulator/scenario.ts";
import { refusal, simulate } from "./simulate.ts";

const id = "i-0000000000000000a";
const scenarioOf = (change: Partial<ScenarioInstance>): Scenario => ({
  instances: [{ id, ...change }],
  volumes: [{ size: 8, attachments: [{ instance: id, device: "/dev/xvda" }] }],
});
const stop = (ec2: EC2Client) => ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
const start = (ec2: EC2Client) => ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));

async function described(ec2: EC2Client) {
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations[0]?.Instances?.[0];
}

describe("stopping an instance", () => {
  test("whose root device is an instance store is refused, and it says what it is", async () => {
    const { ec2 } = await simulate(scenarioOf({ rootInstanceStore: true }));
    expect(await refusal(stop(ec2))).toEqual({
      code: "UnsupportedOperation",
      status: 400,
      message: `The instance '${id}' does not have an 'ebs' root device type and cannot be stopped`,
    });
    expect(await described(ec2)).toMatchObject({ RootDeviceType: "instance-store" });
  });

  test("of a one-time spot request is refused, of a persistent one it is not", async () => {
    const { ec2 } = await simulate(scenarioOf({ lifecycle: "spot" }));
    const refused = await refusal(stop(ec2));
    expect(refused).toMatchObject({ code: "UnsupportedOperation", status: 400 });
    expect(refused.message).toContain("one-time Spot Instance request");
    expect(await described(ec2)).toMatchObject({
      InstanceLifecycle: "spot",
      SpotInstanceRequestId: expect.stringMatching(/^sir-/),
    });
    const persistent = await simulate(scenarioOf({ lifecycle: "spot", persistentSpot: true }));
    await stop(persistent.ec2);
  });

  test("with stop protection is refused", async () => {
    const { ec2 } = await simulate(scenarioOf({ disableApiStop: true, hibernation: true }));
    const refused = await refusal(stop(ec2));
    expect(refused).toMatchObject({ code: "OperationNotPermitted", status: 400 });
    expect(refused.message).toContain("disableApiStop");
    expect(await described(ec2)).toMatchObject({
      HibernationOptions: { Configured: true },
      StateTransitionReason: "",
    });
  });

  test("says when somebody asked for it, until it is started", async () => {
    const { ec2, control } = await simulate(scenarioOf({}));
    await stop(ec2);
    await control.clock({ advance: "1m" });
    const stopped = (await described(ec2))?.StateTransitionReason;
    expect(stopped).toMatch(/^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$/);
    await start(ec2);
    expect((await described(ec2))?.StateTransitionReason).toBe("");
  });

  test("of an Auto Scaling group has it terminated by the group", async () => {
    const tags = { "aws:autoscaling:groupName": "web" };
    const { ec2, control } = await simulate(scenarioOf({ tags }));
    const Filters = [{ Name: "tag:aws:autoscaling:groupName", Values: ["web"] }];
    const { Reservations } = await ec2.send(new DescribeInstancesCommand({ Filters }));
    expect(Reservations).toHaveLength(1);
    await stop(ec2);
    await control.clock({ advance: "10s" });
    expect((await described(ec2))?.State?.Name).toBe("stopped");
    await control.clock({ advance: "60s" });
    expect((await described(ec2))?.State?.Name).toBe("shutting-down");
    await control.clock({ advance: "10s" });
    expect((await described(ec2))?.State?.Name).toBe("terminated");
  });

  test("takes its public address away for another one, but not an Elastic IP address", async () => {
    const addresses = async (elasticIp: boolean) => {
      const { ec2, control } = await simulate(scenarioOf({ publicIp: "203.0.113.7", elasticIp }));
      const before = await described(ec2);
      await stop(ec2);
      await control.clock({ advance: "1m" });
      const stopped = await described(ec2);
      await start(ec2);
      await control.clock({ advance: "1m" });
      const after = await described(ec2);
      const owner = before?.NetworkInterfaces?.[0]?.Association?.IpOwnerId;
      return [owner, ...[before, stopped, after].map((each) => each?.PublicIpAddress)];
    };
    const elastic = "203.0.113.7";
    expect(await addresses(true)).toEqual(["111122223333", elastic, elastic, elastic]);
    const [owner, before, stopped, after] = await addresses(false);
    expect([owner, before, stopped]).toEqual(["amazon", elastic, undefined]);
    expect(after).toMatch(/^203\.0\.113\.\d+$/);
    expect(after).not.toBe(before);
  });
});
