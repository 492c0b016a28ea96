import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { operation } from "./operation.ts";

interface Region {
  name: string;
  endpoint: string;
  optIn: "opt-in-not-required" | "opted-in" | "not-opted-in";
  tags: Record<string, string>;
}

// A choice from each partition, enough to choose a copy's destination from; not the whole list.
const names: Record<string, readonly string[]> = {
  aws: [
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "sa-east-1",
  ],
  "aws-cn": ["cn-north-1", "cn-northwest-1"],
  "aws-us-gov": ["us-gov-east-1", "us-gov-west-1"],
};
const optional: Record<string, readonly string[]> = {
  aws: ["eu-south-1", "eu-central-2", "ap-east-1", "me-south-1"],
};

/** The Regions that the account may use; with AllRegions also those it has not opted into. */
export const describeRegions = operation({
  name: "DescribeRegions",
  changes: false,
  parameters: { RegionName: ["string"], AllRegions: "boolean", Filter: filterShape, DryRun: "boolean" },
  rate: () => ({ bucket: "DescribeRegions", rate: ec2Rates.describe }),
  prepare(input, context) {
    const all = regionsFor(context);
    const offered = all.filter((each) => input.AllRegions === true || each.optIn !== "not-opted-in");
    for (const name of input.RegionName) {
      if (!offered.some((each) => each.name === name)) {
        throw new ApiError("InvalidParameterValue", `Invalid region provided: [${name}]`);
      }
    }
    const named = offered.filter(
      (each) => input.RegionName.length === 0 || input.RegionName.includes(each.name),
    );
    const found = applyFilters(named, input.Filter, fields);
    return {
      commit: () => ({
        regionInfo: found.map((each) => ({
          regionName: each.name,
          regionEndpoint: each.endpoint,
          optInStatus: each.optIn,
        })),
      }),
    };
  },
});

/** With several places an account may use the Regions of its own, and is told that it might opt into the others. */
function regionsFor({ world, places }: Context): Region[] {
  const { partition, region, account } = world.settings;
  const usual = names[partition] ?? [];
  const further = optional[partition] ?? [];
  const enabled = new Set(places.regionsOf(account) ?? [region, ...usual]);
  return [
    ...[...enabled].map((name) =>
      described(name, partition, further.includes(name) ? "opted-in" : "opt-in-not-required"),
    ),
    ...[...usual, ...further]
      .filter((name) => !enabled.has(name))
      .map((name) => described(name, partition, "not-opted-in")),
  ];
}

function described(name: string, partition: string, optIn: Region["optIn"]): Region {
  const suffix = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  return { name, endpoint: `ec2.${name}.${suffix}`, optIn, tags: {} };
}

const fields: Fields<Region> = {
  endpoint: (region) => [region.endpoint],
  "opt-in-status": (region) => [region.optIn],
  "region-name": (region) => [region.name],
};
