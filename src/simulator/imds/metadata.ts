import type { Instance } from "../ec2/machines.ts";
import { digest } from "../ids.ts";
import type { World } from "../world.ts";

/** A tree of metadata: a text at each leaf. */
export interface MetadataTree {
  [name: string]: string | MetadataTree;
}

/**
 * What the metadata service knows of an instance, but for its credentials. Only volumes present at launch are known,
 * by device name and never by id ("Amazon EBS volumes are only available in metadata if they were present at launch
 * time or when the instance was last started").
 */
export function metadataOf(world: World, instance: Instance): MetadataTree {
  const { region, partition, account } = world.settings;
  const domain = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  const host = `ip-${instance.privateIp.replaceAll(".", "-")}.${region}.compute.internal`;
  return {
    "ami-id": instance.imageId,
    "block-device-mapping": blockDevices(instance),
    hostname: host,
    ...(instance.role === null
      ? {}
      : {
          iam: {
            info: JSON.stringify({
              Code: "Success",
              LastUpdated: new Date(instance.launchTime).toISOString(),
              InstanceProfileArn: `arn:${partition}:iam::${account}:instance-profile/${instance.role}`,
              InstanceProfileId: `AIPA${digest(instance.role).slice(0, 17).toUpperCase()}`,
            }),
            "security-credentials": { [instance.role]: "" },
          },
        }),
    "instance-id": instance.id,
    "instance-life-cycle": instance.lifecycle === "spot" ? "spot" : "on-demand",
    "instance-type": instance.instanceType,
    "local-hostname": host,
    "local-ipv4": instance.privateIp,
    placement: { "availability-zone": instance.zone, region },
    services: { domain, partition },
    ...interruptionOf(instance),
    ...groupStateOf(instance),
    ...(world.settings.imds.tags ? { tags: { instance: { ...instance.tags } } } : {}),
  };
}

// "If your Spot Instance is marked to be stopped, hibernated, or terminated ...; otherwise it is not present (404)."
function interruptionOf({ interruption }: Instance): MetadataTree {
  if (interruption === null) return {};
  const { action, at } = interruption;
  const time = `${new Date(at).toISOString().slice(0, 19)}Z`;
  return {
    spot: {
      "instance-action": JSON.stringify({ action, time }),
      ...(action === "terminate" ? { "termination-time": time } : {}),
    },
  };
}

/** "Value showing the target Auto Scaling lifecycle state that an Auto Scaling instance is transitioning to." */
function groupStateOf({ target, tags }: Instance): MetadataTree {
  const member = Object.hasOwn(tags, "aws:autoscaling:groupName");
  if (target === null && !member) return {};
  return { autoscaling: { "target-lifecycle-state": target?.state ?? "InService" } };
}

function blockDevices(instance: Instance): MetadataTree {
  const short = (device: string) => device.replace(/^\/dev\//, "");
  const data = instance.launchDevices.filter((device) => device !== instance.rootDeviceName);
  // NVMe instance stores are not listed; those with another device name are, as ephemeralN.
  const stores = instance.instanceStores.filter(({ device }) => !/nvme/.test(device));
  return {
    ami: short(instance.rootDeviceName),
    ...Object.fromEntries(data.map((device, index) => [`ebs${index + 1}`, short(device)])),
    ...Object.fromEntries(stores.map(({ device, virtualName }) => [virtualName, short(device)])),
    root: instance.rootDeviceName,
  };
}

/** The instance identity document, as JSON text. */
export function identityDocument(world: World, instance: Instance): string {
  const document = {
    accountId: world.settings.account,
    architecture: instance.architecture,
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: instance.imageId,
    instanceId: instance.id,
    instanceType: instance.instanceType,
    kernelId: null,
    pendingTime: `${new Date(instance.launchTime).toISOString().slice(0, 19)}Z`,
    privateIp: instance.privateIp,
    ramdiskId: null,
    region: world.settings.region,
    version: "2017-09-30",
  };
  return JSON.stringify(document, null, 2);
}
