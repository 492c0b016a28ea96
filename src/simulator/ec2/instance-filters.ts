import type { Fields } from "../filters.ts";
import { own } from "../own.ts";
import type { World } from "../world.ts";
import { iso } from "./describing.ts";
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

/** Of the many documented filters those about what is simulated; the others are refused as invalid, so nobody takes silence for a match. */
export const fieldsIn = (world: World, attached: Attached): Fields<Instance> => ({
  architecture: (instance) => [instance.architecture],
  "availability-zone": (instance) => [instance.zone],
  "block-device-mapping.attach-time": (instance) =>
    attached(instance.id).map((each) => iso(each.attachment.attachTime)),
  "block-device-mapping.delete-on-termination": (instance) =>
    attached(instance.id).map((each) => String(each.attachment.deleteOnTermination)),
  "block-device-mapping.device-name": (instance) =>
    attached(instance.id).map((each) => each.attachment.device),
  "block-device-mapping.status": (instance) => attached(instance.id).map((each) => statusOf(each.attachment)),
  "block-device-mapping.volume-id": (instance) => attached(instance.id).map((each) => each.volume.id),
  "ena-support": () => ["true"],
  "group-id": ({ groups }) => groups,
  "instance.group-id": ({ groups }) => groups,
  hypervisor: () => ["xen"],
  "ip-address": ({ publicIp, state, elasticIp }) =>
    publicIp === null || (state !== "running" && !elasticIp) ? [] : [publicIp],
  "key-name": ({ keyName }) => (keyName === null ? [] : [keyName]),
  "monitoring-state": () => ["disabled"],
  "product-code": ({ productCodes }) => productCodes,
  "state-reason-code": ({ stateReason }) => (stateReason === null ? [] : [stateReason.code]),
  tenancy: () => ["default"],
  "vpc-id": ({ subnetId }) => [own(world.subnets, subnetId)?.vpc ?? ""],
  "iam-instance-profile.arn": (instance) => (instance.role === null ? [] : [profileArn(instance, world)]),
  "client-token": (instance) => [instance.clientToken],
  "image-id": (instance) => [instance.imageId],
  "instance-id": (instance) => [instance.id],
  "instance-lifecycle": (instance) => (instance.lifecycle === null ? [] : [instance.lifecycle]),
  "instance-state-code": (instance) => [String(stateCodes[instance.state])],
  "instance-state-name": (instance) => [instance.state],
  "instance-type": (instance) => [instance.instanceType],
  "launch-time": (instance) => [iso(instance.launchTime)],
  "owner-id": () => [world.settings.account],
  platform: (instance) => (instance.platform === "windows" ? ["windows"] : []),
  "private-ip-address": (instance) => [instance.privateIp],
  "reservation-id": (instance) => [reservationOf(instance)],
  "root-device-name": (instance) => [instance.rootDeviceName],
  "root-device-type": (instance) => [rootDeviceType(instance)],
  "spot-instance-request-id": (instance) => (instance.lifecycle === null ? [] : [spotRequestOf(instance)]),
  "subnet-id": (instance) => [instance.subnetId],
  "virtualization-type": () => ["hvm"],
});
