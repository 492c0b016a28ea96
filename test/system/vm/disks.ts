import type { Volume } from "../../../src/core/instance.ts";

/** A disk of the guest: where it is plugged in, and the volume that its serial number says it is. */
export interface Disk {
  readonly use: string;
  /** The slot on the PCI bus, which both sides know without asking the disk. */
  readonly slot: number;
  readonly volume: string;
  readonly megabytes: number;
}

const uses = [
  ["plain", 320],
  ["parted", 128],
  ["lvm-a", 256],
  ["lvm-b", 256],
  ["md-a", 96],
  ["md-b", 96],
  ["crypt", 96],
  ["btrfs-a", 192],
  ["btrfs-b", 192],
  ["stranger", 64],
] as const;

export const disks: readonly Disk[] = uses.map(([use, megabytes], index) => ({
  use,
  slot: 0x10 + index,
  volume: `vol-0123456789abcde${(0xf0 - index).toString(16)}`,
  megabytes,
}));

export const rootVolume = "vol-0aaaaaaaaaaaaaaa0";

export function volumeOf(use: string): string {
  return disks.find((disk) => disk.use === use)?.volume ?? "";
}

/** The volumes that EC2 would show; it knows nothing of the stranger. */
export const attached: readonly Volume[] = [
  ...disks.filter(({ use }) => use !== "stranger").map(({ volume, slot }) => volumeAt(volume, slot)),
  { ...volumeAt(rootVolume, 0), root: true },
];

function volumeAt(id: string, slot: number): Volume {
  return {
    id,
    device: `/dev/sd${String.fromCharCode(97 + (slot % 16))}`,
    root: false,
    sizeGiB: 1,
    type: "gp3",
    encrypted: false,
    multiAttach: false,
    deleteOnTermination: false,
    attachment: "attached",
    tags: {},
  };
}

/** What the guest tells, a line of JSON each. */
export type Told =
  | {
      readonly kind: "map";
      readonly when: "first" | "again";
      readonly map: import("../../../src/core/mount-map.ts").MountMap;
      readonly names: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "plan";
      readonly waves: readonly (readonly string[])[];
      readonly refused: readonly { readonly path: string; readonly because: string }[];
    }
  | {
      readonly kind: "frozen";
      readonly path: string;
      readonly freeze: number | null;
      readonly again: string;
      readonly state: string;
      readonly blocked: boolean;
      readonly read: string;
      readonly thaw: number | null;
      readonly written: boolean;
    }
  | {
      readonly kind: "all";
      readonly codes: readonly (number | null)[];
      readonly thaws: readonly (number | null)[];
    }
  | { readonly kind: "failed"; readonly what: string }
  | { readonly kind: "ended"; readonly code: number };
