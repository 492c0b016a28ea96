import { ApiError } from "../api-error.ts";
import { ec2Rates } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import { newId } from "../ids.ts";
import { own } from "../own.ts";
import type { Decoded } from "../shapes.ts";
import { tagSet } from "../tags.ts";
import type { Snapshot } from "../world.ts";
import { requireAvailable } from "./attach-volume.ts";
import { tagSpecificationShape } from "./begin-snapshots.ts";
import { beginVolume, checkRate, encryptionOf, hiddenFor, usableSnapshot } from "./begin-volume.ts";
import { repetitionOf } from "./client-tokens.ts";
import { attachedVolumes } from "./describe-instances.ts";
import { usableImage } from "./image-use.ts";
import type { Instance, RootTask } from "./machines.ts";
import { operation } from "./operation.ts";
import { arnOf, reachInstance, reachVolume } from "./reach.ts";
import { tagsByKind } from "./tag-specifications.ts";
import type { Volume } from "./volume.ts";

const parameters = {
  InstanceId: "string",
  SnapshotId: "string",
  ClientToken: "string",
  DryRun: "boolean",
  TagSpecification: tagSpecificationShape,
  ImageId: "string",
  VolumeId: "string",
  DeleteReplacedRootVolume: "boolean",
  VolumeInitializationRate: "integer",
} as const;

type Input = Decoded<typeof parameters>;

/** Replaces the root volume of a running instance, which is rebooted with it. */
export const createReplaceRootVolumeTask = operation({
  name: "CreateReplaceRootVolumeTask",
  changes: true,
  parameters,
  rate: () => ({ bucket: "CreateReplaceRootVolumeTask", rate: ec2Rates.mutating }),
  prepare(input, context) {
    const { world } = context;
    const repetition = repetitionOf("CreateReplaceRootVolumeTask", input, context);
    const needs = input.TagSpecification.length > 0 ? ["ec2:CreateTags"] : [];
    const earlier = own(world.rootTasks, repetition.earlier?.[0] ?? "");
    if (earlier !== undefined)
      return { needs, commit: () => ({ replaceRootVolumeTask: describedTask(earlier) }) };
    const instance = reachInstance(context, input.InstanceId);
    const former = checkInstance(context, instance);
    const source = sourceOf(context, input, instance, former);
    checkRate(context, input.VolumeInitializationRate, source.snapshot);
    const tags = tagsByKind(input.TagSpecification, ["replace-root-volume-task"]);
    return {
      needs,
      resource: arnOf(context, `instance/${instance.id}`),
      async commit() {
        const task = newTask(context, input, instance);
        task.tags = tags["replace-root-volume-task"];
        world.rootTasks[task.id] = task;
        repetition.keep([task.id]);
        try {
          const volume = source.volume ?? (await incoming(context, input, former, source.snapshot));
          task.volume = volume.id;
          // A fault of the call is the task's; its volume is well.
          if (faultOf(context, "partial")) volume.doomed = null;
          else if (volume.doomed !== null) task.outcome = "failed";
        } catch (error) {
          delete world.rootTasks[task.id];
          repetition.forget();
          throw error;
        }
        return { replaceRootVolumeTask: describedTask(task) };
      },
    };
  },
});

/** @returns its root volume. */
function checkInstance({ world }: Context, instance: Instance): Volume {
  // "The instance must be in the running state"; the codes of these refusals are not documented.
  if (instance.state !== "running") {
    const message = `The instance '${instance.id}' is not in the 'running' state.`;
    throw new ApiError("IncorrectInstanceState", message);
  }
  const root = attachedVolumes(world, instance.id).find(
    ({ attachment }) => attachment.device === instance.rootDeviceName,
  );
  if (root === undefined) throw new ApiError("IncorrectState", `'${instance.id}' has no root volume.`);
  const busy = Object.values(world.rootTasks).some(
    (task) => task.instance === instance.id && task.completeTime === null,
  );
  if (busy)
    throw new ApiError("IncorrectState", `A root volume replacement of '${instance.id}' is under way.`);
  return root.volume;
}

