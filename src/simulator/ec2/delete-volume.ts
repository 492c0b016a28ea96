import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { notFound } from "./describing.ts";
import { operation } from "./operation.ts";
import { arnOf, reachVolume } from "./reach.ts";

/** Deletes a volume that nothing is attached to. */
export const deleteVolume = operation({
  name: "DeleteVolume",
  changes: true,
  parameters: { VolumeId: "string", DryRun: "boolean" },
  rate: () => ({ bucket: "DeleteVolume", rate: ec2Rates.snapshots }),
  prepare(input, context) {
    const { world, now } = context;
    const volume = reachVolume(context, input.VolumeId);
    const [attachment] = volume.attachments;
    if (attachment !== undefined) {
      const message = `Volume ${volume.id} is currently attached to ${attachment.instance}`;
      throw new ApiError("VolumeInUse", message);
    }
    // Of the states of no attachment: a second deletion finds nothing, and what is being made cannot go yet.
    if (volume.state === "deleting") throw notFound("vol", volume.id);
    if (volume.state === "creating")
      throw new ApiError("IncorrectState", `The volume '${volume.id}' is 'creating'.`);
    return {
      resource: arnOf(context, `volume/${volume.id}`),
      commit() {
        volume.state = "deleting";
        volume.changesAt = now + world.settings.times.deleteVolume;
        return { return: true };
      },
    };
  },
});
