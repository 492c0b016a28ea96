import type { Tags } from "./instance.ts";
import type { MetadataOptions } from "./machine-recipe.ts";

/** A volume that an instance or an image is to have, made of a snapshot. */
export interface DeviceOrder {
  readonly device: string;
  /** Empty: that of the image. */
  readonly snapshot: string;
  readonly type: string;
  readonly sizeGiB: number;
  readonly iops?: number;
  /** MiB a second; gp3 only. */
  readonly throughput?: number;
  readonly deleteOnTermination: boolean;
}

/** An image of a root snapshot. What is left out here RegisterImage fills in with i386, paravirtual and no ENA. */
export interface NewImage {
  /** Of its own in the account and region: EC2 refuses a second one of the name. */
  readonly name: string;
  readonly architecture: string;
  /** Absent: what the type has by itself. */
  readonly bootMode?: string;
  readonly sriov?: string;
  readonly tpm?: string;
  readonly root: DeviceOrder;
  readonly tags: Tags;
}

/** An instance that is to be made. */
export interface NewMachine {
  readonly image: string;
  readonly type: string;
  readonly subnet: string;
  readonly groups: readonly string[];
  /** ARN or name. */
  readonly profile?: string;
  readonly keyName?: string;
  readonly ebsOptimized?: boolean;
  readonly tenancy?: string;
  readonly metadata?: MetadataOptions;
  readonly userData?: Uint8Array;
  readonly devices: readonly DeviceOrder[];
  /** Devices of the image that the instance is not to have. */
  readonly without: readonly string[];
  readonly tags: Tags;
  readonly volumeTags: Tags;
  /** EC2 answers a repeated request of the same token with the same instance. */
  readonly clientToken: string;
}

/** An instance as EC2 shows it now. */
export interface MachineState {
  readonly id: string;
  readonly state: "pending" | "running" | "shutting-down" | "terminated" | "stopping" | "stopped";
  /** Why it came into its state. */
  readonly reason?: string;
  readonly type: string;
  readonly zone: string;
  readonly rootDevice: string;
  readonly privateAddress?: string;
  readonly publicAddress?: string;
  readonly tags: Tags;
  readonly devices: readonly { readonly device: string; readonly volume: string }[];
}

/** An image as EC2 shows it now. */
export interface ImageState {
  readonly id: string;
  readonly state: string;
  readonly name: string;
  readonly rootDevice: string;
  /** Of all its block devices. */
  readonly devices: readonly string[];
  readonly tags: Tags;
}

/** What the two checks of EC2 say: `ok`, `initializing`, `impaired`, `insufficient-data`, `not-applicable`. */
export interface MachineHealth {
  readonly system: string;
  readonly instance: string;
}

/**
 * Instances and images of the account in this region. Every operation may be repeated: what is done already is
 * success. What is not there (yet, or any more) is absent from answers. Failures are BackupErrors.
 */
export interface MachineService {
  images(ids: readonly string[], signal: AbortSignal): Promise<readonly ImageState[]>;
  /** Own images that carry the tag with the value; with any value where none is given. */
  taggedImages(key: string, value: string | undefined, signal: AbortSignal): Promise<readonly ImageState[]>;
  /** Own images of that name. */
  imagesNamed(name: string, signal: AbortSignal): Promise<readonly ImageState[]>;
  /** Fails with the code `InvalidAMIName.Duplicate` where the name is taken. */
  register(image: NewImage, signal: AbortSignal): Promise<string>;
  deregister(id: string, signal: AbortSignal): Promise<void>;
  launch(machine: NewMachine, signal: AbortSignal): Promise<MachineState>;
  machines(ids: readonly string[], signal: AbortSignal): Promise<readonly MachineState[]>;
  tagged(key: string, value: string | undefined, signal: AbortSignal): Promise<readonly MachineState[]>;
  start(id: string, signal: AbortSignal): Promise<void>;
  stop(id: string, signal: AbortSignal): Promise<void>;
  terminate(id: string, signal: AbortSignal): Promise<void>;
  /** By device: whether its volume goes with the instance. */
  setDeletion(id: string, goes: ReadonlyMap<string, boolean>, signal: AbortSignal): Promise<void>;
  setUserData(id: string, userData: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Of a stopped or running instance; empty where it has none, absent where it is not there or nobody may ask. */
  userDataOf(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  health(id: string, signal: AbortSignal): Promise<MachineHealth | undefined>;
  tag(ids: readonly string[], tags: Tags, signal: AbortSignal): Promise<void>;
}

export interface Subnet {
  readonly id: string;
  readonly vpc: string;
  readonly zone: string;
}

/** Where machines may be made. Absent: nobody may ask. */
export interface PlaceFinder {
  /** All of the region. */
  subnets(signal: AbortSignal): Promise<readonly Subnet[] | undefined>;
  /** Those of the ids that there are, each with its VPC. */
  groups(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, string> | undefined>;
  /** Whether the zone has the type. */
  offered(type: string, zone: string, signal: AbortSignal): Promise<boolean | undefined>;
}
