import type { CopyRegion } from "../core/copy-ports.ts";
import type { ImageEngine } from "../core/image-ports.ts";
import type { Discovery } from "../core/instance.ts";
import type { Job, Trigger } from "../core/job.ts";
import type { SnapshotLocks } from "../core/lock-ports.ts";
import type { LockReport } from "../core/lock-report.ts";
import type { MountMap, MountSummary } from "../core/mount-map.ts";
import type {
  Audit,
  Clock,
  Engine,
  Host,
  Journal,
  LeftOutByTag,
  Listing,
  Locks,
  Log,
} from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import type {
  CopyReport,
  ImageReport,
  Problem,
  RetentionReport,
  RunReport,
  StillnessReport,
  StoredReport,
} from "../core/report.ts";
import type { Selected } from "../core/selection.ts";
import type { Stores } from "../core/stored-ports.ts";
import type { PruneConsent } from "./prune.ts";
import type { Progress } from "./settle.ts";

/** The world of a run. */
export interface RunDeps {
  readonly engine: Engine;
  /** What makes and removes images; loaded only where a job has them. */
  readonly images: () => Promise<ImageEngine>;
  /** What locks snapshots; loaded only where a job has them locked. */
  readonly snapshotLocks: () => Promise<SnapshotLocks>;
  /** Another Region that points are copied to; loaded only where a job copies. */
  readonly copies: (region: string) => Promise<CopyRegion>;
  /** Repositories, and what makes dumps; loaded only where a job stores something. */
  readonly stores: () => Promise<Stores>;
  readonly clock: Clock;
  readonly log: Log;
  readonly locks: Locks;
  readonly journal: Journal;
  readonly audit: Audit;
  readonly host: Host;
  readonly newId: () => string;
  readonly leftOutByTag: LeftOutByTag;
  readonly progress: Progress;
}

/** What this run was asked for. */
export interface RunRequest {
  readonly run: string;
  readonly job: Job;
  readonly trigger: Trigger;
  readonly slot?: string;
  readonly missed?: number;
  readonly overlapped?: number;
  readonly discovery: Discovery;
  /** `prune` and `forget` make no point. */
  readonly capture: boolean;
  /** No point is made and nothing is removed here: only the copies in other Regions are looked after. */
  readonly only?: "copies";
  /** False where the configuration in force is not the one that was written. */
  readonly prune: boolean;
  readonly wait: boolean;
  readonly consent: PruneConsent;
  /** True if the engine only shows what would be done. */
  readonly planned: boolean;
  /** Told once the run holds the job's lock and begins its work. */
  readonly began?: () => void;
  /** What is wrong already, such as faults of the configuration. */
  readonly problems: readonly Problem[];
}

/** What a run finds out on its way; the report is made of it. */
export interface Findings {
  selected: Selected;
  points: RecoveryPoint[];
  settleMs?: number;
  /** Read only where the job or a plan needs it. */
  mounts?: MountMap | undefined;
  summary?: MountSummary;
  stillness?: StillnessReport;
  listing?: Listing | undefined;
  retention?: RetentionReport | undefined;
  locks?: LockReport;
  image?: ImageReport;
  copies?: readonly CopyReport[];
  /** Milliseconds that the run waited for copies. */
  copyMs?: number;
  stored?: readonly StoredReport[];
  /** The facts of all series of a job that stores something, by those of its volumes. */
  withStored?: (ofVolumes: RunReport["series"]) => RunReport["series"];
}
