import type { Job } from "../core/job.ts";
import type { Settings } from "./defaults.ts";
import type { Resolution } from "./resolve.ts";

/** A configuration that was good when it was kept, for use while the present one is faulty. */
export interface LastGood {
  /** When it was last found good. */
  readonly asOf: Date;
  readonly jobs: readonly Job[];
  readonly settings: Settings;
}

/** Plain data for the state file. */
export interface LastGoodRecord {
  readonly version: 1;
  readonly asOf: string;
  readonly jobs: readonly Job[];
  readonly settings: Settings;
}

/**
 * The resolution as plain data for the state file; nothing if it is not good. Resolve it without flags: they
 * are meant for one run.
 */
export function toLastGood(resolution: Resolution, asOf: Date): LastGoodRecord | undefined {
  if (resolution.faults.length > 0) return undefined;
  return { version: 1, asOf: asOf.toISOString(), jobs: resolution.jobs, settings: resolution.settings };
}
