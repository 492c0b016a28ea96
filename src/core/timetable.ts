/** When a job runs, as data that one process hands to another. */
export interface JobTiming {
  readonly job: string;
  /** A cron expression or `every 12h`. */
  readonly schedule: string;
  readonly timezone: string;
  /** Milliseconds. */
  readonly splay: number;
  /** The last scheduled instant that a run has served, ISO 8601. */
  readonly lastSlot?: string;
}
