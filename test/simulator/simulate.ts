import { createHash } from "node:crypto";
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { EC2Client } from "@aws-sdk/client-ec2";
import { KMSClient } from "@aws-sdk/client-kms";
import { SNSClient } from "@aws-sdk/client-sns";
import { STSClient } from "@aws-sdk/client-sts";
import { expect, onTestFinished } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";

/** The instance and volumes of the default scenario. */
export const instance = "i-0d3a0de0c0ffee001";
export const root = "vol-0d3a0de0c0ffee00a";
export const data = "vol-0d3a0de0c0ffee00f";
export const archive = "vol-0d3a0de0c0ffee010";

/** Long-lived keys that every simulation accepts. */
export const keys = { accessKeyId: "AKIASIMULATORTEST001", secretAccessKey: "secret" };

/** A simulator for one test, with clients of the AWS SDK that never retry. */
export interface Simulation {
  simulator: Simulator;
  control: Simulator["control"];
  ec2: EC2Client;
  cloudwatch: CloudWatchClient;
  sns: SNSClient;
  kms: KMSClient;
  sts: STSClient;
}

/** Starts a simulator that ends with the test. Simulated time stands still unless the scenario says otherwise. */
export async function simulate(scenario: Scenario = {}, stateDirectory?: string): Promise<Simulation> {
  const simulator = await startSimulator({
    scenario: {
      clock: { start: "2026-03-01T02:00:00Z", speed: 0 },
      accessKeys: [{ id: keys.accessKeyId, user: "tester" }],
      ...scenario,
    },
    ...(stateDirectory === undefined ? {} : { stateDirectory }),
  });
  const config = {
    endpoint: simulator.url,
    region: simulator.environment.AWS_REGION,
    credentials: keys,
    maxAttempts: 1,
  };
  const clients = {
    ec2: new EC2Client(config),
    cloudwatch: new CloudWatchClient(config),
    sns: new SNSClient(config),
    kms: new KMSClient(config),
    sts: new STSClient(config),
  };
  onTestFinished(async () => {
    for (const client of Object.values(clients)) client.destroy();
    await simulator.close();
  });
  return { simulator, control: simulator.control, ...clients };
}

/** What the SDK tells of a refused call. */
export interface Refusal {
  code: string;
  status: number | undefined;
  message: string;
}

/** Waits for a call to be refused and tells how; a call that succeeds fails the test. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error = await call.then(
    () => expect.fail("the call succeeded"),
    (error: Error & { $metadata?: { httpStatusCode?: number } }) => error,
  );
  return { code: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
}

/** A signed request as no SDK would send it. The signature is of the right form only. */
export async function rawCall(
  simulator: Simulator,
  service: "ec2" | "monitoring" | "sts" | "sns" | "kms",
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: string; headers: Headers }> {
  const response = await fetch(simulator.url, {
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-amz-date": "20260301T020000Z",
      authorization: authorization({ service }),
      ...headers,
    },
    body: new URLSearchParams(parameters).toString(),
  });
  return { status: response.status, body: await response.text(), headers: response.headers };
}

/** An Authorization header of the right form. */
export function authorization(given: {
  service?: string;
  key?: string;
  region?: string;
  date?: string;
}): string {
  const { service = "ec2", key = keys.accessKeyId, region = "eu-central-1", date = "20260301" } = given;
  const signature = createHash("sha256").update(service).digest("hex");
  return `AWS4-HMAC-SHA256 Credential=${key}/${date}/${region}/${service}/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`;
}

/** The code in an error answer of the query protocols. */
export function codeIn(body: string): string | undefined {
  return /<Code>([^<]*)<\/Code>/.exec(body)?.[1];
}

/** So many volumes of an instance, the first being its root. */
export function volumes(count: number, change: Partial<NonNullable<Scenario["volumes"]>[number]> = {}) {
  return Array.from({ length: count }, (_, index) => ({
    id: `vol-0${(index + 1).toString(16).padStart(16, "0")}`,
    size: 1,
    attachments: [{ instance, device: index === 0 ? "/dev/xvda" : `/dev/sd${name(index)}` }],
    ...change,
  }));
}

function name(index: number): string {
  return String.fromCharCode(97 + Math.floor(index / 26), 97 + (index % 26));
}
