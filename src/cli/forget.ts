import type { RunReport } from "../core/report.ts";

/** What to say after the reports of `forget`. */
export function forgotten(reports: readonly RunReport[], volume: string, planned: boolean): string {
  const points = reports
    .flatMap(({ retention, image, stored = [] }) => [
      retention,
      image?.retention,
      ...stored.map((one) => one.retention),
    ])
    .flatMap((one) => one?.remove ?? []).length;
  if (points === 0) {
    return (
      `No point is kept for the sake of ${volume} alone, so nothing goes now. Points that still have it go ` +
      "when the rules give them up, but for the newest; then forget it again."
    );
  }
  const what = `${points} ${points === 1 ? "point" : "points"} kept for the sake of ${volume}`;
  return planned ? `${what} would go. To remove: add --yes` : `${what} given up.`;
}
