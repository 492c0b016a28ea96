import type { VssMode } from "./job.ts";
import type { Consistency } from "./retention-policy.ts";

/** What a snapshot deserves to be called that VSS made: without its writers no application held. */
export function consistencyOfVss(mode: VssMode): Consistency {
  return mode === "no-writers" ? "filesystem" : "application";
}

/** What a job with VSS demands of its points. */
export function demandedOfVss(mode: VssMode, consistency: Consistency | undefined): Consistency {
  return consistency ?? consistencyOfVss(mode);
}
