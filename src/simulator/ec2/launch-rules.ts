import { ApiError } from "../api-error.ts";
import { architectureOf } from "../make-things.ts";
import { own } from "../own.ts";
import type { World } from "../world.ts";
import type { Image } from "./machines.ts";

/** What of a launch must fit together. */
interface Launch {
  InstanceType: string | undefined;
  MinCount: number | undefined;
  MaxCount: number | undefined;
  UserData: string | undefined;
  SubnetId: string | undefined;
  SecurityGroup: readonly string[];
  SecurityGroupId: readonly string[];
  Placement: { AvailabilityZone: string | undefined } | undefined;
}

/** Refuses an image that cannot run on the type, several instances, and bad user data. @throws ApiError */
export function checkLaunch(image: Image, input: Launch): void {
  if (input.MinCount === undefined || input.MaxCount === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameters MinCount and MaxCount");
  if (input.MinCount !== 1 || input.MaxCount !== 1)
    throw new ApiError("InvalidParameterValue", "Only one instance at a time is simulated.");
  const type = input.InstanceType ?? "m1.small";
  const wanted = architectureOf(type);
  if (image.architecture !== wanted) {
    const message = `The architecture '${wanted}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`;
    throw new ApiError("InvalidParameterValue", message);
  }
  // Every type of the Nitro System is of this kind; older ones are not told apart.
  if (image.virtualization !== "hvm") {
    const message = `The instance type '${type}' does not support an AMI with a virtualization type of 'paravirtual'.`;
    throw new ApiError("InvalidParameterCombination", message);
  }
  if (!image.enaSupport) {
    const message = `Enhanced networking with the Elastic Network Adapter (ENA) is required for the '${type}' instance type. Ensure that you are using an AMI that is enabled for ENA.`;
    throw new ApiError("InvalidParameterCombination", message);
  }
  if (wanted === "arm64" && image.bootMode === "legacy-bios") {
    const message = `The boot mode 'legacy-bios' is not supported by the instance type '${type}'.`;
    throw new ApiError("InvalidParameterCombination", message);
  }
  checkUserData(input.UserData);
}

/** Where the instance comes to be. @throws ApiError for a subnet or a group that does not exist or does not fit */
export function placeOf(
  world: World,
  input: Launch,
  elapsed: number,
): { zone: string; subnetId: string; groups: string[] } {
  const id = input.SubnetId ?? Object.keys(world.subnets)[0] ?? "";
  const subnet = own(world.subnets, id);
  if (subnet === undefined)
    throw new ApiError("InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
  const zone = input.Placement?.AvailabilityZone;
  if (zone !== undefined && zone !== subnet.zone) {
    const message = `The subnet '${id}' is not in the availability zone '${zone}'.`;
    throw new ApiError("InvalidParameterCombination", message);
  }
  const byName = input.SecurityGroup.map((name) => {
    const found = Object.values(world.securityGroups).find((group) => group.name === name);
    if (found === undefined)
      throw new ApiError("InvalidGroup.NotFound", `The security group '${name}' does not exist`);
    return found.id;
  });
  for (const group of input.SecurityGroupId) {
    const found = own(world.securityGroups, group);
    if (found === undefined || found.visibleFrom > elapsed)
      throw new ApiError("InvalidGroup.NotFound", `The security group '${group}' does not exist`);
    if (found.vpc !== subnet.vpc) {
      const message = `Security group ${group} and subnet ${id} belong to different networks.`;
      throw new ApiError("InvalidParameter", message);
    }
  }
  const groups = [...byName, ...input.SecurityGroupId];
  const all = Object.values(world.securityGroups).filter(({ vpc }) => vpc === subnet.vpc);
  const fallback = all.find(({ name }) => name === "default") ?? all[0];
  return {
    zone: subnet.zone,
    subnetId: id,
    groups: groups.length > 0 ? groups : fallback === undefined ? [] : [fallback.id],
  };
}

/**
 * Refuses a key pair that is not there. Names that no key pair was made for are those of before there were any, and
 * good: scenarios name keys of instances that nobody has the key pairs of.
 * @throws ApiError InvalidKeyPair.NotFound
 */
export function checkKey(world: World, name: string | undefined, elapsed: number): void {
  if (name === undefined) return;
  const known = Object.values(world.keyPairs);
  const found = known.find((one) => one.name === name);
  const given = Object.values(world.instances).some(({ keyName }) => keyName === name);
  if (found === undefined ? !given && known.length > 0 : found.visibleFrom > elapsed)
    throw new ApiError("InvalidKeyPair.NotFound", `The key pair '${name}' does not exist`);
}

/** The role of an instance profile, which has its name here. @throws ApiError */
export function profileOf(
  profile: { Arn: string | undefined; Name: string | undefined } | undefined,
): string | null {
  if (profile === undefined) return null;
  const { Arn: arn, Name: name } = profile;
  if ((arn === undefined) === (name === undefined)) {
    const message = "Either Arn or Name of an instance profile must be specified, but not both.";
    throw new ApiError("InvalidParameterCombination", message);
  }
  const found = name ?? /:instance-profile\/(?:.*\/)?([^/]+)$/.exec(arn ?? "")?.[1];
  if (found === undefined || found === "") {
    const message = `Value (${arn}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN`;
    throw new ApiError("InvalidParameterValue", message);
  }
  return found;
}

/** Refuses user data that EC2 does not take. */
function checkUserData(userData: string | undefined): void {
  if (userData === undefined) return;
  const bytes = Buffer.from(userData, "base64");
  if (bytes.toString("base64").replace(/=+$/, "") !== userData.replace(/=+$/, ""))
    throw new ApiError("InvalidParameterValue", "Invalid BASE64 encoding of user data");
  if (bytes.length > 16_384)
    throw new ApiError("InvalidParameterValue", "User data is limited to 16384 bytes");
}
