import type { DirectoryCount, DirectoryMethod, DirectoryOrder } from "./directory.ts";
import type { Tags } from "./instance.ts";
import type { VolumeState } from "./restore-ports.ts";

/** A volume that is to be made empty. */
export interface EmptyVolume {
  readonly zone: string;
  readonly sizeGiB: number;
  readonly tags: Tags;
  readonly clientToken: string;
}

/** What a disk holds, as far as a look at it tells. `marker`: rsync's filesystem of ours. */
export type DiskHolds =
  | { readonly kind: "nothing" }
  | { readonly kind: "data" }
  | { readonly kind: "filesystem"; readonly type: string; readonly marker: boolean };

/** What was written and read again. */
export interface Written {
  /** Of what lies on the raw disk; absent for a filesystem. */
  readonly bytes?: number;
  readonly sha256?: string;
  /** What is not quite as it should be, though the copy is there: files that changed meanwhile. */
  readonly problems: readonly string[];
}

/** What is brought back. */
export interface DirectoryRestore {
  readonly method: DirectoryMethod;
  /** Absolute; absent or empty. */
  readonly to: string;
  /** Shell commands that undo the filters, run in the opposite order: `remote` there first, then `local` here. */
  readonly local?: string;
  readonly remote?: string;
  /** Of what lies on the raw disk; where the volume does not say so, the archive's own end is its end. */
  readonly bytes?: number;
  readonly sha256?: string;
}

/** The host that has the disk, and the data's way to it. Failures are BackupErrors. */
export interface DiskHost {
  readonly instance: string;
  /** Names of its devices that are taken. */
  taken(signal: AbortSignal): Promise<readonly string[]>;
  /** Path of the disk of an attached volume. */
  diskOf(volume: { readonly id: string; readonly device: string }, signal: AbortSignal): Promise<string>;
  look(disk: string, signal: AbortSignal): Promise<DiskHolds>;
  /** Archives the directory onto the raw disk, reads it again and compares. */
  archive(disk: string, order: DirectoryOrder, signal: AbortSignal): Promise<Written>;
  /** Brings a filesystem up to date, which is made anew if `fresh`, mounts it again and compares. */
  mirror(
    disk: string,
    order: DirectoryOrder,
    fresh: { readonly bytesPerInode?: number } | undefined,
    signal: AbortSignal,
  ): Promise<Written>;
  bringBack(
    disk: string,
    wish: DirectoryRestore,
    signal: AbortSignal,
  ): Promise<{ readonly verified: boolean }>;
}

/** This host, as far as a directory of it goes. */
export interface DirectoryReader {
  /** Fails as `usage` where it is none, or holds what cannot be archived. */
  count(order: DirectoryOrder, signal: AbortSignal): Promise<DirectoryCount>;
}

/** Empty volumes. */
export interface VolumeMaker {
  /** Makes it, or finds what the same client token has made. */
  make(volume: EmptyVolume, signal: AbortSignal): Promise<VolumeState>;
}

/** What a type of instances can run. */
interface TypeFacts {
  readonly architectures: readonly string[];
  /** `hvm`, `paravirtual`. */
  readonly virtualizations: readonly string[];
}

/** What a throw-away instance is made of. Every operation may be repeated; what is gone is success for removals. */
export interface DirectoryPlaces {
  /** Zones of the region, in order. */
  zones(signal: AbortSignal): Promise<readonly string[]>;
  /** Subnets that give public addresses; those that are the default of their zone first. */
  subnets(
    zone: string | undefined,
    signal: AbortSignal,
  ): Promise<
    readonly {
      readonly id: string;
      readonly zone: string;
      readonly vpc: string;
      readonly isDefault: boolean;
    }[]
  >;
  subnet(
    id: string,
    signal: AbortSignal,
  ): Promise<{ readonly id: string; readonly zone: string; readonly vpc: string } | undefined>;
  /** Which of the types the zone offers. */
  offered(types: readonly string[], zone: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Fails as `not-found` where there is no such type. */
  typeFacts(type: string, signal: AbortSignal): Promise<TypeFacts>;
  /** The newest Amazon Linux 2023 of the architecture, as Systems Manager tells it. */
  newestImage(architecture: string, signal: AbortSignal): Promise<string>;
  importKey(name: string, publicKey: string, tags: Tags, signal: AbortSignal): Promise<void>;
  makeGroup(
    group: { readonly name: string; readonly vpc: string; readonly description: string; readonly tags: Tags },
    signal: AbortSignal,
  ): Promise<string>;
  /** Opens a TCP port of the group to the addresses of the CIDR. */
  open(group: string, port: number, cidr: string, signal: AbortSignal): Promise<void>;
  launch(
    machine: {
      readonly image: string;
      readonly type: string;
      readonly subnet: string;
      readonly group: string;
      readonly key: string;
      readonly userData: string;
      readonly tags: Tags;
      readonly clientToken: string;
    },
    signal: AbortSignal,
  ): Promise<string>;
  /** What the console has shown so far. */
  console(instance: string, signal: AbortSignal): Promise<string>;
  /** Public where it has one. */
  addressOf(
    instance: string,
    signal: AbortSignal,
  ): Promise<
    | {
        readonly state: string;
        readonly reason?: string;
        readonly address?: string;
        readonly devices: readonly string[];
      }
    | undefined
  >;
  /** All that carries the tag of works. */
  leftOvers(signal: AbortSignal): Promise<readonly LeftOver[]>;
  renew(things: readonly LeftOver[], lease: string, signal: AbortSignal): Promise<void>;
  terminate(instance: string, signal: AbortSignal): Promise<void>;
  removeKey(id: string, signal: AbortSignal): Promise<void>;
  /** Fails with the code `DependencyViolation` while something still uses it. */
  removeGroup(id: string, signal: AbortSignal): Promise<void>;
}

/** Something that was made for a copy. */
export interface LeftOver {
  readonly kind: "instance" | "key-pair" | "security-group";
  readonly id: string;
  readonly work: string;
  /** ISO 8601; what has none counts as in use no longer. */
  readonly lease?: string;
  /** Of an instance. */
  readonly state?: string;
}