function sourceOf(
  context: Context,
  input: Input,
  instance: Instance,
  former: Volume,
): { snapshot?: Snapshot; volume?: Volume } {
  const given = [input.SnapshotId, input.ImageId, input.VolumeId].filter((each) => each !== undefined);
  if (given.length > 1) {
    const message = "Only one of SnapshotId, ImageId and VolumeId can be specified.";
    throw new ApiError("InvalidParameterCombination", message);
  }
  if (input.VolumeId !== undefined) {
    const volume = reachVolume(context, input.VolumeId);
    requireAvailable(volume);
    if (volume.zone !== instance.zone) {
      const message = `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`;
      throw new ApiError("InvalidVolume.ZoneMismatch", message);
    }
    return { volume };
  }
  if (input.ImageId !== undefined) {
    const image = usableImage(context, input.ImageId);
    if (
      image.architecture !== instance.architecture ||
      !sameCodes(image.productCodes, instance.productCodes)
    ) {
      const message = `The image '${image.id}' has not the product codes and architecture of '${instance.id}'.`;
      throw new ApiError("InvalidParameterValue", message);
    }
    return { snapshot: usableSnapshot(context, image.snapshots[image.rootDeviceName] ?? "") };
  }
  // Without a source it goes back to how it was launched.
  const snapshot = usableSnapshot(context, input.SnapshotId ?? former.snapshotId);
  // "created directly from the instance's current or previous root volumes"; a copy has an arbitrary volume id.
  const direct = instance.rootVolumes.includes(snapshot.volumeId);
  if (input.SnapshotId !== undefined && !direct) {
    const message = `The snapshot '${snapshot.id}' was not created from a root volume of the instance '${instance.id}'.`;
    throw new ApiError("InvalidParameterValue", message);
  }
  return { snapshot };
}

const sameCodes = (one: readonly string[], other: readonly string[]) =>
  JSON.stringify([...one].sort()) === JSON.stringify([...other].sort());

// The new one is as the old one was: type, size, IOPS, throughput and key.
function incoming(
  context: Context,
  input: Input,
  former: Volume,
  snapshot: Snapshot | undefined,
): Promise<Volume> {
  const { type, iops, throughput, zone } = former;
  const size = Math.max(former.size, snapshot?.volumeSize ?? 0);
  const encryption = former.encrypted
    ? { encrypted: true, kmsKeyId: former.kmsKeyId }
    : encryptionOf(context.world, snapshot, { encrypted: undefined, key: undefined });
  const rate = input.VolumeInitializationRate;
  return beginVolume(context, {
    type,
    size,
    iops,
    throughput,
    zone,
    ...encryption,
    snapshot,
    rate,
    tags: {},
  });
}

function newTask(context: Context, input: Input, instance: Instance): RootTask {
  const { world, now, elapsed } = context;
  const fault = faultOf(context, "partial");
  const took = world.settings.times.replaceRoot;
  return {
    id: newId("replacevol", world.settings.seed, ++world.sequence),
    instance: instance.id,
    state: "pending",
    startTime: now,
    worksFrom: now + took / 4,
    endsAt: now + took,
    completeTime: null,
    snapshotId: input.SnapshotId ?? null,
    imageId: input.ImageId ?? null,
    volume: "",
    made: input.VolumeId === undefined,
    deleteReplaced: input.DeleteReplacedRootVolume === true,
    outcome:
      fault === undefined ? "succeeded" : fault.code === "failed-detached" ? "failed-detached" : "failed",
    tags: {},
    visibleFrom: elapsed + hiddenFor(context),
  };
}

/** A task as EC2 answers it. */
export function describedTask(task: RootTask) {
  return {
    replaceRootVolumeTaskId: task.id,
    instanceId: task.instance,
    taskState: task.state,
    startTime: new Date(task.startTime).toISOString(),
    ...(task.completeTime === null ? {} : { completeTime: new Date(task.completeTime).toISOString() }),
    ...(task.snapshotId === null ? {} : { snapshotId: task.snapshotId }),
    ...(task.imageId === null ? {} : { imageId: task.imageId }),
    deleteReplacedRootVolume: task.deleteReplaced,
    tagSet: tagSet(task.tags),
  };
}
