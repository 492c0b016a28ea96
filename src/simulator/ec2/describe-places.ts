import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import type { World } from "../world.ts";
import { operation } from "./operation.ts";

const listing = {
  Filter: filterShape,
  MaxResults: "integer",
  NextToken: "string",
  DryRun: "boolean",
} as const;

type Subnet = World["subnets"][string] & { tags: Record<string, string> };
type Group = World["securityGroups"][string] & { tags: Record<string, string> };

const subnetFields: Fields<Subnet> = {
  "subnet-id": ({ id }) => [id],
  "vpc-id": ({ vpc }) => [vpc],
  "availability-zone": ({ zone }) => [zone],
};
const groupFields: Fields<Group> = {
  "group-id": ({ id }) => [id],
  "group-name": ({ name }) => [name],
  "vpc-id": ({ vpc }) => [vpc],
};

const tagless = <T extends object>(things: Record<string, T>) =>
  Object.values(things).map((thing) => ({ ...thing, tags: {} }));

/** The subnets, in one page. */
export const describeSubnets = operation({
  name: "DescribeSubnets",
  changes: false,
  parameters: { SubnetId: ["string"], ...listing },
  rate: () => ({ bucket: "DescribeSubnets", rate: ec2Rates.describe }),
  prepare(input, { world }) {
    for (const id of input.SubnetId)
      if (world.subnets[id] === undefined)
        throw new ApiError("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
    const all = tagless(world.subnets).filter(
      ({ id }) => input.SubnetId.length === 0 || input.SubnetId.includes(id),
    );
    const found = applyFilters(all, input.Filter, subnetFields);
    return {
      commit: () => ({
        subnetSet: found.map(({ id, vpc, zone }) => ({
          subnetId: id,
          vpcId: vpc,
          availabilityZone: zone,
          state: "available",
          availableIpAddressCount: 250,
        })),
      }),
    };
  },
});

/** The security groups, in one page. */
export const describeSecurityGroups = operation({
  name: "DescribeSecurityGroups",
  changes: false,
  parameters: { GroupId: ["string"], ...listing },
  rate: () => ({ bucket: "DescribeSecurityGroups", rate: ec2Rates.describe }),
  prepare(input, { world }) {
    for (const id of input.GroupId)
      if (world.securityGroups[id] === undefined)
        throw new ApiError("InvalidGroup.NotFound", `The security group '${id}' does not exist`);
    const all = tagless(world.securityGroups).filter(
      ({ id }) => input.GroupId.length === 0 || input.GroupId.includes(id),
    );
    const found = applyFilters(all, input.Filter, groupFields);
    return {
      commit: () => ({
        securityGroupInfo: found.map(({ id, name, vpc }) => ({ groupId: id, groupName: name, vpcId: vpc })),
      }),
    };
  },
});

/** Every type is offered in every zone, but those with accelerators (`p`) only in zones `a`. */
export const describeInstanceTypeOfferings = operation({
  name: "DescribeInstanceTypeOfferings",
  changes: false,
  parameters: { LocationType: "string", ...listing },
  rate: () => ({ bucket: "DescribeInstanceTypeOfferings", rate: ec2Rates.describe }),
  prepare(input) {
    if (input.LocationType !== "availability-zone")
      throw new ApiError("InvalidParameterValue", "Only the location type availability-zone is simulated.");
    const of = (name: string) => input.Filter.find(({ Name }) => Name === name)?.Value ?? [];
    const offered = of("location").flatMap((location) =>
      of("instance-type")
        .filter((type) => !type.startsWith("p") || location.endsWith("a"))
        .map((instanceType) => ({ instanceType, locationType: "availability-zone", location })),
    );
    return { commit: () => ({ instanceTypeOfferingSet: offered }) };
  },
});
