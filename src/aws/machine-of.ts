import type { Instance as Ec2Instance } from "@aws-sdk/client-ec2";
import type { MachineRecipe } from "../core/machine-recipe.ts";

/** What DescribeInstances tells of how an instance is made (EC2 API reference, Instance). */
export function machineOf(found: Ec2Instance): MachineRecipe {
  const metadata = found.MetadataOptions;
  const codes = (found.ProductCodes ?? []).flatMap((one) => one.ProductCodeId ?? []);
  const recipe: { [K in keyof MachineRecipe]: MachineRecipe[K] | undefined } = {
    type: found.InstanceType,
    architecture: found.Architecture,
    bootMode: found.BootMode,
    image: found.ImageId,
    platform: found.PlatformDetails,
    usage: found.UsageOperation,
    codes: codes.length === 0 ? undefined : codes,
    subnet: found.SubnetId,
    groups: (found.SecurityGroups ?? []).flatMap((one) => one.GroupId ?? []),
    profile: found.IamInstanceProfile?.Arn,
    keyName: found.KeyName,
    ena: found.EnaSupport,
    sriov: found.SriovNetSupport,
    ebsOptimized: found.EbsOptimized,
    tpm: found.TpmSupport,
    tenancy: found.Placement?.Tenancy,
    rootDevice: found.RootDeviceName,
    metadata: metadata && {
      ...(metadata.HttpTokens && { tokens: metadata.HttpTokens }),
      ...(metadata.HttpPutResponseHopLimit && { hops: metadata.HttpPutResponseHopLimit }),
      ...(metadata.HttpEndpoint && { endpoint: metadata.HttpEndpoint }),
      ...(metadata.HttpProtocolIpv6 && { ipv6: metadata.HttpProtocolIpv6 }),
      ...(metadata.InstanceMetadataTags && { tags: metadata.InstanceMetadataTags }),
    },
  };
  return Object.fromEntries(Object.entries(recipe).filter(([, value]) => value !== undefined));
}
