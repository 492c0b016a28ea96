import { writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { has, need } from "../host/places.ts";
import { proxyStage } from "./proxy-stage.ts";

type Variant = "plain" | "FIPS" | "dual-stack" | "FIPS and dual-stack";

/**
 * The host names of EC2, CloudWatch and SNS, as AWS publishes them in its endpoint rules. Not all exist: FIPS is
 * offered in North America only, and a name that is not there is a failure of the connection, never another name.
 */
const table: Record<string, Record<Variant, readonly [string, string, string]>> = {
  "eu-central-1": {
    plain: ["ec2.@.amazonaws.com", "monitoring.@.amazonaws.com", "sns.@.amazonaws.com"],
    FIPS: ["ec2-fips.@.amazonaws.com", "monitoring-fips.@.amazonaws.com", "sns-fips.@.amazonaws.com"],
    "dual-stack": ["ec2.@.api.aws", "monitoring.@.api.aws", "sns.@.api.aws"],
    "FIPS and dual-stack": ["ec2-fips.@.api.aws", "monitoring-fips.@.api.aws", "sns-fips.@.api.aws"],
  },
  "cn-north-1": {
    plain: ["ec2.@.amazonaws.com.cn", "monitoring.@.amazonaws.com.cn", "sns.@.amazonaws.com.cn"],
    FIPS: [
      "ec2-fips.@.amazonaws.com.cn",
      "monitoring-fips.@.amazonaws.com.cn",
      "sns-fips.@.amazonaws.com.cn",
    ],
    "dual-stack": [
      "ec2.@.api.amazonwebservices.com.cn",
      "monitoring.@.api.amazonwebservices.com.cn",
      "sns.@.api.amazonwebservices.com.cn",
    ],
    "FIPS and dual-stack": [
      "ec2-fips.@.api.amazonwebservices.com.cn",
      "monitoring-fips.@.api.amazonwebservices.com.cn",
      "sns-fips.@.api.amazonwebservices.com.cn",
    ],
  },
  "us-gov-west-1": {
    plain: ["ec2.@.amazonaws.com", "monitoring.@.amazonaws.com", "sns.@.amazonaws.com"],
    FIPS: ["ec2.@.amazonaws.com", "monitoring.@.amazonaws.com", "sns.@.amazonaws.com"],
    "dual-stack": ["ec2.@.api.aws", "monitoring.@.api.aws", "sns.@.api.aws"],
    "FIPS and dual-stack": ["ec2-fips.@.api.aws", "monitoring.@.api.aws", "sns-fips.@.api.aws"],
  },
};

const nameIn = (region: string, host: string) => host.replace("@", region);
const all = Object.entries(table).flatMap(([region, rows]) =>
  Object.values(rows).flatMap((row) => row.map((host) => nameIn(region, host))),
);
const environment: Record<Variant, Record<string, string>> = {
  plain: {},
  FIPS: { AWS_USE_FIPS_ENDPOINT: "true" },
  "dual-stack": { AWS_USE_DUALSTACK_ENDPOINT: "true" },
  "FIPS and dual-stack": { AWS_USE_FIPS_ENDPOINT: "true", AWS_USE_DUALSTACK_ENDPOINT: "true" },
};

test.each(Object.keys(table))("the built agent finds EC2, CloudWatch and SNS in %s", async (region) => {
  const stage = await proxyStage({}, region, [...new Set(all)]);
  const partition = region.startsWith("cn-") ? "aws-cn" : region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
  const topic = `arn:${partition}:sns:${region}:111122223333:backups`;
  await writeFile(stage.bench.config, `version: 1\nalarms: { topic: "${topic}" }\n`, { mode: 0o600 });
  const rows = Object.entries(table[region] ?? {});
  // Each start of the agent costs its time; the others are asked in the soak.
  for (const [variant, hosts] of process.env["SOAK"] ? rows : rows.slice(1, 3)) {
    const seen = stage.proxy.asked.length;
    await stage.ask(["alarms", "plan"], environment[variant as Variant]);
    const names = stage.proxy.asked.slice(seen).map(({ target }) => target.replace(/:443$/, ""));
    const wanted = hosts.map((host) => nameIn(region, host)).sort();
    expect([...new Set(names)].sort(), variant).toEqual(wanted);
  }
});

test("FIPS and dual-stack may stand in the shared configuration file as well", async (context) => {
  need(context, has("openssl"), "openssl");
  const stage = await proxyStage({}, "us-gov-west-1", [...new Set(all)]);
  const file = path.join(stage.bench.folder, "aws-config");
  await writeFile(file, "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n");
  expect((await stage.ask(["list"], { AWS_CONFIG_FILE: file })).code).toBe(0);
  expect(stage.proxy.hosts()).toEqual(["ec2-fips.us-gov-west-1.api.aws"]);
});
