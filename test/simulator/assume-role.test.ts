import { DescribeVolumesCommand, EC2Client } from "@aws-sdk/client-ec2";
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from "@aws-sdk/client-sts";
import { fromInstanceMetadata } from "@aws-sdk/credential-providers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import type { Simulator } from "../../src/simulator/server.ts";
import { keys, refusal, simulate } from "./simulate.ts";

const account = "444455556666";
const arn = `arn:aws:iam::${account}:role/path/sweeper`;
const volume = "vol-0000000000000000b";
const asked = { RoleArn: arn, RoleSessionName: "sweep" };
const scenario: Scenario = {
  roles: [{ arn, externalId: "secret-word" }],
  places: [
    { account, volumes: [{ id: volume, size: 1 }] },
    { account, region: "eu-west-1" },
  ],
};

function withCredentials(simulator: Simulator, credentials: unknown, region = "eu-central-1") {
  const config = { endpoint: simulator.url, region, credentials: credentials as typeof keys, maxAttempts: 1 };
  const clients = { ec2: new EC2Client(config), sts: new STSClient(config) };
  onTestFinished(() => {
    clients.ec2.destroy();
    clients.sts.destroy();
  });
  return clients;
}

async function assume(sts: STSClient, change: Partial<AssumeRoleCommandInput> = {}) {
  const answer = await sts.send(new AssumeRoleCommand({ ...asked, ExternalId: "secret-word", ...change }));
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = answer.Credentials ?? {};
  return {
    answer,
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken },
  };
}

const policy = (...actions: string[]) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
});

