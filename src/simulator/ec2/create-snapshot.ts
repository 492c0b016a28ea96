import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import {
  beginSnapshots,
  checkCommon,
  memberTags,
  requestedTags,
  tagSpecificationShape,
} from "./begin-snapshots.ts";
import { checkId, notFound } from "./describing.ts";
import { operation } from "./operation.ts";
import { createdSnapshot } from "./snapshot-answer.ts";

/** A snapshot of one volume. No client token: repeating it makes a second one. */
export const createSnapshot = operation({
  name: "CreateSnapshot",
  changes: true,
  parameters: {
    VolumeId: "string",
    Description: "string",
    OutpostArn: "string",
    Location: "string",
    TagSpecification: tagSpecificationShape,
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "CreateSnapshot", rate: ec2Rates.snapshots }),
  prepare(input, context) {
    const id = input.VolumeId;
    if (id === undefined)
      throw new ApiError("MissingParameter", "The request must contain the parameter volumeId");
    checkId("vol", id);
    checkCommon(input);
    const volume = context.world.volumes[id];
    if (volume === undefined) throw notFound("vol", id);
    if (volume.state !== "ready")
      throw new ApiError("IncorrectState", `The volume '${id}' is '${volume.state}'.`);
    const tags = memberTags(volume, requestedTags(input.TagSpecification), false);
    return {
      needs: input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [],
      resource: `arn:${context.world.settings.partition}:ec2:${context.world.settings.region}:${context.world.settings.account}:volume/${id}`,
      async commit() {
        const [snapshot] = await beginSnapshots(context, [{ volume, tags }], input.Description ?? "");
        if (snapshot === undefined) throw new Error("one volume gives one snapshot");
        return createdSnapshot(snapshot, "status");
      },
    };
  },
});
