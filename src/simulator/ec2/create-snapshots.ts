import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import type { World } from "../world.ts";
import {
  beginSnapshots,
  checkCommon,
  memberTags,
  requestedTags,
  tagSpecificationShape,
} from "./begin-snapshots.ts";
import { attachedVolumes } from "./describe-instances.ts";
import { checkId, notFound } from "./describing.ts";
import type { Instance } from "./machines.ts";
import { operation } from "./operation.ts";
import { createdSnapshot } from "./snapshot-answer.ts";
import type { Volume } from "./volume.ts";

/** "Up to 128 volumes attached to an instance, including the root volume"; "up to 40 volume IDs" to exclude. */
const maximumVolumes = 128;
const maximumExcluded = 40;

/** One crash-consistent set of an instance's volumes. No client token: repeating it makes a second set. */
export const createSnapshots = operation({
  name: "CreateSnapshots",
  changes: true,
  parameters: {
    InstanceSpecification: {
      InstanceId: "string",
      ExcludeBootVolume: "boolean",
      ExcludeDataVolumeId: ["string"],
    },
    Description: "string",
    OutpostArn: "string",
    Location: "string",
    CopyTagsFromSource: "string",
    TagSpecification: tagSpecificationShape,
    DryRun: "boolean",
  },
  rate: () => ({ bucket: "CreateSnapshots", rate: ec2Rates.snapshots }),
  prepare(input, context) {
    const { world } = context;
    const specification = input.InstanceSpecification;
    if (specification?.InstanceId === undefined) {
      throw new ApiError(
        "MissingParameter",
        "The request must contain the parameter InstanceSpecification.InstanceId",
      );
    }
    checkCommon(input);
    if (input.CopyTagsFromSource !== undefined && input.CopyTagsFromSource !== "volume") {
      throw new ApiError(
        "InvalidParameterValue",
        `Value (${input.CopyTagsFromSource}) for parameter copyTagsFromSource is invalid.`,
      );
    }
    const instance = findInstance(world, specification.InstanceId);
    const excluded = {
      boot: specification.ExcludeBootVolume ?? false,
      data: specification.ExcludeDataVolumeId,
    };
    const volumes = chooseVolumes(world, instance, excluded);
    const requested = requestedTags(input.TagSpecification);
    const copied = input.CopyTagsFromSource === "volume";
    const members = volumes.map((volume) => ({ volume, tags: memberTags(volume, requested, copied) }));
    return {
      needs: input.TagSpecification.length > 0 || copied ? ["ec2:CreateTags"] : [],
      resource: `arn:${world.settings.partition}:ec2:${world.settings.region}:${world.settings.account}:instance/${instance.id}`,
      async commit() {
        const snapshots = await beginSnapshots(context, members, input.Description ?? "");
        return { snapshotSet: snapshots.map((snapshot) => createdSnapshot(snapshot, "state")) };
      },
    };
  },
});

function findInstance(world: World, id: string): Instance {
  checkId("i", id);
  const instance = world.instances[id];
  if (instance === undefined) throw notFound("i", id);
  // The allowed states are not documented; a terminated instance has no volumes to take.
  if (instance.state === "terminated" || instance.state === "shutting-down") {
    throw new ApiError(
      "IncorrectInstanceState",
      `The instance '${id}' is not in a state from which snapshots can be created.`,
    );
  }
  return instance;
}

// The codes of these refusals are not documented; that the call fails is.
function chooseVolumes(
  world: World,
  instance: Instance,
  excluded: { boot: boolean; data: readonly string[] },
): Volume[] {
  const refuse = (message: string) => new ApiError("InvalidParameterValue", message);
  if (excluded.data.length > maximumExcluded)
    throw refuse(`You can exclude at most ${maximumExcluded} volumes.`);
  const attached = attachedVolumes(world, instance.id);
  const root = attached.find(({ attachment }) => attachment.device === instance.rootDeviceName)?.volume.id;
  for (const id of excluded.data) {
    checkId("vol", id);
    if (id === root)
      throw refuse(`The root volume ${id} cannot be excluded as a data volume; use ExcludeBootVolume.`);
    if (!attached.some(({ volume }) => volume.id === id))
      throw refuse(`The volume ${id} is not attached to ${instance.id}.`);
  }
  const chosen = attached
    .map(({ volume }) => volume)
    .filter((volume) => !(excluded.boot && volume.id === root) && !excluded.data.includes(volume.id));
  if (chosen.length === 0) throw refuse(`No volume of ${instance.id} is left to take a snapshot of.`);
  if (chosen.length > maximumVolumes)
    throw refuse(`A snapshot set can have at most ${maximumVolumes} volumes.`);
  return chosen;
}
