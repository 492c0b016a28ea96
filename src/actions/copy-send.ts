import type { CopyOrder } from "../core/copies.ts";
import { copiesThere } from "../core/copies-there.ts";
import type { CopyRegion } from "../core/copy-ports.ts";
import { descriptionOfCopy, tagsOfCopy } from "../core/copy-tags.ts";
import { type CopyTarget, policyThere } from "../core/copy-target.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Job } from "../core/job.ts";
import type { Clock, Log } from "../core/ports.ts";
import { pauseAfter } from "./backup.ts";

/** Milliseconds between two copies: EC2 gives back five a second of all that an account asks for (API throttling). */
const pace = 250;

/** Where copies go, and who sends them. */
export interface Sending {
  readonly job: Job;
  readonly target: CopyTarget;
  readonly region: CopyRegion;
  /** The Region that they are copied from. */
  readonly from: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The sweep that copies, where that is not the instance's agent. */
  readonly by?: string;
}

/** What became of the orders. `full`: the Region takes no more for now. */
export interface Sent {
  readonly begun: readonly { readonly order: CopyOrder; readonly copy: string }[];
  readonly failures: readonly { readonly order: CopyOrder; readonly failure: Failure }[];
  readonly dropped: readonly string[];
  readonly full: boolean;
}

/** Begins one copy after the other. What would be the same for each further one ends it; the next run goes on. */
export async function sendAll(
  orders: readonly CopyOrder[],
  sending: Sending,
  signal: AbortSignal,
): Promise<Sent> {
  const begun: { order: CopyOrder; copy: string }[] = [];
  const failures: { order: CopyOrder; failure: Failure }[] = [];
  const dropped = new Set<string>();
  const until = sending.clock.elapsed() + sending.job.waits.retryFor;
  for (const [index, order] of orders.entries()) {
    if (signal.aborted) break;
    if (index > 0) await sending.clock.sleep(pace, signal);
    const { copy, failure, without = [] } = await sendOne(order, sending, until, signal);
    for (const key of without) dropped.add(key);
    if (copy !== undefined) begun.push({ order, copy });
    if (failure === undefined) continue;
    if (isFull(failure)) return { begun, failures, dropped: [...dropped], full: true };
    failures.push({ order, failure });
    if (failure.kind !== "refused" && failure.kind !== "not-found") break;
  }
  return { begun, failures, dropped: [...dropped], full: false };
}

/** So many copies run already that EC2 takes no more: normal, and it passes. */
function isFull({ code }: Failure): boolean {
  return code === "ResourceLimitExceeded";
}

async function sendOne(
  order: CopyOrder,
  sending: Sending,
  until: number,
  signal: AbortSignal,
): Promise<{ copy?: string; failure?: Failure; without?: readonly string[] }> {
  const { job, target, region, from, clock, log, by } = sending;
  const birth = { ...order, from, target, policy: policyThere(job, target), ...(by && { by }) };
  const { tags, dropped } = tagsOfCopy(birth);
  const { kmsKeyId, completeWithin } = target;
  const request = {
    source: order.source.id,
    from,
    description: descriptionOfCopy(birth),
    tags,
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(completeWithin === undefined ? {} : { completeWithin }),
  };
  const fields = { job: job.name, point: order.point.id, snapshot: order.source.id };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const copy = await region.copy(request);
      log("info", `copying ${order.source.id} to ${target.region} as ${copy}`, fields);
      return { copy, without: dropped };
    } catch (error) {
      const failure = failureOf(error, `copy ${order.source.id} to ${target.region}`);
      if (failure.kind === "unknown-outcome") return reconciled(order, failure, sending, signal);
      const pause = pauseAfter(attempt, job.waits, clock);
      if (failure.kind !== "throttled" || signal.aborted || clock.elapsed() + pause > until)
        return { failure };
      await clock.sleep(pause, signal);
    }
  }
}

/**
 * Whether a copy that may have been begun was: CopySnapshot takes no token, so it is never sent again before that is
 * known. EC2 may show it only after minutes; one that it shows later still is found by the next run.
 */
async function reconciled(
  { point, source, replaces }: CopyOrder,
  failure: Failure,
  { region, job, clock, log }: Sending,
  signal: AbortSignal,
): Promise<{ copy?: string; failure?: Failure }> {
  const until = clock.elapsed() + job.waits.reconcileFor;
  const before = new Set(replaces.map(({ id }) => id));
  log("warn", `it is not known whether ${source.id} is being copied (${failure.found}); looking for it`);
  while (!signal.aborted && clock.elapsed() < until) {
    const there = await region.list(point.series, signal).catch((error: unknown) => {
      if (error instanceof BackupError) return undefined;
      throw error;
    });
    const mine = copiesThere(there?.snapshots ?? [], there?.asOf ?? clock.now()).find(
      (one) => one.point === point.id && one.source === source.id,
    );
    const found = mine?.keeper ?? mine?.failed.find(({ id }) => !before.has(id));
    if (found !== undefined) return { copy: found.id };
    await clock.sleep(job.waits.reconcileEvery, signal);
  }
  return { failure: { ...factsOf(failure), remedy: "the next run looks for it before it copies again" } };
}

function factsOf({ kind, doing, found, code }: Failure): Failure {
  return { kind, doing, found, ...(code === undefined ? {} : { code }) };
}
