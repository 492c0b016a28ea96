import type { CopyRegion } from "../core/copy-ports.ts";
import type { Job } from "../core/job.ts";
import type { Audit, Clock, Engine, Log } from "../core/ports.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import type { Problem } from "../core/report.ts";
import type { RetentionPolicy } from "../core/retention-policy.ts";
import type { CopyLineGround } from "../core/sweep-copy-lines.ts";
import type { PointService, SweepUnit } from "../core/sweep-ports.ts";
import type { PruneSwept } from "../core/sweep-report.ts";
import type { SweepCopyRules } from "../core/sweep-settings.ts";

/** Another Region of the unit's account, as the copier sees it. */
export interface CopyDestination {
  readonly region: CopyRegion;
  /** Every copy there that says which point it is of, and the clock of the answer. */
  copies(signal: AbortSignal): Promise<{ readonly snapshots: readonly Snapshot[]; readonly asOf: Date }>;
  /** Never throws a refusal: it is the outcome. */
  readonly remove: PointService["remove"];
  /** Thins the copies there; absent where a unit of this sweep does it, or nobody is to. */
  readonly thin?: (
    signal: AbortSignal,
  ) => Promise<{ readonly swept: PruneSwept; readonly problems: readonly Problem[] }>;
}

export interface SweepCopyDeps extends Pick<CopyLineGround, "regionsOf" | "regionsFor"> {
  readonly unit: SweepUnit;
  readonly ec2: Pick<PointService, "points" | "instances">;
  /** The unit's own points with all of their tags, which copies carry on. */
  readonly source: Pick<Engine, "list">;
  readonly destination: (region: string) => Promise<CopyDestination>;
  readonly jobOf: (name: string, policy: RetentionPolicy) => Job;
  readonly rules: SweepCopyRules;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  readonly run: string;
  readonly tell: (what: string) => void;
}
