import { ApiError } from "../api-error.ts";
import type { Context } from "../context.ts";

const MIB = 1_048_576;
const GIB = 1_073_741_824;
const minute = 60_000;

/** How long a copy takes. */
export interface CopyTime {
  milliseconds: number;
}

/**
 * The time that a copy of so many bytes takes. A time-based one takes all of the time that it is given, or more where
 * others have left too little of the Region's throughput. Which codes refuse it is not documented.
 * @throws ApiError for a duration that there is not, one too short for the size, or when no throughput is left.
 */
export function timeOfCopy(context: Context, bytes: number, minutes: number | undefined): CopyTime {
  const { copies } = context.world.settings;
  if (minutes === undefined) return { milliseconds: copies.fixed + (bytes / GIB) * copies.perGiB };
  if (minutes < 15 || minutes > 2_880 || minutes % 15 !== 0)
    throw new ApiError(
      "InvalidParameterValue",
      `Value (${minutes}) for parameter completionDurationMinutes is invalid. It must be from 15 to 2880 minutes, in 15 minute increments.`,
    );
  const shortest = Math.ceil(bytes / MIB / copies.single / 60);
  if (minutes < shortest)
    throw new ApiError(
      "InvalidParameterCombination",
      `The completion duration of ${minutes} minutes is too short for the snapshot's size; it needs ${shortest} minutes.`,
    );
  const left = copies.throughput - used(context);
  // What is left after sums of fractions may be a speck.
  if (left < 0.001)
    throw new ApiError(
      "ResourceLimitExceeded",
      "The cumulative throughput of time-based snapshot copies of this destination region is exceeded.",
    );
  return { milliseconds: Math.max(minutes * minute, (bytes / MIB / left) * 1_000) };
}

/** MiB/s that time-based copies use now. */
function used({ world }: Context): number {
  return Object.values(world.snapshots).reduce((sum, { copy, state, startTime, completesAt }) => {
    if (copy?.completionMinutes == null || state !== "pending") return sum;
    return sum + copy.bytes / MIB / ((completesAt - startTime) / 1_000);
  }, 0);
}
