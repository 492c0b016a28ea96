import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import type { World } from "../world.ts";
import type { XmlValue } from "../xml.ts";
import { attachedVolumes } from "./describe-instances.ts";
import type { Instance } from "./machines.ts";
import { operation } from "./operation.ts";
import { arnOf, reachInstance } from "./reach.ts";

/** One attribute of an instance; the user data is told nowhere else. */
export const describeInstanceAttribute = operation({
  name: "DescribeInstanceAttribute",
  changes: false,
  parameters: { InstanceId: "string", Attribute: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "DescribeInstanceAttribute", rate: ec2Rates.describe }),
  prepare(input, context) {
    const instance = reachInstance(context, input.InstanceId);
    const attribute = input.Attribute ?? "";
    const answer = attributesOf(instance, context.world)[attribute];
    if (answer === undefined) {
      const message = `Value (${attribute}) for parameter attribute is invalid. Unknown attribute.`;
      throw new ApiError("InvalidParameterValue", message);
    }
    return {
      resource: arnOf(context, `instance/${instance.id}`),
      commit: () => ({ instanceId: instance.id, [attribute]: answer }),
    };
  },
});

function attributesOf(instance: Instance, world: World): { [attribute: string]: XmlValue } {
  const value = (one: string | boolean) => ({ value: one });
  return {
    blockDeviceMapping: attachedOf(instance, world),
    disableApiStop: value(instance.disableApiStop),
    disableApiTermination: value(instance.disableApiTermination),
    ebsOptimized: value(instance.ebsOptimized),
    enaSupport: value(true),
    groupSet: instance.groups.map((groupId) => ({ groupId })),
    instanceInitiatedShutdownBehavior: value(instance.shutdownBehavior),
    instanceType: value(instance.instanceType),
    kernel: {},
    productCodes: instance.productCodes.map((code) => ({ productCode: code, type: "marketplace" })),
    ramdisk: {},
    rootDeviceName: value(instance.rootDeviceName),
    sourceDestCheck: value(true),
    sriovNetSupport: {},
    userData: instance.userData === null ? {} : value(instance.userData),
  };
}

function attachedOf(instance: Instance, world: World): XmlValue {
  return attachedVolumes(world, instance.id).map(({ volume, attachment }) => ({
    deviceName: attachment.device,
    ebs: {
      volumeId: volume.id,
      status: attachment.state === "busy" ? "detaching" : attachment.state,
      attachTime: new Date(attachment.attachTime),
      deleteOnTermination: attachment.deleteOnTermination,
    },
  }));
}

/** What becomes of volumes with their instance, and whether it may be terminated; other attributes are not simulated. */
export const modifyInstanceAttribute = operation({
  name: "ModifyInstanceAttribute",
  changes: true,
  parameters: {
    InstanceId: "string",
    BlockDeviceMapping: [
      {
        DeviceName: "string",
        Ebs: { DeleteOnTermination: "boolean", VolumeId: "string" },
        VirtualName: "string",
        NoDevice: "string",
      },
    ],
    DisableApiTermination: { Value: "boolean" },
    InstanceType: { Value: "string" },
    UserData: { Value: "string" },
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "ModifyInstanceAttribute", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const instance = reachInstance(context, input.InstanceId);
    const given = [input.DisableApiTermination, input.InstanceType, input.UserData].filter(Boolean).length;
    if (given + (input.BlockDeviceMapping.length > 0 ? 1 : 0) !== 1)
      throw new ApiError("InvalidParameterCombination", "Fields for multiple attribute types specified");
    if ((input.InstanceType ?? input.UserData) && instance.state !== "stopped") {
      const message = `The instance '${instance.id}' is not in the 'stopped' state.`;
      throw new ApiError("IncorrectInstanceState", message);
    }
    const there = attachedVolumes(context.world, instance.id);
    const mappings = input.BlockDeviceMapping.map(({ DeviceName: device, Ebs: ebs }) => {
      const found = there.find(({ attachment }) => attachment.device === device);
      if (found === undefined || (ebs?.VolumeId !== undefined && ebs.VolumeId !== found.volume.id)) {
        const message = `No device is currently mapped at ${device ?? "nowhere"}`;
        throw new ApiError("InvalidInstanceAttributeValue", message);
      }
      return { attachment: found.attachment, goes: ebs?.DeleteOnTermination };
    });
    return {
      resource: arnOf(context, `instance/${instance.id}`),
      commit() {
        for (const { attachment, goes } of mappings) attachment.deleteOnTermination = goes ?? false;
        instance.disableApiTermination = input.DisableApiTermination?.Value ?? instance.disableApiTermination;
        instance.instanceType = input.InstanceType?.Value ?? instance.instanceType;
        instance.userData = input.UserData?.Value ?? instance.userData;
        return { return: true };
      },
    };
  },
});
