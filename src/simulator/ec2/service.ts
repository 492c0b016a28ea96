import { authorize, authorizeByPolicies } from "../access.ts";
import { ApiError, commonError } from "../api-error.ts";
import { takeToken } from "../buckets.ts";
import type { Context } from "../context.ts";
import { decodeQuery } from "../query-protocol.ts";
import type { DecodeFailure } from "../shapes.ts";
import type { XmlValue } from "../xml.ts";
import { attachVolume } from "./attach-volume.ts";
import { getConsoleOutput } from "./console-output.ts";
import { copySnapshot } from "./copy-snapshot.ts";
import { createImage } from "./create-image.ts";
import { createSnapshot } from "./create-snapshot.ts";
import { createSnapshots } from "./create-snapshots.ts";
import { createTags } from "./create-tags.ts";
import { createVolume } from "./create-volume.ts";
import { deleteSnapshot } from "./delete-snapshot.ts";
import { deleteTags } from "./delete-tags.ts";
import { deleteVolume } from "./delete-volume.ts";
import { describeImageAttribute } from "./describe-image-attribute.ts";
import { describeImages } from "./describe-images.ts";
import { describeInstanceStatus } from "./describe-instance-status.ts";
import { describeInstanceTypes } from "./describe-instance-types.ts";
import { describeInstances } from "./describe-instances.ts";
import { describeLockedSnapshots } from "./describe-locked-snapshots.ts";
import {
  describeAvailabilityZones,
  describeInstanceTypeOfferings,
  describeSecurityGroups,
  describeSubnets,
} from "./describe-places.ts";
import { describeRegions } from "./describe-regions.ts";
import { describeReplaceRootVolumeTasks } from "./describe-replace-root.ts";
import { describeSnapshots } from "./describe-snapshots.ts";
import { describeTags } from "./describe-tags.ts";
import { describeVolumeStatus } from "./describe-volume-status.ts";
import { describeVolumes } from "./describe-volumes.ts";
import { detachVolume } from "./detach-volume.ts";
import {
  disableEbsEncryptionByDefault,
  enableEbsEncryptionByDefault,
  getEbsDefaultKmsKeyId,
  getEbsEncryptionByDefault,
  modifyEbsDefaultKmsKeyId,
} from "./ebs-encryption.ts";
import { describeInstanceAttribute, modifyInstanceAttribute } from "./instance-attributes.ts";
import { rebootInstances, startInstances, stopInstances, terminateInstances } from "./instance-power.ts";
import { deleteKeyPair, describeKeyPairs, importKeyPair } from "./key-pairs.ts";
import { lockSnapshot, unlockSnapshot } from "./lock-snapshot.ts";
import type { AnyOperation, Prepared } from "./operation.ts";
import { permissionsOf } from "./permissions.ts";
import { listSnapshotsInRecycleBin, restoreSnapshotFromRecycleBin } from "./recycle-bin.ts";
import { deregisterImage, registerImage } from "./register-image.ts";
import { createReplaceRootVolumeTask } from "./replace-root.ts";
import { runInstances } from "./run-instances.ts";
import {
  authorizeSecurityGroupIngress,
  createSecurityGroup,
  deleteSecurityGroup,
} from "./security-groups.ts";
import { modifySnapshotAttribute } from "./share-snapshot.ts";
import { describeSnapshotTierStatus, restoreSnapshotTier } from "./snapshot-tiers.ts";

