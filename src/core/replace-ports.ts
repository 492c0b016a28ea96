import type { Instance, Tags, Volume } from "./instance.ts";

/** A mount that rests on volumes that are to be swapped, as it can be made again. */
export interface MountNote {
  readonly where: string;
  readonly type: string;
  /** The volume that its source lies on, and the number of the partition there. */
  readonly volume: string;
  readonly partition?: number;
  /** Options as mount(8) takes them. */
  readonly options: readonly string[];
  /** A directory of the filesystem that is shown here by a bind mount: the place that shows it otherwise. */
  readonly bind?: string;
  readonly uuid?: string;
}

/** Who keeps a mount from being unmounted. */
export interface MountUser {
  readonly where: string;
  /** "mysqld (process 812, has /var/lib/mysql/ibdata1 open)" */
  readonly who: string;
  /** The unit of systemd that it runs in. */
  readonly service?: string;
}

/** A line of fstab for one of the mounts. */
export interface FstabLine {
  readonly where: string;
  readonly spec: string;
}

/** What the host does with disks. */
export interface DiskUse {
  /** In the order in which they can be mounted. */
  readonly mounts: readonly MountNote[];
  readonly users: readonly MountUser[];
  readonly fstab: readonly FstabLine[];
  /** Why they cannot be swapped by a program, with the commands for a person. */
  readonly obstacles: readonly { readonly found: string; readonly remedy: string }[];
}

/** A filesystem that is mounted again. */
export interface Remounted {
  readonly where: string;
  readonly path: string;
  readonly volume: string;
}

/** The disks of this host, as far as swapping goes. Disks are told by path, with the volume that each is. */
export interface SwapDisks {
  /** Looks only. Who uses the mounts is looked for if that is wanted, since it takes the longest. */
  inspect(
    disks: ReadonlyMap<string, string>,
    wish: { readonly users: boolean },
    signal: AbortSignal,
  ): Promise<DiskUse>;
  /** Mounts as it was; what is mounted there already and is the right thing is success. Fails as `refused`. */
  mount(
    mounts: readonly MountNote[],
    disks: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<readonly Remounted[]>;
}

/** What a host remembers of a swap; the tags of the volumes decide. */
export interface SwapNote {
  readonly id: string;
  readonly instance: string;
  /** By the ids of the old volumes. */
  readonly mounts: readonly MountNote[];
}

/** The memory of a host: atomic, on the disk before it returns. */
export interface SwapJournal {
  read(id: string): Promise<SwapNote | undefined>;
  write(note: SwapNote): Promise<void>;
  remove(id: string): Promise<void>;
}

/** An instance as far as its root volume can be replaced. */
export interface Target {
  readonly instance: Instance;
  /** `pending`, `running`, `stopping`, `stopped`, `shutting-down`, `terminated`. */
  readonly state: string;
  readonly volumes: readonly Volume[];
  /** `ebs` or `instance-store`. */
  readonly rootDeviceType: string;
  readonly lifecycle?: string;
  readonly publicAddress?: string;
  /** EC2's clock as it was asked. */
  readonly asOf?: Date;
}

/** A task of EC2 that replaces a root volume. */
export interface RootTask {
  readonly id: string;
  /** `pending`, `in-progress`, `failing`, `succeeded`, `failed`, `failed-detached`. */
  readonly state: string;
  readonly tags: Tags;
  readonly snapshot?: string;
  readonly started?: Date;
}

/** A right that is asked for before the first change. */
export type Rehearsed = "tag" | "untag" | "attach" | "detach" | "modify" | "stop" | "start" | "task";

/** What swapping asks of EC2 beside volumes. Every operation may be repeated. */
export interface SwapService {
  target(instance: string, signal: AbortSignal): Promise<Target>;
  tag(ids: readonly string[], tags: Tags, signal: AbortSignal): Promise<void>;
  untag(ids: readonly string[], keys: readonly string[], signal: AbortSignal): Promise<void>;
  /** Whether the attachment's volume goes with the instance. */
  setDeletion(instance: string, device: string, goes: boolean, signal: AbortSignal): Promise<void>;
  stop(instance: string, signal: AbortSignal): Promise<void>;
  start(instance: string, signal: AbortSignal): Promise<void>;
  /** Orders the replacement, or finds the one that the same token has ordered. */
  orderRoot(
    order: {
      readonly instance: string;
      readonly snapshot: string;
      readonly token: string;
      readonly tags: Tags;
    },
    signal: AbortSignal,
  ): Promise<RootTask>;
  rootTasks(instance: string, signal: AbortSignal): Promise<readonly RootTask[]>;
  /**
   * Asks for the rights by dry runs, where the endpoint knows such. Throws `denied` for the first that is missing;
   * any other answer says nothing about rights.
   */
  rehearse(
    what: readonly Rehearsed[],
    on: {
      readonly instance: string;
      readonly volume: string;
      readonly device: string;
      readonly snapshot: string;
    },
    signal: AbortSignal,
  ): Promise<void>;
}
