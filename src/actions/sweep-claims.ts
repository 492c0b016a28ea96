import { type Failure, failureOf } from "../core/errors.ts";
import type { Tags } from "../core/instance.ts";
import type { Clock } from "../core/ports.ts";
import { claimKey, claimOf, isOthers, isOwn } from "../core/sweep-claims.ts";
import type { SweepInstance } from "../core/sweep-ports.ts";

export interface ClaimDeps {
  readonly claims: {
    write(instances: readonly string[], value: string, signal: AbortSignal): Promise<void>;
    /** Takes away those of just this value, also for a sweep that is told to stop. */
    clear(instances: readonly string[], value: string): Promise<void>;
    /** Milliseconds until everybody sees what was written, and who wrote at the same time. */
    readonly shownAfter: number;
  };
  readonly run: string;
  readonly clock: Clock;
}

/**
 * Whose an instance is: this sweep's, or another's. In doubt, nothing but a look at its points keeps it from being captured
 * twice: there is no claim, or it came so late that another sweep may have come and gone before.
 */
export type Hold = "held" | "lost" | "doubtful";

/** When this sweep looked: EC2's clock as it listed the points, and this host's `elapsed` right before it listed the instances. */
export interface Seen {
  readonly asOf: Date;
  readonly elapsed: number;
}

/** The instances that this sweep may capture. */
export interface Claimed<T> {
  readonly mine: readonly T[];
  readonly others: readonly T[];
  /** Whose the instance is by its tags, as they are now. */
  readonly holds: (instance: string, tags: Tags) => Promise<Hold>;
  readonly failures: readonly Failure[];
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
  { asOf, elapsed }: Seen,
  signal: AbortSignal,
): Promise<Claimed<T>> {
  const others = overdue.filter(({ instance }) => isOthers(instance.tags, run, asOf));
  const mine = overdue.filter((one) => !others.includes(one));
  const ids = mine.map(({ instance }) => instance.id);
  const value = claimOf(run, asOf);
  const none = async () => undefined;
  const unclaimed = { mine, others, holds: async () => "doubtful" as const, clear: none };
  if (ids.length === 0) return { ...unclaimed, failures: [] };
  const refused = new Map<string, Failure>();
  const free = () => ids.filter((id) => !refused.has(id));
  // What stays for want of an answer is passed over after a while.
  const clear = () => claims.clear(free(), value).catch(none);
  let written: number;
  try {
    await writeApart(ids, value, claims, refused, signal);
    written = clock.elapsed();
    await clock.sleep(claims.shownAfter, signal);
  } catch (error) {
    const failure = failureOf(error, doing);
    if (failure.kind === "denied") return { ...unclaimed, failures: [failure] };
    // Whoever comes next would leave to this sweep what it does not do any more.
    await clear();
    throw error;
  }
  // No other sweep that waits as long has both claimed and captured in less.
  const isLate = written - elapsed > Math.max(claims.shownAfter / 2, prompt);
  let seen: Promise<void> | undefined;
  return {
    mine,
    others,
    async holds(id, tags) {
      if (refused.has(id)) return "doubtful";
      if (isOwn(tags, run)) return isLate ? "doubtful" : "held";
      if (tags[claimKey] !== undefined) return "lost";
      // Another sweep has ended, whose point is seen by then; or somebody takes off tags that are none of theirs.
      seen ??= clock.sleep(claims.shownAfter, signal);
      await seen;
      return "doubtful";
    },
    failures: [...new Set(refused.values())],
    clear,
  };
}

/** Takes off what dead sweeps have left. Nothing depends on it: an instance has room for 50 tags, and this one says nothing any more. */
export async function clearLeft(
  instances: readonly SweepInstance[],
  { claims, run }: Pick<ClaimDeps, "claims" | "run">,
  asOf: Date,
  signal: AbortSignal,
): Promise<void> {
  const left = instances.filter(
    ({ tags }) => tags[claimKey] !== undefined && !isOthers(tags, run, asOf) && !isOwn(tags, run),
  );
  for (const [value, some] of Map.groupBy(left, ({ tags }) => tags[claimKey] ?? "")) {
    if (signal.aborted) return;
    const ids = some.map(({ id }) => id);
    await claims.clear(ids, value).catch(() => undefined);
  }
}

/** Milliseconds from the look at the instances to the claims on them: what takes no longer is not late. */
const prompt = 10_000;

const doing = "tell other sweeps which instances this one captures";

/** So many that take no tag are looked for; the rest of their request goes without. */
const mostApart = 8;

/** One that takes no further tag, or is gone, has EC2 refuse all of a request: the others are written without it. */
async function writeApart(
  ids: readonly string[],
  value: string,
  claims: ClaimDeps["claims"],
  refused: Map<string, Failure>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await claims.write(ids, value, signal);
  } catch (error) {
    const failure = failureOf(error, doing);
    if (failure.kind !== "refused" && failure.kind !== "not-found") throw error;
    if (ids.length === 1 || refused.size >= mostApart) {
      for (const id of ids) refused.set(id, failure);
      return;
    }
    const half = Math.ceil(ids.length / 2);
    await writeApart(ids.slice(0, half), value, claims, refused, signal);
    await writeApart(ids.slice(half), value, claims, refused, signal);
  }
}
