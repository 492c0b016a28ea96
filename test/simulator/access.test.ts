import { ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateSnapshotCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DescribeVolumesCommand,
  EC2Client,
} from "@aws-sdk/client-ec2";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { fromInstanceMetadata } from "@aws-sdk/credential-providers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { roleCredentials } from "./role-credentials.ts";
import { authorization, codeIn, instance, keys, rawCall, refusal, root, simulate } from "./simulate.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

const describeVolumes = { Action: "DescribeVolumes", Version: "2016-11-15" };

describe("credentials from the metadata service", () => {
  test("are accepted, and say who calls", async () => {
    const { simulator, control } = await simulate({ clock: { speed: 0 } });
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", simulator.url);
    const config = { endpoint: simulator.url, region: "eu-central-1", credentials: fromInstanceMetadata() };
    await new EC2Client(config).send(new DescribeVolumesCommand({}));
    const identity = await new STSClient(config).send(new GetCallerIdentityCommand({}));
    const arn = `arn:aws:sts::111122223333:assumed-role/ec2-backup/${instance}`;
    expect(identity).toMatchObject({
      Arn: arn,
      UserId: expect.stringMatching(`^AROA[0-9A-F]{17}:${instance}$`),
    });
    const call = control.calls().find(({ action }) => action === "DescribeVolumes");
    expect(call).toMatchObject({
      principal: arn,
      service: "ec2",
      userAgent: expect.stringContaining("aws-sdk-js"),
    });
  });

  test("are refused once expired, by each service in its own words", async () => {
    const { simulator, control } = await simulate({ imds: { credentialSeconds: 600 } });
    const { accessKeyId: key, sessionToken: Token } = await roleCredentials(simulator);
    const call = async (
      service: "ec2" | "monitoring" | "sts",
      parameters: Record<string, string>,
      token = Token,
    ) => {
      const headers = { authorization: authorization({ service, key }), "x-amz-security-token": token };
      const { status, body } = await rawCall(simulator, service, parameters, headers);
      return [status, codeIn(body)];
    };
    expect(await call("ec2", describeVolumes)).toEqual([200, undefined]);
    expect(await call("ec2", describeVolumes, "another")).toEqual([401, "AuthFailure"]);
    await control.clock({ advance: "10m" });
    expect(await call("ec2", describeVolumes)).toEqual([400, "RequestExpired"]);
    expect(await call("monitoring", { Action: "ListMetrics" })).toEqual([403, "ExpiredToken"]);
    expect(await call("sts", { Action: "GetCallerIdentity" })).toEqual([403, "ExpiredToken"]);
  });
});

describe("what cannot be believed", () => {
  test("an unknown key", async () => {
    const { simulator } = await simulate();
    for (const [service, status, code] of [
      ["ec2", 401, "AuthFailure"],
      ["monitoring", 403, "InvalidClientTokenId"],
      ["sts", 403, "InvalidClientTokenId"],
    ] as const) {
      const headers = { authorization: authorization({ service, key: "AKIANOBODY0000000000" }) };
      const answer = await rawCall(
        simulator,
        service,
        { Action: "ListMetrics", Version: "2010-08-01" },
        headers,
      );
      expect([answer.status, codeIn(answer.body)]).toEqual([status, code]);
    }
  });

  test.each([
    ["no signature", { authorization: "" }, 403, "MissingAuthenticationToken"],
    ["half a signature", { authorization: authorization({}).slice(0, -1) }, 400, "IncompleteSignature"],
    [
      "another service",
      { authorization: authorization({ service: "s3" }) },
      403,
      "MissingAuthenticationToken",
    ],
    ["another Region", { authorization: authorization({ region: "us-east-1" }) }, 401, "AuthFailure"],
    ["a date that is none", { "x-amz-date": "today" }, 400, "IncompleteSignature"],
    [
      "a date of another day",
      { authorization: authorization({ date: "20260302" }) },
      400,
      "IncompleteSignature",
    ],
    [
      "a key like any object's member",
      { authorization: authorization({ key: "constructor" }) },
      401,
      "AuthFailure",
    ],
  ])("%s", async (_, headers, status, code) => {
    const { simulator } = await simulate();
    const answer = await rawCall(simulator, "ec2", describeVolumes, headers as Record<string, string>);
    expect([answer.status, codeIn(answer.body)]).toEqual([status, code]);
  });

  test.each([
    ["20260301T020459Z", 200, undefined],
    ["20260301T015459Z", 400, "RequestExpired"],
    ["20260301T020501Z", 401, "AuthFailure"],
  ])("signed at %s, when signing times are checked", async (date, status, code) => {
    const { simulator } = await simulate({ checkSignatureTime: true });
    const answer = await rawCall(simulator, "ec2", describeVolumes, { "x-amz-date": date });
    expect([answer.status, codeIn(answer.body)]).toEqual([status, code]);
  });
});

