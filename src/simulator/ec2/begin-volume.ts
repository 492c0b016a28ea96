import { ApiError, commonError } from "../api-error.ts";
import { type Context, faultOf } from "../context.ts";
import { newId } from "../ids.ts";
import { defaultKey, findKey } from "../kms/key.ts";
import { own } from "../own.ts";
import { reachableSnapshot } from "../visibility.ts";
import type { Snapshot, Tags, World } from "../world.ts";
import { checkId, notFound } from "./describing.ts";
import { mayNotUseKeys } from "./key-permissions.ts";
import type { Volume } from "./volume.ts";

const GIB = 1_073_741_824;
const MIB = 1_048_576;

/** Everything that decides a new volume. */
export interface VolumePlan extends Pick<Volume, "type" | "size" | "iops" | "throughput" | "zone"> {
  snapshot: Snapshot | undefined;
  encrypted: boolean;
  kmsKeyId: string | null;
  /** MiB/s, where initialization is paid for. */
  rate: number | undefined;
  tags: Tags;
  multiAttachEnabled?: boolean;
}

/** The snapshot that a volume shall begin with. @throws ApiError when it cannot be used */
export function usableSnapshot({ world, elapsed }: Context, id: string): Snapshot {
  checkId("snap", id);
  // In the Recycle Bin it is as if it did not exist.
  const snapshot = reachableSnapshot(world, id, elapsed);
  if (snapshot === undefined) throw notFound("snap", id);
  if (snapshot.state !== "completed")
    throw new ApiError("IncorrectState", `Snapshot is in invalid state - ${snapshot.state}`);
  // That an archived one cannot be used is documented ("you must restore it first"); the code is not.
  if (snapshot.storageTier === "archive")
    throw new ApiError("IncorrectState", `The snapshot '${id}' is archived and must be restored first.`);
  return snapshot;
}

/**
 * How the volume is encrypted: a volume of an encrypted snapshot always is, with that one's key unless another is named.
 * @throws ApiError when a key is named and encryption is not.
 */
export function encryptionOf(
  world: World,
  snapshot: Snapshot | undefined,
  given: { encrypted: boolean | undefined; key: string | undefined },
): Pick<VolumePlan, "encrypted" | "kmsKeyId"> {
  const { byDefault } = world.settings.ebsEncryption;
  const encrypted = byDefault || given.encrypted === true || snapshot?.encrypted === true;
  if (given.encrypted === false && snapshot?.encrypted === true)
    throw new ApiError("InvalidParameterValue", "An encrypted snapshot cannot give an unencrypted volume.");
  if (given.key !== undefined && !encrypted) {
    const message = "The parameter KmsKeyId requires the parameter Encrypted to be set.";
    throw new ApiError("InvalidParameterDependency", message);
  }
  if (!encrypted) return { encrypted, kmsKeyId: null };
  const named = given.key ?? snapshot?.kmsKeyId ?? defaultKey(world);
  return { encrypted, kmsKeyId: findKey(world.keys, named)?.arn ?? named };
}

/** Whether a key cannot be used. One that an id or an alias does not lead to cannot; ARNs that are not simulated are good. */
export function keyIsBad(world: World, kmsKeyId: string | null): boolean {
  if (kmsKeyId === null) return false;
  const key = findKey(world.keys, kmsKeyId);
  return key === undefined ? !kmsKeyId.includes(":key/") : key.state !== "Enabled";
}

/**
 * Begins a volume: it is `creating`, and has its bytes.
 * @param note told its id at once, before the bytes are copied.
 */
export async function beginVolume(
  context: Context,
  plan: VolumePlan,
  note: (ids: readonly string[]) => void = () => undefined,
): Promise<Volume> {
  const { world, bytes } = context;
  const volume = newVolume(context, plan);
  world.volumes[volume.id] = volume;
  note([volume.id]);
  const source = plan.snapshot?.file ?? null;
  if (source === null && !(plan.snapshot === undefined && bytes.keepsEmpty)) return volume;
  // A file may be smaller than the GiB that its volume is said to have; its volume's size is then left to it.
  const grown = plan.size > (plan.snapshot?.volumeSize ?? 0);
  try {
    volume.file = await bytes.create(volume.id, source, grown ? plan.size * GIB : 0);
    volume.ownsFile = true;
  } catch (error) {
    if (own(world.volumes, volume.id) === volume) delete world.volumes[volume.id];
    throw commonError("ec2", "internal", `The volume's file cannot be made: ${(error as Error).message}`);
  }
  return volume;
}

function newVolume(context: Context, plan: VolumePlan): Volume {
  const { world, now, elapsed } = context;
  const { snapshot, rate, ...rest } = plan;
  const { seed, times, keyFault } = world.settings;
  const size = snapshot?.fullSizeBytes ?? 0;
  const source = snapshot?.kmsKeyId ?? null;
  const bad =
    mayNotUseKeys(context, plan.kmsKeyId, source) ||
    keyIsBad(world, plan.kmsKeyId) ||
    keyIsBad(world, source);
  return {
    ...rest,
    id: newId("vol", seed, ++world.sequence),
    multiAttachEnabled: plan.multiAttachEnabled ?? false,
    state: "creating",
    changesAt: now + times.createVolume,
    doomed: bad || faultOf(context, "partial") ? keyFault : null,
    visibleFrom: elapsed + hiddenFor(context),
    // Unpaid loading has no promised rate; a tenth of the paid ones is an assumption.
    initialization:
      snapshot === undefined
        ? null
        : { rate: rate ?? null, from: now, until: now + (size / ((rate ?? 10) * MIB)) * 1_000 },
    attachments: [],
    snapshotId: snapshot?.id ?? "",
    createTime: now,
    operator: null,
    writtenBytes: size,
    file: null,
    ownsFile: false,
    lastSnapshotAt: null,
  };
}

/** For how long what this call makes is not seen, in milliseconds. */
export function hiddenFor(context: Context): number {
  const invisible = faultOf(context, "invisible");
  return invisible === undefined ? context.world.settings.consistency : (invisible.seconds ?? 60) * 1_000;
}

/** "100 - 300 MiB/s", and within the account's quota. The code for a quota that is used up is not documented. @throws ApiError */
export function checkRate(
  { world, now }: Context,
  rate: number | undefined,
  snapshot: Snapshot | undefined,
): void {
  if (rate === undefined) return;
  if (snapshot === undefined)
    throw new ApiError(
      "InvalidParameterCombination",
      "VolumeInitializationRate needs a snapshot to create the volume from.",
    );
  if (rate < 100 || rate > 300)
    throw new ApiError(
      "InvalidParameterValue",
      `Value (${rate}) for parameter volumeInitializationRate is invalid. Expecting a value from 100 to 300.`,
    );
  const used = Object.values(world.volumes)
    .filter(({ initialization }) => initialization !== null && initialization.until > now)
    .reduce((sum, { initialization }) => sum + (initialization?.rate ?? 0), 0);
  if (used + rate > world.settings.initializationQuota) {
    const message = "You have exceeded your quota of volume initialization rate in this Region.";
    throw new ApiError("ResourceLimitExceeded", message);
  }
}
