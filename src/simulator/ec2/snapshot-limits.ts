import { ApiError } from "../api-error.ts";
import { quotaIn, snapshotsPerRegion } from "../servicequotas/quotas.ts";
import type { World } from "../world.ts";
import type { Volume } from "./volume.ts";

/** "Wait at least 15 seconds between concurrent volume snapshots." */
const interval = 15_000;

/** Refuses more snapshots than the Region may hold. @throws ApiError */
export function checkSnapshotQuota(world: World, more: number): void {
  if (!world.settings.limits) return;
  const quota = quotaIn(world, snapshotsPerRegion);
  if (Object.keys(world.snapshots).length + more <= quota) return;
  const message = `You have reached the maximum number of snapshots (${quota}) for this account in this Region.`;
  throw new ApiError("SnapshotLimitExceeded", message);
}

/**
 * Refuses a snapshot of a volume that has had one within 15 seconds, or that has as many under way as it may:
 * 5, or 1 for st1 and sc1. Those in `error` count, and so do those deleted while pending.
 * @throws ApiError
 */
export function checkVolumeLimits(world: World, volumes: readonly Volume[], elapsed: number): void {
  if (!world.settings.limits) return;
  for (const volume of volumes) {
    if (volume.lastSnapshotAt !== null && elapsed - volume.lastSnapshotAt < interval) {
      const message =
        "The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep interval between requests.";
      throw new ApiError("SnapshotCreationPerVolumeRateExceeded", message);
    }
  }
  for (const volume of volumes) {
    const most = volume.type === "st1" || volume.type === "sc1" ? 1 : 5;
    const underway = Object.values(world.snapshots).filter(
      (snapshot) =>
        snapshot.volumeId === volume.id && (snapshot.state === "pending" || snapshot.state === "error"),
    );
    if (underway.length >= most) {
      throw new ApiError(
        "ConcurrentSnapshotLimitExceeded",
        `Maximum allowed in-progress snapshots for a single volume exceeded: ${volume.id}`,
      );
    }
  }
}
