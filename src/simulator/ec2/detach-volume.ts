import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import { answerOf } from "./attach-volume.ts";
import { checkId } from "./describing.ts";
import { operation } from "./operation.ts";
import { arnOf, reachVolume } from "./reach.ts";
import { type Attachment, type Volume, volumeState } from "./volume.ts";

/** Detaches a volume, once the guest no longer holds its device, or by force. */
export const detachVolume = operation({
  name: "DetachVolume",
  changes: true,
  parameters: {
    VolumeId: "string",
    InstanceId: "string",
    Device: "string",
    Force: "boolean",
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "DetachVolume", rate: ec2Rates.snapshots }),
  prepare(input, context) {
    const { world, now } = context;
    const volume = reachVolume(context, input.VolumeId);
    const attachment = attachmentOf(volume, input.InstanceId, input.Device);
    const force = input.Force === true;
    refuseRoot(context, volume, attachment);
    if (attachment.state !== "attached" && !force)
      throw new ApiError(
        "IncorrectState",
        `Volume '${volume.id}' is in the '${attachment.state === "busy" ? "detaching" : attachment.state}' state.`,
      );
    return {
      resource: arnOf(context, `volume/${volume.id}`),
      commit() {
        const stuck = faultOf(context, "partial") !== undefined;
        attachment.state = stuck ? "busy" : "detaching";
        attachment.changesAt = stuck ? null : now + world.settings.times.detach;
        attachment.forced = force;
        return { ...answerOf(volume, attachment), status: "detaching" };
      },
    };
  },
});

function attachmentOf(volume: Volume, instance: string | undefined, device: string | undefined): Attachment {
  if (instance !== undefined) checkId("i", instance);
  const [first, second] = volume.attachments;
  if (first === undefined)
    throw new ApiError("IncorrectState", `Volume '${volume.id}' is in the '${volumeState(volume)}' state.`);
  if (second !== undefined && instance === undefined)
    throw new ApiError("MissingParameter", "The request must contain the parameter instanceId");
  const found = volume.attachments.find(
    (each) =>
      (instance === undefined || each.instance === instance) &&
      (device === undefined || each.device === device),
  );
  if (found !== undefined) return found;
  const where = [instance, device].filter((each) => each !== undefined).join(" at ");
  throw new ApiError("InvalidAttachment.NotFound", `Volume '${volume.id}' is not attached to ${where}`);
}

function refuseRoot({ world }: Context, volume: Volume, attachment: Attachment): void {
  const instance = world.instances[attachment.instance];
  if (instance === undefined || instance.rootDeviceName !== attachment.device) return;
  if (instance.state === "stopped" || instance.state === "terminated") return;
  throw new ApiError(
    "OperationNotPermitted",
    `Unable to detach root volume '${volume.id}' from instance '${instance.id}'`,
  );
}
