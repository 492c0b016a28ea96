import { type Failure, failureOf, interrupted } from "../core/errors.ts";
import { inGroups } from "../core/in-groups.ts";
import type { AuditLine, Removal } from "../core/ports.ts";
import { type RecoveryPoint, rootFirst } from "../core/recovery-point.ts";
import { pointsAmong } from "../core/sweep-series.ts";
import { doomedSince } from "../core/sweep-tags.ts";
import { afterGrace } from "./after-grace.ts";
import { type Pace, pace } from "./pace.ts";
import type { Decided, SweepPruneDeps, SweepPruneOrder } from "./sweep-prune-deps.ts";

/** What became of the points of one series. */
export interface SeriesRemoved {
  readonly removed: string[];
  readonly marked: string[];
  readonly unmarked: string[];
  readonly held: string[];
}

export interface Removed {
  readonly bySeries: ReadonlyMap<string, SeriesRemoved>;
  readonly failures: readonly Failure[];
  /** Snapshots that are gone by this sweep. */
  readonly snapshots: number;
}

/** A point that is given up, with the series that it is of. */
interface Given {
  readonly name: string;
  readonly point: RecoveryPoint;
}

/** EC2 lets an account delete five snapshots a second, and agents delete beside us. */
const perSecond = 4;
/** Points that are looked at again at a time, right before they go. */
const batch = 100;
/** Points that are asked about at a time where none goes. */
const dryBatch = 1_000;
/** Points that EC2 denies one after the other, none having gone, before nothing more is asked for. */
const mostDenied = 10;
/** Tries of one deletion that EC2 turns away, since the account is busy. */
const mostTries = 8;

/** Marks, takes marks off and removes; of a dry run only what holds the points is asked. */
export async function removeGiven(
  decided: readonly Decided[],
  order: SweepPruneOrder,
  asOf: Date,
  deps: SweepPruneDeps,
  signal: AbortSignal,
): Promise<Removed> {
  const failures: Failure[] = [];
  const bySeries = new Map(
    decided.map(({ name }): [string, SeriesRemoved] => [
      name,
      { removed: [], marked: [], unmarked: [], held: [] },
    ]),
  );
  const last = afterGrace(signal);
  const work = new Removing(bySeries, failures, { ...deps, last: last.signal }, asOf);
  if (!order.dryRun) await work.changeMarks(decided, signal);
  const given = decided.flatMap(({ name, plan }) =>
    [...plan.remove].reverse().map((point): Given => ({ name, point })),
  );
  const step = order.dryRun ? dryBatch : batch;
  for (let from = 0; from < given.length && !work.isDenied; from += step) {
    if (signal.aborted) {
      failures.push(interrupted("remove old points", "the sweep"));
      break;
    }
    const some = given.slice(from, from + step);
    try {
      if (order.dryRun) await work.lookForHolds(some, signal);
      else await work.removeSome(some, { from, of: given.length }, signal);
    } catch (error) {
      failures.push(failureOf(error, "remove old points"));
      break;
    }
  }
  last.end();
  return { bySeries, failures, snapshots: work.snapshots };
}

interface RemovingDeps extends SweepPruneDeps {
  /** Ends requests that are under way still. */
  readonly last: AbortSignal;
}

/** One unit's removals: what has gone, what was refused, and at which pace the next may go. */
class Removing {
  snapshots = 0;
  readonly #pace: Pace;
  readonly #bySeries: ReadonlyMap<string, SeriesRemoved>;
  readonly #failures: Failure[];
  readonly #deps: RemovingDeps;
  readonly #asOf: Date;
  #denied = 0;

  constructor(
    bySeries: ReadonlyMap<string, SeriesRemoved>,
    failures: Failure[],
    deps: RemovingDeps,
    asOf: Date,
  ) {
    this.#pace = pace(perSecond, deps.clock);
    this.#bySeries = bySeries;
    this.#failures = failures;
    this.#deps = deps;
    this.#asOf = asOf;
  }

  get isDenied(): boolean {
    return this.#denied >= mostDenied && this.snapshots === 0;
  }

  /** What is kept again loses its mark before anything is removed. */
  async changeMarks(decided: readonly Decided[], signal: AbortSignal): Promise<void> {
    const { ec2 } = this.#deps;
    const change = async (of: "unmark" | "mark", done: "unmarked" | "marked") => {
      const all = decided.flatMap(({ name, plan }) => plan[of].map((point): Given => ({ name, point })));
      for (const some of inGroups(all, batch)) {
        if (signal.aborted) break;
        const ids = some.flatMap(({ point }) => point.snapshots.map(({ id }) => id));
        if (of === "mark") await ec2.mark(ids, this.#asOf, signal);
        else await ec2.unmark(ids, signal);
        for (const { name, point } of some) this.#bySeries.get(name)?.[done].push(point.id);
      }
    };
    try {
      await change("unmark", "unmarked");
      await change("mark", "marked");
    } catch (error) {
      this.#failures.push(failureOf(error, "mark points that are given up"));
    }
  }

  async lookForHolds(given: readonly Given[], signal: AbortSignal): Promise<void> {
    const known = await this.#deps.ec2.withHolds(
      given.map(({ point }) => point),
      signal,
    );
    this.#noteHeld(given, known);
  }

