import { expect, test } from "vitest";
import type { Scenario } from "../../src/simulator/scenario.ts";
import { Bench } from "./bench.ts";
import { instance, scenarioOf } from "./history.ts";

interface Case {
  readonly name: string;
  readonly scenario?: Partial<Scenario>;
  readonly env?: Readonly<Record<string, string>>;
  readonly code: number;
  /** What the log must say: what was found and what to do. */
  readonly says: readonly RegExp[];
}

const nowhere = "http://no-such-host.invalid";

const cases: Case[] = [
  {
    name: "the metadata service is switched off",
    scenario: { imds: { enabled: false } },
    code: 69,
    says: [/metadata service refuses \(403\)/, /--http-endpoint enabled/],
  },
  {
    name: "the hop limit is too small for a container",
    scenario: { imds: { hopLimitFailure: true } },
    code: 69,
    says: [/IMDSv2/, /--http-put-response-hop-limit to 2/],
  },
  {
    name: "the name of the metadata service has no address",
    env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: nowhere },
    code: 69,
    says: [/ENOTFOUND no-such-host\.invalid/, /past firewall and proxy/],
  },
  {
    name: "the name of the endpoint has no address",
    env: { AWS_ENDPOINT_URL: nowhere },
    code: 69,
    says: [/describe the instance/, /ENOTFOUND no-such-host\.invalid/, /check the network, the endpoint/],
  },
  {
    name: "nobody listens at the endpoint",
    env: { AWS_ENDPOINT_URL: "http://127.0.0.1:9" },
    code: 69,
    says: [/ECONNREFUSED/, /check the network, the endpoint/],
  },
  {
    name: "the instance has no role",
    scenario: { instances: [{ id: instance.id, role: null }] },
    code: 69,
    says: [/Could not load credentials/, /give the instance a role \(an instance profile\)/],
  },
  {
    name: "the role may not describe instances",
    scenario: { deny: [{ action: "ec2:DescribeInstances" }] },
    code: 77,
    says: [/UnauthorizedOperation/, /ec2:DescribeInstances/, /for runs to the instance's role/],
  },
];

test.concurrent.each(cases)("it is said clearly when $name", async ({ scenario, env, code, says }) => {
  await using bench = await Bench.start(scenarioOf(1, 0, scenario), { request: "1s" });
  const run = await bench.run({ env: env ?? {} });
  expect(run.code, run.stderr).toBe(code);
  for (const words of says) expect(run.stderr).toMatch(words);
  expect(run.report.points).toEqual([]);
  expect(run.report.outcome).toBe("failed");
});
