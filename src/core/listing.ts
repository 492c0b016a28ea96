import { pointsOf } from "./point-tags.ts";
import type { Listing } from "./ports.ts";
import type { Snapshot } from "./recovery-point.ts";

/** Listed snapshots as points. Those of images are kept apart from the start: no rule ever sees both. */
export function listingOf(snapshots: readonly Snapshot[], asOf: Date): Listing {
  const all = pointsOf(snapshots, asOf);
  const images = all.filter((point) => point.image !== undefined);
  if (images.length === 0) return { points: all, asOf };
  return { points: all.filter((point) => point.image === undefined), images, asOf };
}
