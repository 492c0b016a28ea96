/** What is known of a snapshot that CopySnapshot made: what the event `copySnapshot` tells, and what it was a copy of. */
export interface SnapshotCopy {
  sourceAccount: string;
  sourceRegion: string;
  sourceSnapshotId: string;
  /** When the data were captured: the start of the first source. */
  capturedAt: number;
  /** The volume whose snapshots this is a copy of one of: `111122223333/eu-central-1/vol-…`. Copies of copies inherit it. */
  lineage: string;
  /** Whether only what the newest copy of the lineage lacked was transferred, and how many bytes that was. */
  incremental: boolean;
  bytes: number;
  /** Of a time-based copy; null: as quickly as it goes. */
  completionMinutes: number | null;
}

/** How copies go. Times are milliseconds. */
export interface CopyOptions {
  /** How long a copy takes: a fixed part and one for each GiB that is transferred. */
  fixed: number;
  perGiB: number;
  /** The share of a snapshot that an incremental copy transfers. */
  share: number;
  /** When a copy whose key cannot be used turns to `error`. */
  keyFaultAfter: number;
  /** "20 snapshot copy requests in progress for each destination Region". */
  atOnce: number;
  /** MiB/s of time-based copies, of all at once and of one. */
  throughput: number;
  single: number;
}