const operations: ReadonlyMap<string, AnyOperation> = new Map(
  [
    attachVolume,
    authorizeSecurityGroupIngress,
    copySnapshot,
    createImage,
    createReplaceRootVolumeTask,
    createSecurityGroup,
    createSnapshot,
    createSnapshots,
    createTags,
    createVolume,
    deleteKeyPair,
    deleteSecurityGroup,
    deleteSnapshot,
    deleteTags,
    deleteVolume,
    deregisterImage,
    describeAvailabilityZones,
    describeImageAttribute,
    describeImages,
    describeInstanceAttribute,
    describeInstanceStatus,
    describeInstanceTypeOfferings,
    describeInstanceTypes,
    describeInstances,
    describeKeyPairs,
    describeLockedSnapshots,
    describeRegions,
    describeReplaceRootVolumeTasks,
    describeSnapshotTierStatus,
    describeSecurityGroups,
    describeSnapshots,
    describeSubnets,
    describeTags,
    describeVolumeStatus,
    describeVolumes,
    detachVolume,
    disableEbsEncryptionByDefault,
    enableEbsEncryptionByDefault,
    getConsoleOutput,
    getEbsDefaultKmsKeyId,
    getEbsEncryptionByDefault,
    importKeyPair,
    listSnapshotsInRecycleBin,
    lockSnapshot,
    modifyEbsDefaultKmsKeyId,
    modifyInstanceAttribute,
    modifySnapshotAttribute,
    rebootInstances,
    registerImage,
    restoreSnapshotFromRecycleBin,
    restoreSnapshotTier,
    runInstances,
    startInstances,
    stopInstances,
    terminateInstances,
    unlockSnapshot,
  ].map((each) => [each.name, each as AnyOperation]),
);

/** The API version that is simulated. */
export const ec2Version = "2016-11-15";

/** What a decoded request to EC2 will do. */
export interface Ec2Request {
  /** Decoded, for the record. */
  parameters: unknown;
  changes: boolean;
  untimed: boolean;
  /** Pays, checks and carries it out. @throws ApiError */
  execute(context: Context): Promise<XmlValue>;
}

/**
 * Decodes a request.
 * @throws ApiError InvalidAction, UnknownParameter, InvalidParameterValue and the like.
 */
export function readEc2Request(action: string, form: URLSearchParams): Ec2Request {
  if (action === "") throw new ApiError("MissingAction", "The request must contain the parameter Action");
  const operation = operations.get(action);
  const version = form.get("Version");
  if (operation === undefined || version !== ec2Version) {
    const message = `The action ${action} is not valid for this web service.`;
    throw new ApiError("InvalidAction", message);
  }
  const input = decodeQuery(operation.parameters, form, "ec2", failure) as never;
  const dryRun = (input as { DryRun?: boolean }).DryRun === true;
  return {
    parameters: input,
    changes: operation.changes,
    untimed: operation.untimed === true,
    async execute(context) {
      const { world, elapsed } = context;
      const { bucket, rate } = operation.rate(input);
      // A dry run is charged like the real call.
      if (world.settings.limits && !takeToken(world.buckets, bucket, rate, elapsed))
        throw commonError("ec2", "throttled");
      const prepared = prepareAllowed(operation, input, context);
      if (dryRun)
        throw new ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
      return await prepared.commit();
    },
  };
}

// Who may not call an action learns nothing from it, not even that an id does not exist.
function prepareAllowed(operation: AnyOperation, input: never, context: Context): Prepared {
  const allow = (needs: readonly string[], resource: string) =>
    authorize(context.world, "ec2", context.principal, [`ec2:${operation.name}`, ...needs], resource);
  const permit = () => authorizeByPolicies(context, "ec2", permissionsOf(operation.name, input, context));
  let prepared: Prepared;
  try {
    prepared = operation.prepare(input, context);
  } catch (error) {
    allow([], "*");
    permit();
    throw error;
  }
  allow(prepared.needs ?? [], prepared.resource ?? "*");
  permit();
  return prepared;
}

const failure: DecodeFailure = (fault, path) => {
  if (fault.kind === "unknown")
    return new ApiError("UnknownParameter", `The parameter ${path} is not recognized`);
  return new ApiError(
    "InvalidParameterValue",
    `Value (${fault.found}) for parameter ${path} is invalid. Expected ${fault.expected}.`,
  );
};
