import { type CopyPlan, planCopies } from "../core/copies.ts";
import { pointsThere } from "../core/copies-there.ts";
import type { CopyRegion } from "../core/copy-ports.ts";
import { type CopyTarget, policyThere } from "../core/copy-target.ts";
import { failureOf } from "../core/errors.ts";
import { seriesOf } from "../core/job.ts";
import type { Listing } from "../core/ports.ts";
import type { CopyReport, RetentionReport } from "../core/report.ts";
import { clockApart, failedCopies, inRegion, notSent } from "./copy-failures.ts";
import { type Sent, sendAll } from "./copy-send.ts";
import { prune, removePoint } from "./prune.ts";
import type { RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/** What this occasion may do in the other Regions. */
export interface CopyRights {
  /** Begin copies. */
  readonly send: boolean;
  /** Remove what retention there gives up, and what is of no use. */
  readonly tidy: boolean;
  /** Only failed sets may go: while new points fail here, the old ones there are all there is. */
  readonly failedOnly: boolean;
}

/** What the parts of the work in one Region have in common. */
export interface Copying {
  readonly request: RunRequest;
  readonly deps: RunDeps;
  readonly record: Recorder;
  readonly rights: CopyRights;
  readonly target: CopyTarget;
  readonly region: CopyRegion;
  readonly here: Listing;
}

/** One look at a Region: what is there, and what follows from it. */
interface Look extends CopyPlan {
  readonly asOf: Date;
  /** Copies that were begun and that EC2 does not show yet. */
  readonly unseen: readonly Unseen[];
}

interface Unseen {
  readonly source: string;
  readonly copy: string;
  /** When it was begun, by the clock that only goes on. */
  readonly at: number;
}

/** Where a Region could not be asked. */
export const emptyReport = ({ region }: CopyTarget): CopyReport => ({
  region,
  begun: [],
  running: 0,
  complete: 0,
  waiting: [],
  failed: [],
  left: [],
  cleared: [],
});

/** Looks, sends, clears and thins; with `--wait` until all is whole there. */
export async function copyTo(copying: Copying, signal: AbortSignal, limit: AbortSignal): Promise<CopyReport> {
  const { target, record, request, deps } = copying;
  const empty = emptyReport(target);
  const begun: CopyReport["begun"][number][] = [];
  const cleared: CopyReport["cleared"][number][] = [];
  let unseen: readonly Unseen[] = [];
  for (;;) {
    const look = await record.step(`look at the copies in ${target.region}`, () =>
      lookAt(copying, unseen, signal, limit),
    );
    if (look === undefined) return { ...empty, begun, cleared };
    const sent = await send(look, copying, signal, limit);
    const waiting = [...look.wait, ...notBegun(look, sent)].map(({ point }) => point.id);
    begun.push(...begunOf(look, sent, request.planned));
    if (copying.rights.tidy) cleared.push(...(await clear(look, sent, copying, signal)));
    const under = look.points.filter(({ state }) => state === "pending").length;
    const at = deps.clock.elapsed();
    unseen = [
      ...look.unseen,
      ...sent.begun.map(({ order, copy }) => ({ source: order.source.id, copy, at })),
    ];
    const isDone = waiting.length + under + unseen.length === 0 || sent.failures.length > 0;
    if (!request.wait || request.planned || isDone || signal.aborted)
      return closed(look, { ...empty, begun, cleared, waiting: [...new Set(waiting)] }, copying, signal);
    await deps.clock.sleep(request.job.waits.settleEvery, signal);
  }
}

async function lookAt(
  copying: Copying,
  begun: readonly Unseen[],
  signal: AbortSignal,
  limit: AbortSignal,
): Promise<Look> {
  const { request, target, region, here, rights, deps } = copying;
  const { job, discovery } = request;
  try {
    const { snapshots, asOf } = await region.list(seriesOf(job.name, discovery.instance.arn), signal);
    const scene = {
      here: here.points,
      there: snapshots,
      policy: policyThere(job, target),
      now: asOf,
      running: 0,
    };
    const shown = new Set(snapshots.map(({ id }) => id));
    const since = deps.clock.elapsed() - job.waits.reconcileFor;
    const unseen = begun.filter(({ copy, at }) => !shown.has(copy) && at > since);
    const hidden = new Set(unseen.map(({ source }) => source));
    const plan = planCopies(scene);
    if (plan.copy.length === 0 || !rights.send) return { ...plan, asOf, unseen };
    const now = planCopies({ ...scene, running: await region.running(signal) });
    // Minutes may pass before EC2 shows what it has begun: asked for again, it would be made twice.
    return { ...now, copy: now.copy.filter(({ source }) => !hidden.has(source.id)), asOf, unseen };
  } catch (error) {
    throw inRegion(failureOf(error, "list the copies"), target, limit);
  }
}

/** Sends what there is room for; of a plan or an occasion that only removes, nothing. */
async function send(look: Look, copying: Copying, signal: AbortSignal, limit: AbortSignal): Promise<Sent> {
  const { request, record, rights, target, region, deps } = copying;
  const nothing = { begun: [], failures: [], dropped: [], full: false };
  if (!rights.send || request.planned || look.copy.length === 0) return nothing;
  const { kmsKeyId } = target;
  if (kmsKeyId !== undefined) {
    const trouble = await region.keyTrouble(kmsKeyId, signal);
    if (trouble !== undefined) {
      record.report("error", inRegion(trouble, target, limit));
      return nothing;
    }
  }
  const { job, discovery } = request;
  const sending = { job, target, region, from: discovery.instance.region, clock: deps.clock, log: deps.log };
  const sent = await record.step(`copy to ${target.region}`, () => sendAll(look.copy, sending, signal));
  if (sent === undefined) return nothing;
  for (const failure of notSent(sent, job, target)) record.report("error", failure);
  if (sent.dropped.length > 0)
    record.report("notice", {
      kind: "refused",
      doing: `tag the copies in ${target.region}`,
      found: `EC2 takes 50 tags, so these were left out: ${sent.dropped.join(", ")}`,
      code: "TagsDropped",
    });
  return sent;
}

function notBegun(look: Look, { begun }: Sent): CopyPlan["copy"] {
  const ids = new Set(begun.map(({ order }) => order.source.id));
  return look.copy.filter(({ source }) => !ids.has(source.id));
}

function begunOf(look: Look, sent: Sent, planned: boolean): CopyReport["begun"] {
  if (planned) return look.copy.map(({ point, source }) => ({ point: point.id, source: source.id }));
  return sent.begun.map(({ order, copy }) => ({ point: order.point.id, source: order.source.id, copy }));
}

/** Removes copies that are of no use: replaced failures, and doubles. */
async function clear(
  look: Look,
  sent: Sent,
  copying: Copying,
  signal: AbortSignal,
): Promise<CopyReport["cleared"]> {
  const { request, deps, record, region, target } = copying;
  const replaced = sent.begun.flatMap(({ order }) =>
    order.replaces.map((copy) => ({ copy, because: "failed" as const })),
  );
  const known = new Set(look.clear.map(({ copy }) => copy.id));
  const all = [...look.clear, ...replaced.filter(({ copy }) => !known.has(copy.id))];
  if (request.planned) return all.map(({ copy, because }) => ({ snapshot: copy.id, because }));
  const cleared: { snapshot: string; because: string }[] = [];
  const tools = { ...deps, engine: region.engine, record, run: request.run, region: target.region };
  const until = deps.clock.elapsed() + request.job.waits.retryFor;
  for (const { copy, because } of all) {
    // Alone, without the others of its set, which stay.
    const [alone] = pointsThere(
      [{ point: "", source: "", keeper: copy, doubled: [], failed: [] }],
      look.asOf,
    );
    if (alone === undefined) continue;
    const removals = await removePoint(alone, request.job, until, tools, signal);
    if (removals.every(({ outcome }) => outcome === "removed" || outcome === "was-gone"))
      cleared.push({ snapshot: copy.id, because });
  }
  return cleared;
}

/** What is left to do once nothing more is sent: what failed is told, what is given up there is removed. */
async function closed(
  look: Look,
  report: CopyReport,
  copying: Copying,
  signal: AbortSignal,
): Promise<CopyReport> {
  const { request, record, target, here } = copying;
  if (look.bad.length > 0) record.report("error", failedCopies(look.bad, request.job, target));
  const retention = copying.rights.tidy ? await thin(look, copying, signal) : undefined;
  const gone = new Set(
    retention?.removals.filter(({ outcome }) => outcome === "removed").map((one) => one.point),
  );
  const left = look.points.filter(({ id }) => !gone.has(id));
  const age = look.behind === undefined ? 0 : here.asOf.getTime() - look.behind.captured.getTime();
  return {
    ...report,
    asOf: look.asOf.toISOString(),
    running: left.filter(({ state }) => state === "pending").length,
    complete: left.filter(({ state }) => state === "complete").length,
    failed: look.bad.map(({ point, source, copy, attempt, retryAt }) => ({
      point,
      source,
      copy: copy.id,
      message: copy.stateMessage ?? "EC2 says no reason",
      attempt,
      ...(retryAt && { retryAt: retryAt.toISOString() }),
    })),
    left: look.left.map(({ point, because }) => ({ point: point.id, because })),
    lagSeconds: Math.max(0, Math.round(age / 1000)),
    ...(retention && { retention }),
  };
}

/** By the retention of the target alone: that a point is gone here is no reason to remove its copy. */
async function thin(look: Look, copying: Copying, signal: AbortSignal): Promise<RetentionReport | undefined> {
  const { request, deps, record, rights, target, region, here } = copying;
  const apart = clockApart(here.asOf, look.asOf, request.job, target);
  if (apart !== undefined) {
    record.report("error", apart);
    return undefined;
  }
  const job = { ...request.job, retention: policyThere(request.job, target) };
  const engine = request.planned ? { ...region.engine, remove: leaving } : region.engine;
  const tools = { ...deps, engine, record, run: request.run, region: target.region };
  const failedOnly = rights.failedOnly || look.bad.length > 0;
  const consent = { ...request.consent, failedOnly };
  return record.step(`prune in ${target.region}`, () =>
    prune(job, { points: look.points, asOf: look.asOf }, consent, tools, signal),
  );
}

const leaving: CopyRegion["engine"]["remove"] = async function* ({ snapshots }) {
  for (const { id, volumeId } of snapshots)
    yield await Promise.resolve({ snapshotId: id, volumeId, outcome: "left" as const });
};
