import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import { keyIsBad } from "./begin-volume.ts";
import { attachedVolumes } from "./describe-instances.ts";
import type { Instance } from "./machines.ts";
import { operation } from "./operation.ts";
import { arnOf, reachInstance, reachVolume } from "./reach.ts";
import { type Attachment, attached, type Volume, volumeState } from "./volume.ts";

/** Instances that a volume with Multi-Attach may have ("up to 16"). */
const maximumInstances = 16;

// EC2 user guide, device names: /dev/sd[a-z], with a number for the root of PV images, and the xvd names.
const deviceName = /^(\/dev\/)?(sd[a-z]([1-9]|1[0-5])?|sd[b-d][a-z]|xvd[a-z]|xvd[b-d][a-z])$/;

/** Attaches a volume to a running or stopped instance of its zone. */
export const attachVolume = operation({
  name: "AttachVolume",
  changes: true,
  parameters: {
    VolumeId: "string",
    InstanceId: "string",
    Device: "string",
    EbsCardIndex: "integer",
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "AttachVolume", rate: ec2Rates.snapshots }),
  prepare(input, context) {
    const { world, now } = context;
    const volume = reachVolume(context, input.VolumeId);
    const instance = reachInstance(context, input.InstanceId);
    if (input.Device === undefined)
      throw new ApiError("MissingParameter", "The request must contain the parameter device");
    const device = input.Device;
    refuse(context, volume, instance, device);
    return {
      resource: arnOf(context, `volume/${volume.id}`),
      commit() {
        const attachment: Attachment = {
          ...attached({ instance: instance.id, device, attachTime: now }),
          state: "attaching",
          // Some never get any further.
          changesAt: faultOf(context, "partial") ? null : now + world.settings.times.attach,
          fails: keyIsBad(world, volume.kmsKeyId),
        };
        volume.attachments.push(attachment);
        if (device === instance.rootDeviceName && !instance.rootVolumes.includes(volume.id))
          instance.rootVolumes.push(volume.id);
        return answerOf(volume, attachment);
      },
    };
  },
});

/** An attachment as AttachVolume and DetachVolume answer it. */
export function answerOf(volume: Volume, attachment: Attachment) {
  return {
    volumeId: volume.id,
    instanceId: attachment.instance,
    device: attachment.device,
    status: attachment.state === "busy" ? "detaching" : attachment.state,
    attachTime: new Date(attachment.attachTime),
    deleteOnTermination: attachment.deleteOnTermination,
  };
}

const bare = (device: string) => device.replace(/^\/dev\//, "");

// Codes from EC2's list of errors, sentences as users report them.
function refuse({ world }: Context, volume: Volume, instance: Instance, device: string): void {
  const invalid = (message: string) => new ApiError("InvalidParameterValue", message);
  if (!deviceName.test(device))
    throw invalid(
      `Value (${device}) for parameter device is invalid. ${device} is not a valid EBS device name.`,
    );
  if (instance.state !== "running" && instance.state !== "stopped")
    throw new ApiError("IncorrectState", `Instance '${instance.id}' is not 'running'.`);
  const shared = volume.multiAttachEnabled && volume.attachments.length < maximumInstances;
  const mine = volume.attachments.some((each) => each.instance === instance.id);
  if (volume.attachments.length > 0 && (!shared || mine))
    throw new ApiError("VolumeInUse", `${volume.id} is already attached to an instance`);
  if (volume.state !== "ready") throw new ApiError("IncorrectState", `${volume.id} is not 'available'.`);
  if (volume.zone !== instance.zone) {
    const message = `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`;
    throw new ApiError("InvalidVolume.ZoneMismatch", message);
  }
  const there = attachedVolumes(world, instance.id);
  if (there.some(({ attachment }) => bare(attachment.device) === bare(device)))
    throw invalid(`Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`);
  if (there.length >= world.settings.attachmentLimit)
    throw new ApiError("AttachmentLimitExceeded", `Volume count exceeds the limit of '${instance.id}'.`);
}

/** @throws ApiError VolumeInUse when it is attached, IncorrectState when it is not available. */
export function requireAvailable(volume: Volume): void {
  if (volumeState(volume) === "in-use")
    throw new ApiError("VolumeInUse", `${volume.id} is already attached to an instance`);
  if (volume.state !== "ready") throw new ApiError("IncorrectState", `${volume.id} is not 'available'.`);
}
