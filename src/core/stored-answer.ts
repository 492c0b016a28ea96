import type { CopyResult, FileEntry } from "./file-ports.ts";
import type { RecoveryPoint } from "./recovery-point.ts";
import type { Choice } from "./restore-choice.ts";
import type { DiffSum, StoredChange } from "./stored-diff.ts";
import type { FoundVersion } from "./stored-versions.ts";

/** One entry that is brought back. */
export interface StoredItem {
  /** As it was called for. */
  readonly asked: string;
  /** In the snapshot. */
  readonly path: string;
  readonly to: string;
  readonly entries: number;
  readonly bytes: number;
  readonly copied?: CopyResult;
}

/** Of `restore file`, `ls` and `cat`: how the point was chosen, what would be done and what was done. */
export interface StoredAnswer {
  readonly choice: Choice;
  readonly zone: string;
  /** What `--at` came to. */
  readonly at?: Date;
  /** Where the point was read. */
  readonly repository: string;
  readonly items: readonly StoredItem[];
  readonly entries?: readonly FileEntry[];
  /** Whether `cat` has written. */
  readonly written?: true;
}

/** Of `restore find`: what was found, and where was looked. */
export interface FindAnswer {
  /** Newest first. */
  readonly points: readonly RecoveryPoint[];
  readonly versions: readonly FoundVersion[];
  readonly zone: string;
  readonly at?: Date;
}

/** Of `restore diff`: what differs. */
export interface DiffAnswer {
  readonly before: RecoveryPoint;
  readonly after: RecoveryPoint;
  readonly changes: readonly StoredChange[];
  readonly sum: DiffSum;
  readonly zone: string;
  /** Whether contents were compared, and not sizes and times alone. */
  readonly exact: boolean;
}
