/** How a volume is attached. Times are milliseconds of simulated time. */
export interface Attachment {
  instance: string;
  device: string;
  deleteOnTermination: boolean;
  attachTime: number;
  state: "attaching" | "attached" | "detaching" | "busy";
  /** When attaching or detaching ends at the earliest; null when nothing is under way, or when it never ends by itself. */
  changesAt: number | null;
  /** Whether the attaching will fail: the volume is available again. */
  fails: boolean;
  /** Detached by force: whether the guest still holds it does not count. */
  forced: boolean;
  /** What the guest has of it. A device that it holds (a mounted one) is not given back. */
  guest: "absent" | "idle" | "held";
}

export interface Volume {
  id: string;
  /** GiB. */
  size: number;
  type: "gp2" | "gp3" | "io1" | "io2" | "st1" | "sc1" | "standard";
  iops: number | null;
  throughput: number | null;
  encrypted: boolean;
  kmsKeyId: string | null;
  tags: Record<string, string>;
  /** `ready` is what EC2 calls `available` or `in-use`. */
  state: "creating" | "ready" | "deleting" | "error";
  /** When creating or deleting ends, in simulated time. */
  changesAt: number | null;
  /** How creating will fail; null when it will not. */
  doomed: "error" | "vanishes" | null;
  /** From when calls see it, on the `elapsed` hand. */
  visibleFrom: number;
  /** The loading of its snapshot's blocks, in simulated time; the rate in MiB/s where one is paid for. */
  initialization: { rate: number | null; from: number; until: number } | null;
  attachments: Attachment[];
  multiAttachEnabled: boolean;
  snapshotId: string;
  createTime: number;
  zone: string;
  operator: string | null;
  /** Bytes ever written, as FullSnapshotSizeInBytes tells for a volume without a backing file. */
  writtenBytes: number;
  /** A file or device that holds the volume's bytes. */
  file: string | null;
  /** Whether the file was made by the simulator, and goes with the volume. */
  ownsFile: boolean;
  /** When a snapshot was last begun, on the clock's `elapsed` hand. */
  lastSnapshotAt: number | null;
}

/** A volume's attachment that nothing is under way with. */
export function attached(given: {
  instance: string;
  device: string;
  deleteOnTermination?: boolean;
  attachTime: number;
}): Attachment {
  const { instance, device, deleteOnTermination = false, attachTime } = given;
  const still = { state: "attached", changesAt: null, fails: false, forced: false, guest: "absent" } as const;
  return { instance, device, deleteOnTermination, attachTime, ...still };
}

/** The state as EC2 names it. */
export function volumeState(volume: Volume): string {
  if (volume.state !== "ready") return volume.state;
  return volume.attachments.length > 0 ? "in-use" : "available";
}
