import { type Failure, failureOf } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import type { Clock } from "../core/ports.ts";
import { claimOf, isOthers, isOwn } from "../core/sweep-claims.ts";
import type { SweepInstance } from "../core/sweep-ports.ts";

export interface ClaimDeps {
  readonly claims: {
    write(instances: readonly string[], value: string, signal: AbortSignal): Promise<void>;
    /** Takes away those of just this value. */
    clear(instances: readonly string[], value: string, signal: AbortSignal): Promise<void>;
    /** Milliseconds until everybody sees what was written, and who wrote at the same time. */
    readonly shownAfter: number;
  };
  readonly run: string;
  readonly clock: Clock;
}

/** The instances that this sweep may capture. */
export interface Claimed<T> {
  readonly mine: readonly T[];
  readonly others: readonly T[];
  /** Whether the instance's tags, as they are now, still say so. */
  readonly holds: (tags: Tags) => boolean;
  readonly failure?: Failure;
  readonly clear: () => Promise<void>;
}

/**
 * Two sweeps at once would both find an instance overdue, and capture it twice: EC2 has nothing that makes the second
 * request the first. So each writes its name on the instance; of two the later one overwrites, and once everybody must see it,
 * the one goes on whose name is there. Who may not write captures all the same: rather two points than none.
 */
export async function claim<T extends { readonly instance: SweepInstance }>(
  overdue: readonly T[],
  { claims, run, clock }: ClaimDeps,
  asOf: Date,
  signal: AbortSignal,
): Promise<Claimed<T>> {
  const others = overdue.filter(({ instance }) => isOthers(instance.tags, run, asOf));
  const mine = overdue.filter((one) => !others.includes(one));
  const ids = mine.map(({ instance }) => instance.id);
  const value = claimOf(run, asOf);
  const none = async () => undefined;
  if (ids.length === 0) return { mine, others, holds: () => true, clear: none };
  try {
    await claims.write(ids, value, signal);
  } catch (error) {
    const failure = failureOf(error, "tell other sweeps which instances this one captures");
    // It may be written all the same; the next sweep goes on.
    if (failure.kind !== "denied") throw error;
    return { mine, others, holds: () => true, failure, clear: none };
  }
  await clock.sleep(claims.shownAfter, signal);
  return {
    mine,
    others,
    holds: (tags) => isOwn(tags, run),
    // What stays for want of an answer is passed over after a while.
    clear: () => claims.clear(ids, value, signal).catch(none),
  };
}
