import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";
import type { Decoded } from "../shapes.ts";
import type { Snapshot } from "../world.ts";
import { encryptionOf, usableSnapshot } from "./begin-volume.ts";
import type { ImageDevice } from "./machines.ts";
import { shapeOf } from "./volume-rules.ts";

/** The parameter in which devices come. */
export const blockDeviceShape = [
  {
    DeviceName: "string",
    VirtualName: "string",
    NoDevice: "string",
    Ebs: {
      DeleteOnTermination: "boolean",
      Encrypted: "boolean",
      Iops: "integer",
      KmsKeyId: "string",
      SnapshotId: "string",
      Throughput: "integer",
      VolumeInitializationRate: "integer",
      VolumeSize: "integer",
      VolumeType: "string",
    },
  },
] as const;

/** A device as an image or an instance will have it. */
export interface Device extends ImageDevice {
  name: string;
  snapshot: Snapshot | undefined;
  /** MiB/s, where initialization is paid for. */
  rate: number | undefined;
}

type Given = Decoded<typeof blockDeviceShape>[number];

/**
 * The devices of an image with what a call says of them: by device name, what is not said is the image's.
 * @param bare what a device is that no image knows: its type, and whether it goes with its instance.
 * @throws ApiError
 */
export function devicesOf(
  context: Context,
  image: { snapshots: Readonly<Record<string, string>>; devices: Readonly<Record<string, ImageDevice>> },
  given: readonly Given[],
  bare: { type: string; deleteOnTermination: boolean },
): Device[] {
  const devices = new Map<string, Device>();
  for (const [name, device] of Object.entries(image.devices)) {
    const id = image.snapshots[name];
    const snapshot = id === undefined ? undefined : usableSnapshot(context, id);
    devices.set(name, { ...device, name, snapshot, rate: undefined });
  }
  for (const one of given) {
    const name = one.DeviceName;
    if (name === undefined)
      throw new ApiError("MissingParameter", "The request must contain the parameter deviceName");
    if (one.NoDevice !== undefined) devices.delete(name);
    else if (one.Ebs !== undefined)
      devices.set(name, deviceOf(context, name, one.Ebs, devices.get(name), bare));
  }
  return [...devices.values()];
}

function deviceOf(
  context: Context,
  name: string,
  ebs: NonNullable<Given["Ebs"]>,
  former: Device | undefined,
  bare: { type: string; deleteOnTermination: boolean },
): Device {
  const snapshot = ebs.SnapshotId === undefined ? former?.snapshot : usableSnapshot(context, ebs.SnapshotId);
  const type = ebs.VolumeType ?? former?.type ?? bare.type;
  // IOPS and throughput of another type mean nothing.
  const same = type === former?.type ? former : undefined;
  const shape = shapeOf({
    type,
    size: ebs.VolumeSize ?? former?.size,
    iops: ebs.Iops ?? same?.iops ?? undefined,
    throughput: ebs.Throughput ?? same?.throughput ?? undefined,
    atLeast: snapshot?.volumeSize,
  });
  const key = ebs.KmsKeyId ?? former?.kmsKeyId ?? undefined;
  const encrypted = ebs.Encrypted ?? (former?.encrypted || undefined);
  return {
    ...shape,
    ...encryptionOf(context.world, snapshot, { encrypted, key }),
    name,
    snapshot,
    rate: ebs.VolumeInitializationRate,
    deleteOnTermination: ebs.DeleteOnTermination ?? former?.deleteOnTermination ?? bare.deleteOnTermination,
  };
}
