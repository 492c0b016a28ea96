import { tagKeys } from "./point-tags.ts";
import type { RecoveryPoint } from "./recovery-point.ts";

/** What the newest drill of a series found, as the tags of its points say. */
export interface LastDrill {
  /** ISO 8601. */
  readonly at: string;
  readonly outcome: "ok" | "failed";
  /** Id of the point that was restored, and when it was captured, ISO 8601. */
  readonly point: string;
  readonly captured: string;
}

/** Absent where no drill has marked any of the points. A mark that cannot be read is none. */
export function lastDrill(points: readonly RecoveryPoint[]): LastDrill | undefined {
  const marks = points.flatMap(({ id, captured, snapshots }) =>
    snapshots.flatMap(({ tags }) => {
      const mark = readMark(tags[tagKeys.verified]);
      return mark === undefined ? [] : [{ ...mark, point: id, captured: captured.toISOString() }];
    }),
  );
  // Of one drill a failure counts, whichever volume it was of.
  return marks.sort((a, b) => compare(b.at, a.at) || compare(a.outcome, b.outcome))[0];
}

function readMark(tag: string | undefined): Pick<LastDrill, "at" | "outcome"> | undefined {
  const [, at, outcome] = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (ok|failed)\b/.exec(tag ?? "") ?? [];
  if (at === undefined || Number.isNaN(Date.parse(at))) return undefined;
  return { at, outcome: outcome === "ok" ? "ok" : "failed" };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
