import type { Context } from "../context.ts";
import { filterOf, filterShape } from "../filters.ts";
import { digest } from "../ids.ts";
import { own } from "../own.ts";
import { tagSet } from "../tags.ts";
import type { World } from "../world.ts";
import { indexOf } from "../world-index.ts";
import type { XmlValue } from "../xml.ts";
import { byIds, describeRate, pageOfSorted, pageSize } from "./describing.ts";
import { fieldsIn } from "./instance-filters.ts";
import {
  type Attached,
  profileArn,
  reservationOf,
  rootDeviceType,
  spotRequestOf,
  stateCodes,
  statusOf,
} from "./instance-words.ts";
import type { Instance } from "./machines.ts";
import { operation } from "./operation.ts";
import type { Attachment, Volume } from "./volume.ts";

/** The instances of the account, each in a reservation of its own. */
export const describeInstances = operation({
  name: "DescribeInstances",
  changes: false,
  parameters: {
    InstanceId: ["string"],
    IncludeManagedResources: "boolean",
    Filter: filterShape,
    MaxResults: "integer",
    NextToken: "string",
    DryRun: "boolean",
  },
  rate: describeRate("DescribeInstances"),
  prepare(input, context) {
    const { world } = context;
    const ids = { name: "instancesSet", values: input.InstanceId };
    const maxResults = pageSize(input, ids, { minimum: 5, maximum: 1_000, clamps: false });
    const { elapsed } = context;
    const attached = (id: string) => indexOf(world).attached(id);
    const passes = filterOf(input.Filter, fieldsIn(world, attached));
    const view = (instance: Instance) =>
      instance.visibleFrom <= elapsed && passes(instance) ? instance : undefined;
    const sorted = candidates(input.InstanceId, context);
    return {
      commit() {
        const keys = { keyOf: (each: Instance) => each.id, age: (each: Instance) => each.launchTime };
        const page = pageOfSorted("DescribeInstances", sorted, view, input, maxResults, context, keys);
        const reservationSet = page.things.map((instance) => reservation([instance], world, attached));
        return { reservationSet, nextToken: page.nextToken };
      },
    };
  },
});

function candidates(ids: readonly string[], { world, elapsed }: Context): readonly Instance[] {
  if (ids.length === 0) return indexOf(world).instances;
  const known = ids.flatMap((id) => own(world.instances, id) ?? []);
  const named = byIds(
    "i",
    ids,
    known.filter(({ visibleFrom }) => visibleFrom <= elapsed),
    ({ id }) => id,
  );
  return named.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** The volumes attached to an instance, each with how it is attached. */
export function attachedVolumes(
  world: World,
  instance: string,
): { volume: Volume; attachment: Attachment }[] {
  return Object.values(world.volumes).flatMap((volume) =>
    volume.attachments
      .filter((each) => each.instance === instance)
      .map((attachment) => ({ volume, attachment })),
  );
}

/** The state of an instance as EC2 answers it. */
export function stateOf({ state: name }: Instance): { code: number; name: string } {
  return { code: stateCodes[name], name };
}

/** The answer for one instance in a reservation of its own. */
export function reservation(
  instances: readonly Instance[],
  world: World,
  attached: Attached = (id) => attachedVolumes(world, id),
): { [name: string]: XmlValue } {
  const [first] = instances;
  return {
    reservationId: first === undefined ? "" : reservationOf(first),
    ownerId: world.settings.account,
    groupSet: [],
    instancesSet: instances.map((instance) => describedInstance(instance, world, attached)),
  };
}

/** What is paid for beside a machine (EC2 user guide, "AMI billing information fields"). */
export function billingOf({ platform }: Pick<Instance, "platform">): {
  platformDetails: string;
  usageOperation: string;
} {
  return platform === "windows"
    ? { platformDetails: "Windows", usageOperation: "RunInstances:0002" }
    : { platformDetails: "Linux/UNIX", usageOperation: "RunInstances" };
}

function describedInstance(instance: Instance, world: World, attached: Attached): XmlValue {
  const { settings } = world;
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: stateOf(instance),
    privateDnsName: `ip-${instance.privateIp.replaceAll(".", "-")}.${settings.region}.compute.internal`,
    dnsName: "",
    reason: transitionReason(instance),
    amiLaunchIndex: 0,
    productCodes: instance.productCodes.map((code) => ({ productCode: code, type: "marketplace" })),
    ...(instance.keyName === null ? {} : { keyName: instance.keyName }),
    ...(instance.stateReason === null ? {} : { stateReason: instance.stateReason }),
    ...(instance.bootMode === null ? {} : { bootMode: instance.bootMode }),
    currentInstanceBootMode:
      instance.bootMode === "legacy-bios" || instance.bootMode === null ? "legacy-bios" : "uefi",
    clientToken: instance.clientToken,
    ...networkOf(instance, world),
    instanceType: instance.instanceType,
    launchTime: new Date(instance.launchTime),
    placement: { availabilityZone: instance.zone, groupName: "", tenancy: "default" },
    monitoring: { state: "disabled" },
    ...(instance.platform === "windows" ? { platform: "windows" } : {}),
    ...billingOf(instance),
    privateIpAddress: instance.privateIp,
    ...(instance.publicIp === null || (instance.state !== "running" && !instance.elasticIp)
      ? {}
      : { ipAddress: instance.publicIp }),
    architecture: instance.architecture,
    rootDeviceType: rootDeviceType(instance),
    rootDeviceName: instance.rootDeviceName,
    blockDeviceMapping: attached(instance.id).map(({ volume, attachment }) => ({
      deviceName: attachment.device,
      ebs: {
        volumeId: volume.id,
        status: statusOf(attachment),
        attachTime: new Date(attachment.attachTime),
        deleteOnTermination: attachment.deleteOnTermination,
      },
    })),
    ...(instance.lifecycle === null
      ? {}
      : { instanceLifecycle: instance.lifecycle, spotInstanceRequestId: spotRequestOf(instance) }),
    virtualizationType: "hvm",
    hypervisor: "xen",
    tagSet: tagSet(instance.tags),
    ebsOptimized: instance.ebsOptimized,
    enaSupport: true,
    ...(instance.role === null
      ? {}
      : {
          iamInstanceProfile: {
            arn: profileArn(instance, world),
            id: `AIPA${digest(instance.role).slice(0, 17).toUpperCase()}`,
          },
        }),
    hibernationOptions: { configured: instance.hibernation },
    metadataOptions: metadataOptions(world),
  };
}