  /** Looks at some points once more and removes what has not changed since it was decided. */
  async removeSome(
    given: readonly Given[],
    at: { readonly from: number; readonly of: number },
    signal: AbortSignal,
  ): Promise<void> {
    const same = await this.#unchanged(given, signal);
    const known = await this.#deps.ec2.withHolds(same, signal);
    this.#noteHeld(given, known);
    const free = new Map(known.filter(({ holds }) => holds.length === 0).map((point) => [point.id, point]));
    for (const [index, { name, point }] of given.entries()) {
      if (signal.aborted || this.isDenied) break;
      const now = free.get(point.id);
      if (now === undefined) continue;
      if (await this.#removePoint(now, signal)) this.#bySeries.get(name)?.removed.push(point.id);
      this.#deps.tell("removed", at.from + index + 1, at.of);
    }
  }

  /** Another sweep, an agent or a person may have been there since the listing. */
  async #unchanged(given: readonly Given[], signal: AbortSignal): Promise<readonly RecoveryPoint[]> {
    const ids = given.map(({ point }) => point.id);
    const listed = await this.#deps.ec2.again(ids, signal);
    const now = new Map(pointsAmong(listed, this.#asOf).map((point) => [point.id, point]));
    return given.flatMap(({ point }) => {
      const found = now.get(point.id);
      return found !== undefined && isSame(point, found) ? [found] : [];
    });
  }

  #noteHeld(given: readonly Given[], known: readonly RecoveryPoint[]): void {
    const held = new Set(known.filter(({ holds }) => holds.length > 0).map(({ id }) => id));
    for (const { name, point } of given)
      if (held.has(point.id)) this.#bySeries.get(name)?.held.push(point.id);
  }

  /** Member by member, the root volume first, until one is refused, so that no set is halved. */
  async #removePoint(point: RecoveryPoint, signal: AbortSignal): Promise<boolean> {
    try {
      const members = rootFirst(point);
      for (const { id } of members) await this.#deps.audit.append(this.#lineOf(point, id, "removing"));
      for (const { id } of members) {
        const { outcome, failure } = await this.#removeOne(id, signal);
        await this.#deps.audit.append(this.#lineOf(point, id, outcome));
        this.#deps.log(outcome === "failed" ? "warn" : "info", `${outcome}: ${id}`, {
          run: this.#deps.run,
          point: point.id,
          snapshot: id,
        });
        if (outcome === "removed") this.snapshots += 1;
        if (outcome !== "failed" && outcome !== "held") continue;
        if (failure !== undefined) this.#failures.push(failure);
        if (failure?.kind === "denied") this.#denied += 1;
        return false;
      }
      return true;
    } catch (error) {
      this.#failures.push(failureOf(error, `remove point ${point.id}`));
      return false;
    }
  }

  async #removeOne(id: string, signal: AbortSignal): Promise<Pick<Removal, "outcome" | "failure">> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#pace.turn(signal);
      const ended = await this.#deps.ec2.remove(id, this.#deps.last);
      if (ended.failure?.kind !== "throttled" || attempt === mostTries || signal.aborted) return ended;
      this.#pace.slower();
    }
  }

  #lineOf(point: RecoveryPoint, snapshot: string, outcome: AuditLine["outcome"]): AuditLine {
    return {
      time: this.#deps.clock.now().toISOString(),
      run: this.#deps.run,
      unit: this.#deps.unit.id,
      job: point.job,
      point: point.id,
      snapshot,
      volume: point.snapshots.find(({ id }) => id === snapshot)?.volumeId ?? "",
      captured: point.captured.toISOString(),
      outcome,
    };
  }
}

/** What was decided holds for the point as it was: a member more, another state or a lost mark, and it is another. */
function isSame(before: RecoveryPoint, now: RecoveryPoint): boolean {
  const members = new Set(now.snapshots.map(({ id }) => id));
  return (
    before.state === now.state &&
    before.series === now.series &&
    before.snapshots.length === members.size &&
    before.snapshots.every(({ id }) => members.has(id)) &&
    doomedSince(before)?.getTime() === doomedSince(now)?.getTime()
  );
}
