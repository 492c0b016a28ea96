import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { CaptureScope } from "../core/selection.ts";
import type { Recorder } from "./steps.ts";

/** Says that the snapshots go without some of their tags. */
export function droppedTags(what: string) {
  return {
    kind: "refused" as const,
    doing: `put ${what} on the snapshots`,
    found: "there is no room for them, or they clash with ours (EC2 allows 50 tags)",
    remedy: "the snapshots are good without them; use fewer tags",
  };
}

/** The answer is held against what was asked for. */
export function compare(point: RecoveryPoint, scope: CaptureScope, record: Recorder): void {
  const doing = "compare the snapshots with the plan";
  const captured = new Set(point.snapshots.map((one) => one.volumeId));
  const expected = new Set(scope.expected.map((volume) => volume.id));
  const missing = [...expected].filter((id) => !captured.has(id));
  const extra = [...captured].filter((id) => !expected.has(id));
  if (missing.length > 0) {
    const found = `${missing.join(", ")} was to be captured and is not in the set`;
    record.report("error", {
      kind: "unexpected",
      doing,
      found,
      remedy: "was it detached meanwhile? Run again.",
    });
  }
  if (extra.length > 0) {
    const found = `${extra.join(", ")} is in the set and was not planned (attached meanwhile); it is kept`;
    record.report("warning", { kind: "unexpected", doing, found });
  }
  if (scope.unwanted.length > 0) {
    const found = `${scope.unwanted.length} volumes were to be left out, EC2 can leave out 40, so all were captured`;
    record.report("warning", {
      kind: "refused",
      doing,
      found,
      remedy: "split the volumes between instances",
    });
  }
}