describe("AssumeRole", () => {
  test("gives an hour in the role's account, and says who calls", async () => {
    const { simulator, sts, control } = await simulate(scenario);
    const { answer, credentials } = await assume(sts);
    expect(answer).toMatchObject({
      Credentials: { Expiration: new Date("2026-03-01T03:00:00Z") },
      AssumedRoleUser: {
        Arn: `arn:aws:sts::${account}:assumed-role/sweeper/sweep`,
        AssumedRoleId: expect.stringMatching(/^AROA[0-9A-F]{17}:sweep$/),
      },
    });
    const session = withCredentials(simulator, credentials);
    expect(await session.sts.send(new GetCallerIdentityCommand({}))).toMatchObject({
      Account: account,
      Arn: `arn:aws:sts::${account}:assumed-role/sweeper/sweep`,
    });
    const { Volumes } = await session.ec2.send(new DescribeVolumesCommand({}));
    expect(Volumes?.map(({ VolumeId }) => VolumeId)).toEqual([volume]);
    expect(control.calls().at(-1)).toMatchObject({ account, region: "eu-central-1" });
    await control.clock({ advance: "1h" });
    expect((await refusal(session.ec2.send(new DescribeVolumesCommand({})))).code).toBe("RequestExpired");
    expect(await refusal(session.sts.send(new GetCallerIdentityCommand({})))).toMatchObject({
      code: "ExpiredToken",
    });
  });

  test.each<[string, Partial<AssumeRoleCommandInput>, string]>([
    ["without the external id", { ExternalId: undefined }, "sts:AssumeRole"],
    ["with another external id", { ExternalId: "guessed" }, "sts:AssumeRole"],
    ["a role that does not exist", { RoleArn: `${arn}2` }, "sts:AssumeRole"],
    ["with session tags", { Tags: [{ Key: "a", Value: "b" }] }, "sts:TagSession"],
  ])("%s is denied, in the same words", async (_, change, action) => {
    const { sts } = await simulate(scenario);
    const role = change.RoleArn ?? arn;
    expect(await refusal(assume(sts, change))).toEqual({
      code: "AccessDenied",
      status: 403,
      message: `User: arn:aws:iam::111122223333:user/tester is not authorized to perform: ${action} on resource: ${role}`,
    });
  });

  test.each<[string, string[], boolean]>([
    ["the caller's account", ["arn:aws:iam::111122223333:root"], true],
    ["the caller", ["arn:aws:iam::111122223333:user/tester"], true],
    ["another user", ["arn:aws:iam::111122223333:user/somebody"], false],
    ["another account", ["arn:aws:iam::777788889999:root"], false],
    ["nobody", [], false],
  ])("trusting %s", async (_, trusted, allowed) => {
    const { sts } = await simulate({ ...scenario, roles: [{ arn, trusted }] });
    const code = await assume(sts, { ExternalId: undefined }).then(
      () => undefined,
      (error: Error) => error.name,
    );
    expect(code).toBe(allowed ? undefined : "AccessDenied");
  });

  test.each<[string, Partial<AssumeRoleCommandInput>, string]>([
    ["too short", { DurationSeconds: 899 }, "greater than or equal to 900"],
    ["longer than the role allows", { DurationSeconds: 3_601 }, "MaxSessionDuration"],
    ["a name with blanks", { RoleSessionName: "my sweep" }, "roleSessionName"],
    ["no ARN of a role", { RoleArn: "arn:aws:iam::444455556666:user/x" }, "is invalid"],
  ])("%s is no valid request", async (_, change, message) => {
    const { sts } = await simulate(scenario);
    const refused = await refusal(assume(sts, change));
    expect(refused).toMatchObject({ code: "ValidationError", status: 400 });
    expect(refused.message).toContain(message);
  });

  test("a role assumes another one for an hour at most, and says no longer which instance it came from", async () => {
    const { simulator, control } = await simulate({
      ...scenario,
      clock: { speed: 0 },
      roles: [{ arn, maxSeconds: 7_200 }],
      policies: [
        { principal: "*:assumed-role/ec2-backup/*", documents: [JSON.stringify(policy("sts:AssumeRole"))] },
      ],
    });
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", simulator.url);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const { sts } = withCredentials(simulator, fromInstanceMetadata());
    expect((await refusal(assume(sts, { DurationSeconds: 7_200 }))).message).toContain("role chaining");
    const { credentials } = await assume(sts);
    await withCredentials(simulator, credentials).ec2.send(new DescribeVolumesCommand({}));
    const [first, last] = [
      control.calls().find(({ action }) => action === "AssumeRole"),
      control.calls().at(-1),
    ];
    expect(first?.permissions?.[0]?.context).toMatchObject({
      "ec2:sourceinstancearn": expect.stringContaining("instance/i-"),
      "aws:principalaccount": "111122223333",
    });
    expect(last?.permissions?.[0]?.context).toMatchObject({
      "aws:principalarn": arn,
      "aws:principalaccount": account,
    });
    expect(last?.permissions?.[0]?.context).not.toHaveProperty("ec2:sourceinstancearn");
  });

  test("the caller's policies must allow it", async () => {
    const { sts } = await simulate({
      ...scenario,
      policies: [{ principal: "*:user/tester", documents: [JSON.stringify(policy("ec2:*"))] }],
    });
    expect((await refusal(assume(sts))).code).toBe("AccessDenied");
  });

  test("the role's policy governs its sessions, and a session's own policy takes away from it", async () => {
    const { simulator, sts } = await simulate({
      ...scenario,
      roles: [{ arn, policy: policy("ec2:DescribeVolumes") }],
    });
    const { credentials } = await assume(sts);
    const whole = withCredentials(simulator, credentials).ec2;
    await whole.send(new DescribeVolumesCommand({}));
    const { credentials: less } = await assume(sts, {
      Policy: JSON.stringify(policy("ec2:DescribeSnapshots")),
    });
    const part = withCredentials(simulator, less).ec2;
    expect((await refusal(part.send(new DescribeVolumesCommand({})))).code).toBe("UnauthorizedOperation");
  });

  test("in a Region that the account has not opted into STS is not activated; the global endpoint is", async () => {
    const { simulator } = await simulate(scenario);
    const { sts } = withCredentials(simulator, keys, "eu-west-1");
    expect(await refusal(assume(sts))).toMatchObject({ code: "RegionDisabledException", status: 403 });
    await assume(withCredentials(simulator, keys, "us-east-1").sts);
  });
});
