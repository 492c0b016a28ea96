import type { VolumeState } from "./restore-ports.ts";
import type { VolumeWish } from "./restore-shape.ts";

/** What was said of the new volumes, in the words of the command: only that is compared with what is there. */
export type AskedShape = Pick<VolumeWish, "type" | "iops" | "throughput" | "kmsKey" | "sizeGiB">;

export function askedShape(wish: VolumeWish): AskedShape {
  const { type, iops, throughput, kmsKey, sizeGiB } = wish;
  return {
    ...(type === undefined ? {} : { type }),
    ...(iops === undefined ? {} : { iops }),
    ...(throughput === undefined ? {} : { throughput }),
    ...(kmsKey === undefined ? {} : { kmsKey }),
    ...(sizeGiB === undefined ? {} : { sizeGiB }),
  };
}

/** Why a volume that an earlier command has made is not what is asked for now, and what to do; absent if it is. */
export function unlikeAsked(
  asked: AskedShape,
  volume: VolumeState,
): { readonly found: string; readonly remedy: string } | undefined {
  const { type, sizeGiB, iops, throughput } = volume;
  const differs = [
    differing("", type, asked.type),
    differing(" GiB", sizeGiB, asked.sizeGiB),
    differing(" IOPS", iops, asked.iops),
    differing(" MiB/s", throughput, asked.throughput),
    otherKey(volume, asked.kmsKey),
  ].flatMap((one) => one ?? []);
  if (differs.length === 0) return undefined;
  return {
    found: `${volume.id}, which an earlier command made of it, has ${differs.join(", ")}`,
    remedy: "leave those words out to go on with it, or add --label WORD to make another copy",
  };
}

/** What EC2 does not tell cannot be compared. */
function differing<T>(unit: string, is: T | undefined, wanted: T | undefined): string | undefined {
  if (wanted === undefined || is === undefined || is === wanted) return undefined;
  return `${is}${unit} and not ${wanted}${unit}`;
}

/** EC2 names a key by its ARN; which one an alias means nobody says here. */
function otherKey({ kmsKey, encrypted }: VolumeState, wanted: string | undefined): string | undefined {
  if (wanted === undefined) return undefined;
  if (encrypted === false) return `no encryption and not that with ${wanted}`;
  if (kmsKey === undefined || /(^|:)alias\//.test(wanted)) return undefined;
  return kmsKey === wanted || kmsKey.endsWith(`/${wanted}`)
    ? undefined
    : `the key ${kmsKey} and not ${wanted}`;
}
