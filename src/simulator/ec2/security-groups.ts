import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import type { Context } from "../context.ts";
import { newId } from "../ids.ts";
import { own } from "../own.ts";
import { tagSet } from "../tags.ts";
import { tagSpecificationShape } from "./begin-snapshots.ts";
import { hiddenFor } from "./begin-volume.ts";
import { checkId, notFound } from "./describing.ts";
import { makeGroup, type SecurityGroup } from "./network.ts";
import { operation } from "./operation.ts";
import { tagsByKind } from "./tag-specifications.ts";

/** Makes a security group that lets nobody in. */
export const createSecurityGroup = operation({
  name: "CreateSecurityGroup",
  changes: true,
  parameters: {
    GroupName: "string",
    GroupDescription: "string",
    VpcId: "string",
    TagSpecification: tagSpecificationShape,
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "CreateSecurityGroup", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world, elapsed } = context;
    const { GroupName: name, GroupDescription: description } = input;
    if (name === undefined || description === undefined)
      throw new ApiError(
        "MissingParameter",
        "The request must contain the parameters GroupName and GroupDescription",
      );
    if (/^sg-/.test(name) || !/^[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/.test(name))
      throw new ApiError("InvalidParameterValue", `Invalid value '${name}' for groupName.`);
    if (!/^[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/.test(description))
      throw new ApiError("InvalidParameterValue", "Invalid security group description.");
    const vpc = input.VpcId ?? Object.values(world.subnets)[0]?.vpc ?? "";
    if (!Object.values(world.subnets).some((subnet) => subnet.vpc === vpc))
      throw new ApiError("InvalidVpcID.NotFound", `The vpc ID '${vpc}' does not exist`);
    if (Object.values(world.securityGroups).some((one) => one.vpc === vpc && one.name === name)) {
      const message = `The security group '${name}' already exists for VPC '${vpc}'`;
      throw new ApiError("InvalidGroup.Duplicate", message);
    }
    const { "security-group": tags } = tagsByKind(input.TagSpecification, ["security-group"]);
    return {
      needs: input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [],
      commit() {
        const id = newId("sg", world.settings.seed, ++world.sequence);
        const visibleFrom = elapsed + hiddenFor(context);
        world.securityGroups[id] = makeGroup({ id, name, vpc, description, tags, visibleFrom });
        return { return: true, groupId: id, tagSet: tagSet(tags) };
      },
    };
  },
});

const range = [{ CidrIp: "string", Description: "string" }] as const;

/** Lets in who comes from ranges of IPv4 addresses; other sources are not simulated. */
export const authorizeSecurityGroupIngress = operation({
  name: "AuthorizeSecurityGroupIngress",
  changes: true,
  parameters: {
    GroupId: "string",
    IpPermissions: [{ IpProtocol: "string", FromPort: "integer", ToPort: "integer", IpRanges: range }],
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "AuthorizeSecurityGroupIngress", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const group = reachGroup(context, input.GroupId);
    const rules = input.IpPermissions.flatMap(({ IpProtocol, FromPort, ToPort, IpRanges }) =>
      IpRanges.map(({ CidrIp: cidr = "" }) => {
        if (!/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(cidr))
          throw new ApiError("InvalidParameterValue", `CIDR block ${cidr} is malformed`);
        return { protocol: IpProtocol ?? "-1", from: FromPort ?? -1, to: ToPort ?? -1, cidr };
      }),
    );
    if (rules.length === 0)
      throw new ApiError("MissingParameter", "The request must contain the parameter ipPermissions");
    const key = (rule: (typeof rules)[number]) => JSON.stringify(rule);
    for (const rule of rules)
      if (group.ingress.some((one) => key(one) === key(rule))) {
        const message = `the specified rule "peer: ${rule.cidr}, TCP, from port: ${rule.from}, to port: ${rule.to}, ALLOW" already exists`;
        throw new ApiError("InvalidPermission.Duplicate", message);
      }
    return {
      commit() {
        group.ingress.push(...rules);
        return { return: true };
      },
    };
  },
});

/** Deletes a security group that nothing uses. */
export const deleteSecurityGroup = operation({
  name: "DeleteSecurityGroup",
  changes: true,
  parameters: { GroupId: "string", GroupName: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "DeleteSecurityGroup", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world } = context;
    const group = reachGroup(context, input.GroupId);
    if (group.name === "default")
      throw new ApiError(
        "CannotDelete",
        `the specified group: "${group.id}" name: "default" cannot be deleted by a user`,
      );
    // The network interface of an instance is there until it is terminated.
    const used = Object.values(world.instances).some(
      ({ state, groups }) => state !== "terminated" && groups.includes(group.id),
    );
    if (used) throw new ApiError("DependencyViolation", `resource ${group.id} has a dependent object`);
    return {
      commit() {
        delete world.securityGroups[group.id];
        return { return: true, groupId: group.id };
      },
    };
  },
});

function reachGroup({ world, elapsed }: Context, id: string | undefined): SecurityGroup {
  if (id === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter groupId");
  checkId("sg", id);
  const group = own(world.securityGroups, id);
  if (group === undefined || group.visibleFrom > elapsed) throw notFound("sg", id);
  return group;
}
