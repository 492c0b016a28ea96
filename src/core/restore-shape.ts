import { BackupError } from "./errors.ts";
import type { Snapshot, VolumeRecipe } from "./recovery-point.ts";
import type { NewVolume } from "./restore-ports.ts";

/** What is wanted of every new volume, in place of what was recorded. */
export interface VolumeWish {
  readonly type?: string;
  readonly iops?: number;
  /** MiB a second. */
  readonly throughput?: number;
  readonly kmsKey?: string;
  readonly sizeGiB?: number;
  /** MiB a second. */
  readonly initializeRate?: number;
}

/** What is taken where neither a flag nor the point names a type: EC2 itself would take gp2. */
const defaultType = "gp3";

/** Types that are bought with a number of IOPS; that of gp2 follows from its size (API reference, CreateVolume). */
const withIops = new Set(["gp3", "io1", "io2"]);
/** Types that EC2 makes with no number of IOPS refuses. */
const needIops = new Set(["io1", "io2"]);

type Shape = Pick<NewVolume, "type" | "sizeGiB" | "iops" | "throughput" | "kmsKey">;

/**
 * Type, size, speed and key of a new volume: the flags, else what the point recorded. What was recorded for another
 * type is not taken over, but for the IOPS that io1 and io2 cannot do without. Throws `usage`.
 */
export function shapeOf(
  snapshot: Snapshot,
  recipe: VolumeRecipe | undefined,
  wish: VolumeWish,
): { readonly volume: Shape; readonly notes: readonly string[] } {
  const type = wish.type ?? recipe?.type ?? defaultType;
  const same = type === recipe?.type;
  const recorded = same || needIops.has(type) ? recipe?.iops : undefined;
  const iops = withIops.has(type) ? (wish.iops ?? recorded) : undefined;
  const throughput = type === "gp3" ? (wish.throughput ?? (same ? recipe.throughput : undefined)) : undefined;
  const least = snapshot.volumeSizeGiB;
  const sizeGiB = wish.sizeGiB ?? Math.max(least, recipe?.sizeGiB ?? 0);
  const doing = `restore ${snapshot.volumeId}`;
  const usage = (found: string, remedy: string) => new BackupError({ kind: "usage", doing, found, remedy });
  if (wish.iops !== undefined && iops === undefined)
    throw usage(`a volume of type ${type} takes no --iops`, "leave it out, or choose --type gp3, io1 or io2");
  if (wish.throughput !== undefined && throughput === undefined)
    throw usage(`a volume of type ${type} takes no --throughput`, "leave it out, or choose --type gp3");
  if (needIops.has(type) && iops === undefined)
    throw usage(`a volume of type ${type} needs a number of IOPS, and the point records none`, "add --iops");
  if (sizeGiB < least)
    throw usage(
      `the snapshot ${snapshot.id} is of ${least} GiB, more than --size ${sizeGiB}`,
      "a volume cannot be smaller",
    );
  return {
    volume: {
      type,
      sizeGiB,
      ...(iops === undefined ? {} : { iops }),
      ...(throughput === undefined ? {} : { throughput }),
      ...(wish.kmsKey === undefined ? {} : { kmsKey: wish.kmsKey }),
    },
    notes: [
      ...(recipe?.type === undefined && wish.type === undefined
        ? [`the point does not record its type; ${defaultType} is taken`]
        : []),
      ...(sizeGiB > least
        ? [`it is larger than the ${least} GiB that were captured: grow what is on it`]
        : []),
    ],
  };
}
