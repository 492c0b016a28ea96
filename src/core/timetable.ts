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
  /** Where no run has served one: when a daemon here first heard of the job, ISO 8601. */
  readonly firstSeen?: string;
}

/**
 * The jobs of a host that have served no slot yet, as one daemon leaves them to the next: on a host that is off at
 * each of their slots nothing else tells that one was missed.
 */
export interface UnservedJobs {
  readonly version: 1;
  /** Whose they are: what is found in an image is another instance's. */
  readonly instance: string;
  /** When a daemon first heard of each, ISO 8601. */
  readonly firstSeen: Readonly<Record<string, string>>;
}

/** What is to be kept of a timetable. `kept`: what was, whatever it is; a date that is still to come is no such date. */
export function unservedJobs(
  kept: unknown,
  instance: string,
  timetable: readonly JobTiming[],
  now: Date,
): UnservedJobs {
  const { version, instance: whose, firstSeen } = (kept ?? {}) as Readonly<Record<string, unknown>>;
  const known = new Map(Object.entries(version === 1 && whose === instance ? (firstSeen ?? {}) : {}));
  const jobs = timetable.filter(({ lastSlot }) => lastSlot === undefined);
  const dates = jobs.map(({ job }): [string, string] => {
    const seen: unknown = known.get(job);
    const isPast = typeof seen === "string" && Date.parse(seen) <= now.getTime();
    return [job, isPast ? seen : now.toISOString()];
  });
  return { version: 1, instance, firstSeen: Object.fromEntries(dates) };
}