describe("denied actions", () => {
  test("are refused in EC2's and CloudWatch's words", async () => {
    const { ec2, cloudwatch } = await simulate({
      deny: [{ action: "ec2:DeleteSnapshot" }, { action: "cloudwatch:*" }],
    });
    const refused = await refusal(
      ec2.send(new DeleteSnapshotCommand({ SnapshotId: "snap-0a3a0000000000001" })),
    );
    expect(refused).toMatchObject({
      code: "UnauthorizedOperation",
      status: 403,
      message: expect.stringMatching(
        /^You are not authorized to perform this operation\. User: arn:aws:iam::111122223333:user\/tester is not authorized to perform: ec2:DeleteSnapshot/,
      ),
    });
    await ec2.send(new DescribeVolumesCommand({}));
    expect(await refusal(cloudwatch.send(new ListMetricsCommand({})))).toMatchObject({
      code: "AccessDeniedException",
      status: 403,
    });
  });

  test("tell nothing of what exists", async () => {
    const { ec2 } = await simulate({ deny: [{ action: "ec2:Delete*" }] });
    const refused = await refusal(
      ec2.send(new DeleteSnapshotCommand({ SnapshotId: "snap-00000000000000000" })),
    );
    expect(refused.code).toBe("UnauthorizedOperation");
  });

  test("CreateTags denied: no creation with tags, unless only tagging on its own is denied", async () => {
    const { ec2, control } = await simulate({ deny: [{ action: "ec2:CreateTags" }], limits: false });
    const Tags = [{ Key: "a", Value: "b" }];
    const tagged = () =>
      ec2.send(
        new CreateSnapshotCommand({
          VolumeId: root,
          TagSpecifications: [{ ResourceType: "snapshot", Tags }],
        }),
      );
    expect(await refusal(tagged())).toMatchObject({
      code: "UnauthorizedOperation",
      message: expect.stringContaining("ec2:CreateTags"),
    });
    await ec2.send(new CreateSnapshotCommand({ VolumeId: root }));
    await control.settings({ deny: [{ action: "ec2:CreateTags", standalone: true }] });
    await tagged();
    expect(await refusal(ec2.send(new CreateTagsCommand({ Resources: [root], Tags })))).toMatchObject({
      code: "UnauthorizedOperation",
    });
  });

  test("only for those whom a rule names", async () => {
    const { ec2 } = await simulate({ deny: [{ action: "ec2:*", principal: "*:assumed-role/*" }] });
    await ec2.send(new DescribeVolumesCommand({}));
    expect(keys.accessKeyId).toMatch(/^AKIA/);
  });
});

test("every answer carries simulated time", async () => {
  const { simulator, control } = await simulate();
  await control.clock({ advance: "14d" });
  const expected = new Date("2026-03-15T02:00:00Z").toUTCString();
  expect((await rawCall(simulator, "ec2", describeVolumes)).headers.get("date")).toBe(expected);
  expect((await rawCall(simulator, "sts", { Action: "GetCallerIdentity" })).headers.get("date")).toBe(
    expected,
  );
  expect((await rawCall(simulator, "monitoring", { Action: "Nothing" })).headers.get("date")).toBe(expected);
});
