import { BackupError, type Failure } from "../core/errors.ts";
import type { CaptureOrder, Engine, Prepared } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { beyondVss, idBesideVss, isAppConsistent } from "../core/vss.ts";
import { consistencyOfVss } from "../core/vss-consistency.ts";
import { VssCapture, type VssOutcome, type VssTools } from "./vss-capture.ts";

/**
 * EBS snapshots that the Volume Shadow Copy Service of Windows makes, through AWS's own components, which Systems
 * Manager starts on this instance. All but the capture is that of the `plain` engine. Where VSS does not succeed, the
 * plain engine captures instead, unless the job wants no less, and the point is called what it is.
 */
export function vssEngine(plain: Engine, tools: VssTools): Engine {
  const judged = (point: RecoveryPoint): RecoveryPoint =>
    isAppConsistent(point) ? { ...point, consistency: consistencyOfVss(tools.mode) } : point;
  const find: Engine["find"] = async (pointId, signal) => {
    const point = await plain.find(pointId, signal);
    return point === undefined ? undefined : judged(point);
  };
  return {
    ...plain,
    // Where EC2 captured after all, that is the point, and what VSS left is none.
    find: async (pointId, signal) =>
      (await plain.find(idBesideVss(pointId), signal)) ?? find(pointId, signal),
    async prepare(order, signal) {
      const prepared = await plain.prepare(order, signal);
      const found = beyondVss(order.scope);
      if (found !== undefined) throw unexpressible(order, found);
      return captureByVss(order, prepared, find, tools);
    },
  };
}

function unexpressible({ job }: CaptureOrder, found: string): BackupError {
  return new BackupError({
    kind: "configuration",
    doing: `capture the volumes of job ${job.name} by VSS`,
    found,
    remedy:
      "take vss from the job, or let it take all data volumes (volumes.root: false leaves out the root volume)",
  });
}

function captureByVss(order: CaptureOrder, plain: Prepared, find: Engine["find"], tools: VssTools): Prepared {
  const problems: Failure[] = [];
  let given: Pick<VssOutcome, "because" | "started"> | undefined;
  return {
    dropped: plain.dropped,
    problems: () => problems,
    // Systems Manager has no rehearsal, and nothing of ours is held meanwhile.
    rehearse: () => Promise.resolve(),
    warm: (signal) => plain.warm(signal),
    async capture(pointId, captured, within, answered) {
      if (given === undefined) {
        const outcome = await new VssCapture(order, pointId, captured, find, tools).run();
        problems.push(...outcome.problems);
        if (outcome.point !== undefined) return outcome.point;
        given = outcome;
      }
      if (order.job.whenLess === "fail") throw new BackupError(given.because);
      const id = given.started ? idBesideVss(pointId) : pointId;
      return plain.capture(id, captured, within, answered);
    },
  };
}
