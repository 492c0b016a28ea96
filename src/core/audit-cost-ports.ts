import type { Failure } from "./errors.ts";

/** Dollars for a GiB-month of snapshots, and when that was so. */
export interface SnapshotPrices {
  readonly asOf: string;
  readonly standard: number;
  readonly archive: number;
}

/** What one snapshot stores beyond the one before it. Its blocks are counted page by page. */
export interface CostStep {
  /** The snapshot before it; absent for the oldest, which stores all that is written. */
  readonly from?: string;
  readonly to: string;
  /** Bytes: all that is written where EC2 tells it, else the size of the volume. */
  readonly atMost: number;
  /** Bytes, once it is known. */
  measured?: number;
  /** Whether it stays as it is: it cannot be asked for, or was refused. */
  closed: boolean;
  /** Bytes of the pages that were counted, and the token of the next one. */
  counted: number;
  next?: string;
}

/** The snapshots of one volume, the oldest first: each stores what changed since the one before. */
export interface CostChain {
  readonly volume: string;
  readonly instance?: string;
  readonly sizeGiB: number;
  readonly snapshots: number;
  /** Those of which not even the size of the volume is known. */
  readonly unknown: number;
  readonly steps: readonly CostStep[];
  /** Those of the archive, which are stored whole. Bytes; exact where EC2 tells all sizes. */
  readonly archive: number;
  readonly archiveExact: boolean;
  /** What would be left of the steps with the retention that is asked about, where that removes any. */
  readonly instead?: { readonly steps: readonly CostStep[]; readonly archive: number };
}

/** `measured`: by its blocks. `at most`: some with all that they could store. `unknown`: of some nothing is known. */
export type Certainty = "measured" | "at most" | "unknown";

export interface Cost {
  readonly snapshots: number;
  readonly gib: number;
  readonly archiveGiB: number;
  /** A month. */
  readonly dollars: number;
  readonly certainty: Certainty;
  /** Snapshots whose share is a bound, and those of which nothing is known. */
  readonly unmeasured: number;
  readonly unknown: number;
}

export interface VolumeCost extends Cost {
  readonly volume: string;
  readonly instance?: string;
}

export interface InstanceCost extends Cost {
  readonly instance: string;
}

/** What another retention would save. */
export type SavedCost = Pick<Cost, "gib" | "archiveGiB" | "dollars" | "certainty">;

/** What the snapshots of a unit cost, with the dearest of its volumes and instances. */
export interface UnitCost extends Cost {
  readonly requests: number;
  readonly volumes: readonly VolumeCost[];
  readonly instances: readonly InstanceCost[];
  readonly saved?: SavedCost;
  /** Why no more was measured, where it was not for the number of requests. */
  readonly stopped?: Failure;
}

/** One page of blocks. */
export interface BlockPage {
  readonly bytes: number;
  readonly next?: string;
}

/** Lists blocks of snapshots. Throws BackupError. */
export interface BlockLists {
  /** Requests that were sent, those included that were sent again. */
  sent(): number;
  page(step: Pick<CostStep, "from" | "to" | "next">, signal: AbortSignal): Promise<BlockPage>;
}