/** As EC2 words it of what a user has stopped. */
function transitionReason({ state, stoppedAt }: Instance): string {
  if (stoppedAt === null || (state !== "stopping" && state !== "stopped")) return "";
  return `User initiated (${new Date(stoppedAt).toISOString().slice(0, 19).replace("T", " ")} GMT)`;
}

// A terminated instance has left its network.
function networkOf(instance: Instance, world: World): { [name: string]: XmlValue } {
  const { state, subnetId, groups } = instance;
  if (state === "terminated") return { groupSet: [] };
  const subnet = own(world.subnets, subnetId);
  return {
    subnetId,
    ...(subnet === undefined ? {} : { vpcId: subnet.vpc }),
    networkInterfaceSet: [interfaceOf(instance, world)],
    groupSet: groups.map((groupId) => ({
      groupId,
      groupName: own(world.securityGroups, groupId)?.name ?? groupId,
    })),
  };
}

// An address of Amazon's pool changes with each start, an Elastic IP address of the account does not.
function interfaceOf(instance: Instance, world: World): XmlValue {
  const { publicIp, elasticIp, privateIp } = instance;
  const address = publicIp === null || (instance.state !== "running" && !elasticIp) ? undefined : publicIp;
  const association =
    address === undefined
      ? {}
      : { association: { publicIp: address, ipOwnerId: elasticIp ? world.settings.account : "amazon" } };
  return {
    networkInterfaceId: `eni-0${digest(instance.id).slice(16, 32)}`,
    subnetId: instance.subnetId,
    ownerId: world.settings.account,
    status: "in-use",
    privateIpAddress: privateIp,
    ...association,
    privateIpAddressesSet: [{ privateIpAddress: privateIp, primary: true, ...association }],
  };
}

function metadataOptions(world: World): XmlValue {
  const { imds } = world.settings;
  return {
    state: "applied",
    httpTokens: imds.v1 ? "optional" : "required",
    httpPutResponseHopLimit: 1,
    httpEndpoint: imds.enabled ? "enabled" : "disabled",
    httpProtocolIpv6: "disabled",
    instanceMetadataTags: imds.tags ? "enabled" : "disabled",
  };
}
