import { ApiError } from "../api-error.ts";
import type { Volume } from "./volume.ts";

/** What a caller asks of a new volume; sizes in GiB, throughput in MiB/s. */
export interface VolumeWish {
  type: string | undefined;
  size: number | undefined;
  iops: number | undefined;
  throughput: number | undefined;
  /** Size of its snapshot. */
  atLeast: number | undefined;
}

interface Rule {
  size: [number, number];
  iops?: [number, number];
  /** IOPS for each GiB. */
  ratio?: number;
}

// Sizes and IOPS from the reference of CreateVolume; the ratios from ebs/ebs-volume-types.
const rules: Readonly<Record<Volume["type"], Rule>> = {
  gp2: { size: [1, 16_384] },
  gp3: { size: [1, 65_536], iops: [3_000, 80_000], ratio: 500 },
  io1: { size: [4, 16_384], iops: [100, 64_000], ratio: 50 },
  io2: { size: [4, 65_536], iops: [100, 256_000], ratio: 1_000 },
  st1: { size: [125, 16_384] },
  sc1: { size: [125, 16_384] },
  standard: { size: [1, 1_024] },
};

/** "Valid Range: 125 - 2000 MiB/s"; 0.25 MiB/s for each IOPS. */
const throughputRange = [125, 2_000] as const;

const refuse = (message: string, code = "InvalidParameterValue") => new ApiError(code, message);

/**
 * What a volume will be. Codes and sentences are as users report them, as far as they do.
 * @throws ApiError
 */
export function shapeOf(wish: VolumeWish): Pick<Volume, "type" | "size" | "iops" | "throughput"> {
  const type = typeOf(wish.type);
  const rule = rules[type];
  const size = wish.size ?? wish.atLeast;
  if (size === undefined)
    throw refuse("The request must contain the parameter size/snapshot", "MissingParameter");
  if (wish.atLeast !== undefined && size < wish.atLeast)
    throw refuse(`Volume of ${size}GiB is smaller than snapshot, expect size >= ${wish.atLeast}GiB`);
  const [least, most] = rule.size;
  if (size < least)
    throw refuse(`Volume of ${size}GiB is too small; minimum is ${least}GiB for ${type} volumes.`);
  if (size > most)
    throw refuse(`Volume of ${size}GiB is too large for volume type ${type}; maximum is ${most}GiB.`);
  const iops = iopsOf(type, size, wish.iops);
  return { type, size, iops, throughput: throughputOf(type, iops, wish.throughput) };
}

function typeOf(given = "gp2"): Volume["type"] {
  if (Object.hasOwn(rules, given)) return given as Volume["type"];
  throw refuse(`Invalid volume type: ${given}`, "UnknownVolumeType");
}

function iopsOf(type: Volume["type"], size: number, given: number | undefined): number | null {
  const { iops: range, ratio = 0 } = rules[type];
  if (range === undefined) {
    if (given !== undefined)
      throw refuse(`The parameter iops is not supported for ${type} volumes.`, "InvalidParameterCombination");
    return type === "gp2" ? Math.min(16_000, Math.max(100, size * 3)) : null;
  }
  const [least, most] = range;
  if (given === undefined) {
    if (type === "gp3") return least;
    throw refuse(`The parameter iops must be specified for ${type} volumes.`, "MissingParameter");
  }
  if (given < least) throw refuse(`Volume iops of ${given} is too low; minimum is ${least}.`);
  if (given > most) throw refuse(`Volume iops of ${given} is too high; maximum is ${most}.`);
  if (given > Math.max(least, size * ratio)) {
    const found = (given / size).toFixed(6);
    throw refuse(`Iops to volume size ratio of ${found} is too high; maximum is ${ratio.toFixed(6)}`);
  }
  return given;
}

function throughputOf(type: Volume["type"], iops: number | null, given: number | undefined): number | null {
  if (type !== "gp3") {
    if (given === undefined) return null;
    throw refuse(
      `The parameter throughput is not supported for ${type} volumes.`,
      "InvalidParameterCombination",
    );
  }
  const [least, most] = throughputRange;
  if (given === undefined) return least;
  if (given < least || given > most)
    throw refuse(`Throughput must be between ${least} and ${most} MiB/s, not ${given}.`);
  if (given > (iops ?? 0) / 4)
    throw refuse(`Throughput (MiBps) to iops ratio of ${given / (iops ?? 1)} is too high; maximum is 0.25`);
  return given;
}
