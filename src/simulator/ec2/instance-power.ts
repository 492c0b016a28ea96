import { ApiError } from "../api-error.ts";
import { ec2Rates, type Rate } from "../buckets.ts";
import { type Context, faultOf } from "../context.ts";
import { keyIsBad } from "./begin-volume.ts";
import { attachedVolumes, stateOf } from "./describe-instances.ts";
import type { Instance } from "./machines.ts";
import { operation } from "./operation.ts";
import { arnOf, reachInstance } from "./reach.ts";
import type { Volume } from "./volume.ts";

const shared = { InstanceId: ["string"], DryRun: "boolean" } as const;
const optional = { Force: "boolean", Hibernate: "boolean", SkipOsShutdown: "boolean" } as const;

/** What a key that cannot be used does to an instance that starts (EC2 user guide, instances that terminate immediately). */
const keyReason = {
  code: "Client.InvalidKMSKey.InvalidState",
  message: "Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state",
};
/** What a start that fails for no better reason tells. */
const plainReason = {
  code: "Client.InternalError",
  message: "Client.InternalError: Client error on launch",
};

/** Stops running instances. */
export const stopInstances = operation({
  name: "StopInstances",
  changes: true,
  parameters: { ...shared, ...optional },
  rate: mutating("StopInstances", ec2Rates.mutating),
  prepare: (input, context) =>
    changing(input.InstanceId, context, (instance) => {
      if (instance.state === "stopped" || instance.state === "stopping") return undefined;
      if (instance.state !== "running") throw wrongState(instance, "stopped");
      refuseUnstoppable(instance);
      return () => {
        instance.state = "stopping";
        instance.stoppedAt = context.now;
        instance.stateReason = userReason("shutdown");
        instance.changesAt = context.now + context.world.settings.times.stop;
      };
    }),
});

function refuseUnstoppable(instance: Instance): void {
  const { id, lifecycle, persistentSpot, rootInstanceStore, disableApiStop } = instance;
  if (disableApiStop) {
    const message = `The instance '${id}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.`;
    throw new ApiError("OperationNotPermitted", message);
  }
  if (rootInstanceStore) {
    const message = `The instance '${id}' does not have an 'ebs' root device type and cannot be stopped`;
    throw new ApiError("UnsupportedOperation", message);
  }
  if (lifecycle === "spot" && !persistentSpot) {
    const message = `You can't stop the Spot Instance '${id}' because it is associated with a one-time Spot Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.`;
    throw new ApiError("UnsupportedOperation", message);
  }
}

/** Starts stopped instances; one without a root volume cannot start. */
export const startInstances = operation({
  name: "StartInstances",
  changes: true,
  parameters: { ...shared, AdditionalInfo: "string" },
  rate: mutating("StartInstances", ec2Rates.launches),
  prepare: (input, context) =>
    changing(input.InstanceId, context, (instance) => {
      if (instance.state === "running" || instance.state === "pending") return undefined;
      if (instance.state !== "stopped") throw wrongState(instance, "started");
      const volumes = attachedVolumes(context.world, instance.id);
      if (!volumes.some(({ attachment }) => attachment.device === instance.rootDeviceName)) {
        const why = `Instance does not have a volume attached at root (${instance.rootDeviceName})`;
        throw new ApiError("InvalidParameterValue", `Invalid value '${instance.id}' for instanceId. ${why}`);
      }
      return () => begin(context, instance, volumes);
    }),
});

/** Lets an instance come up. */
export function begin(context: Context, instance: Instance, volumes: readonly { volume: Volume }[]): void {
  const { world, now } = context;
  const bad = volumes.some(({ volume }) => volume.doomed !== null || keyIsBad(world, volume.kmsKeyId));
  instance.state = "pending";
  instance.stateReason = null;
  instance.launchTime = now;
  instance.changesAt = now + world.settings.times.start;
  instance.startFails = bad ? keyReason : faultOf(context, "partial") ? plainReason : null;
}

/** Reboots running instances: the state stays as it is. */
export const rebootInstances = operation({
  name: "RebootInstances",
  changes: true,
  parameters: shared,
  rate: mutating("RebootInstances", ec2Rates.mutating),
  prepare(input, context) {
    const { commit, ...rest } = changing(input.InstanceId, context, (instance) => {
      if (instance.state !== "running") throw wrongState(instance, "rebooted");
      return () => {
        instance.rebootsAt = context.now + context.world.settings.times.reboot;
      };
    });
    return {
      ...rest,
      commit() {
        commit();
        return { return: true };
      },
    };
  },
});

/** Terminates instances; volumes go with them or stay, as their attachments say. */
export const terminateInstances = operation({
  name: "TerminateInstances",
  changes: true,
  parameters: { ...shared, Force: "boolean", SkipOsShutdown: "boolean" },
  rate: mutating("TerminateInstances", ec2Rates.snapshots),
  prepare: (input, context) =>
    changing(input.InstanceId, context, (instance) => {
      if (instance.state === "terminated" || instance.state === "shutting-down") return undefined;
      if (instance.disableApiTermination) {
        const message = `The instance '${instance.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`;
        throw new ApiError("OperationNotPermitted", message);
      }
      return () => {
        instance.state = "shutting-down";
        instance.stateReason = userReason("shutdown");
        instance.rebootsAt = null;
        instance.changesAt = context.now + context.world.settings.times.terminate;
      };
    }),
});

function mutating(bucket: string, rate: Rate): () => { bucket: string; rate: Rate } {
  return () => ({ bucket, rate });
}

const userReason = (what: string) => ({
  code: `Client.UserInitiatedShutdown`,
  message: `Client.UserInitiatedShutdown: User initiated ${what}`,
});

const wrongState = (instance: Instance, verb: string) =>
  new ApiError(
    "IncorrectInstanceState",
    `The instance '${instance.id}' is not in a state from which it can be ${verb}.`,
  );

/** All of the instances or none: `decide` gives the change of each, undefined where it is so already, or refuses. */
function changing(
  ids: readonly string[],
  context: Context,
  decide: (instance: Instance) => (() => void) | undefined,
) {
  if (ids.length === 0)
    throw new ApiError("MissingParameter", "The request must contain the parameter InstanceId");
  const instances = ids.map((id) => reachInstance(context, id));
  const changes = instances.map(decide);
  return {
    resource: arnOf(context, `instance/${instances[0]?.id}`),
    commit() {
      const previous = instances.map(stateOf);
      for (const change of changes) change?.();
      const instancesSet = instances.map((instance, index) => ({
        instanceId: instance.id,
        currentState: stateOf(instance),
        ...(previous[index] === undefined ? {} : { previousState: previous[index] }),
      }));
      return { instancesSet };
    },
  };
}
