import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { applyFilters, type Fields, filterShape } from "../filters.ts";
import { tagSet } from "../tags.ts";
import { byIds } from "./describing.ts";
import type { SecurityGroup, Subnet } from "./network.ts";
import { operation } from "./operation.ts";
import { seen } from "./reach.ts";

const listing = {
  Filter: filterShape,
  MaxResults: "integer",
  NextToken: "string",
  DryRun: "boolean",
} as const;

type Listed = Subnet & { tags: Record<string, string> };

const subnetFields: Fields<Listed> = {
  "subnet-id": ({ id }) => [id],
  "vpc-id": ({ vpc }) => [vpc],
  "availability-zone": ({ zone }) => [zone],
  "default-for-az": (subnet) => [String(subnet.default)],
  "map-public-ip-on-launch": ({ publicIps }) => [String(publicIps)],
};
const groupFields: Fields<SecurityGroup> = {
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
        subnetSet: found.map(({ id, vpc, zone, publicIps, default: isDefault }) => ({
          subnetId: id,
          vpcId: vpc,
          availabilityZone: zone,
          state: "available",
          availableIpAddressCount: 250,
          defaultForAz: isDefault,
          mapPublicIpOnLaunch: publicIps,
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
  prepare(input, { world, elapsed }) {
    const all = byIds("sg", input.GroupId, seen(world.securityGroups, elapsed), ({ id }) => id);
    const found = applyFilters(all, input.Filter, groupFields);
    return {
      commit: () => ({
        securityGroupInfo: found.map((group) => ({
          groupId: group.id,
          groupName: group.name,
          groupDescription: group.description,
          vpcId: group.vpc,
          ownerId: world.settings.account,
          ipPermissions: group.ingress.map(({ protocol, from, to, cidr }) => ({
            ipProtocol: protocol,
            fromPort: from,
            toPort: to,
            ipRanges: [{ cidrIp: cidr }],
          })),
          tagSet: tagSet(group.tags),
        })),
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

/** The zones of the Region: those that subnets are in. */
export const describeAvailabilityZones = operation({
  name: "DescribeAvailabilityZones",
  changes: false,
  parameters: { ZoneName: ["string"], AllAvailabilityZones: "boolean", ...listing },
  rate: () => ({ bucket: "DescribeAvailabilityZones", rate: ec2Rates.describe }),
  prepare(input, { world }) {
    const names = [
      ...new Set([world.settings.zone, ...Object.values(world.subnets).map(({ zone }) => zone)]),
    ];
    for (const name of input.ZoneName)
      if (!names.includes(name))
        throw new ApiError("InvalidParameterValue", `Invalid availability zone: [${name}]`);
    const all = names.filter((name) => input.ZoneName.length === 0 || input.ZoneName.includes(name)).sort();
    const found = applyFilters(
      all.map((name) => ({ name, tags: {} })),
      input.Filter,
      {
        "zone-name": ({ name }) => [name],
        state: () => ["available"],
        "zone-type": () => ["availability-zone"],
      },
    );
    return {
      commit: () => ({
        availabilityZoneInfo: found.map(({ name }) => ({
          zoneName: name,
          zoneState: "available",
          regionName: world.settings.region,
          zoneType: "availability-zone",
          optInStatus: "opt-in-not-required",
        })),
      }),
    };
  },
});
