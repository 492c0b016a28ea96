import { copiesThere } from "../core/copies-there.ts";
import { type Failure, failureOf } from "../core/errors.ts";
import { tagKeys } from "../core/point-tags.ts";
import type { AuditLine } from "../core/ports.ts";
import type { Snapshot } from "../core/recovery-point.ts";
import { copyKeys } from "../core/restore-copies.ts";
import { type DestinationPlan, type LinePlan, ordersOf, planLine, withinRoom } from "../core/sweep-copy.ts";
import type { DestinationSwept } from "../core/sweep-report.ts";
import { type Sent, sendAll } from "./copy-send.ts";
import { pace } from "./pace.ts";
import type { CopyDestination, SweepCopyDeps } from "./sweep-copy-deps.ts";

/** What became of a plan. */
export interface Gone extends Pick<DestinationSwept, "begun" | "cleared"> {
  readonly failures: readonly Failure[];
  readonly yielded: boolean;
}

export const nothingGone: Gone = { begun: [], cleared: [], failures: [], yielded: false };

interface Place {
  readonly name: string;
  readonly destination: CopyDestination;
  readonly dryRun: boolean;
  /** The copies there as they were when it was planned. */
  readonly there: readonly Snapshot[];
}

/** EC2 gives back five requests a second of all that an account asks for, and agents copy, too. */
const perSecond = 2;

/** Sends what there is room for and clears what is of no use, as far as it is still so when its turn comes. */
export async function sendDue(
  plan: DestinationPlan,
  place: Place,
  deps: SweepCopyDeps,
  signal: AbortSignal,
): Promise<Gone> {
  const { destination, dryRun } = place;
  const running = plan.due.length === 0 ? 0 : await destination.region.running(signal);
  const groups = withinRoom(plan.due, running);
  if (dryRun) return wouldGo(plan, groups);
  const work = new Copying(place, deps);
  if (groups.length > 0) await work.stepAside(signal);
  for (const { plan: line, sources } of groups) {
    if (signal.aborted || work.isOver) break;
    deps.tell(`copying to ${place.name}`);
    await work.line(line, sources, signal);
  }
  const served = new Set(groups.map(({ plan: line }) => line));
  for (const line of plan.lines) {
    if (signal.aborted || line.clear.length === 0 || served.has(line)) continue;
    await work.line(line, new Set(), signal);
  }
  return work.gone();
}

function wouldGo({ lines }: DestinationPlan, groups: ReturnType<typeof withinRoom>): Gone {
  return {
    ...nothingGone,
    begun: groups.flatMap(({ plan, sources }) =>
      ordersOf(plan)
        .filter(({ source }) => sources.has(source.id))
        .map(({ point, source }) => ({ series: plan.line.series, point: point.id, source: source.id })),
    ),
    cleared: lines.flatMap(({ clear }) => clear.map(({ copy, because }) => ({ snapshot: copy.id, because }))),
  };
}

/** The work in one Region. */
class Copying {
  /** Whatever is left would end alike, or is another sweep's. */
  isOver = false;
  readonly #place: Place;
  readonly #deps: SweepCopyDeps;
  readonly #before: ReadonlySet<string>;
  readonly #keys = new Map<string, Failure | undefined>();
  readonly #pace: ReturnType<typeof pace>;
  readonly #begun: DestinationSwept["begun"][number][] = [];
  readonly #cleared: DestinationSwept["cleared"][number][] = [];
  readonly #failures: Failure[] = [];
  #yielded = false;
  #isFirst = true;

  constructor(place: Place, deps: SweepCopyDeps) {
    this.#place = place;
    this.#deps = deps;
    this.#before = new Set(place.there.map(({ id }) => id));
    this.#pace = pace(perSecond, deps.clock);
  }

  gone(): Gone {
    const [begun, cleared, failures] = [this.#begun, this.#cleared, this.#failures];
    return { begun, cleared, failures, yielded: this.#yielded };
  }

  /** Two sweeps that start at the same moment do not go on at the same moment. */
  async stepAside(signal: AbortSignal): Promise<void> {
    const { clock, jobOf } = this.#deps;
    const { waits } = jobOf("", { counts: {}, timezone: "UTC", demanded: "crash", shrinkDelay: 0 });
    await clock.sleep(clock.random() * Math.min(5_000, waits.retryEvery), signal);
  }

  /** One series: looked at once more, with all tags, since what has been decided may be long ago. */
  async line(planned: LinePlan, sources: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { line } = planned;
    const { destination, name } = this.#place;
    try {
      await this.#pace.turn(signal);
      const here = line.here.length === 0 ? undefined : await this.#deps.source.list(line, signal);
      const there = await destination.region.list(line.series, signal);
      if (this.#isAnothers(there.snapshots)) return;
      const known = { ...line, here: here?.points ?? [] };
      const now = planLine(known, there.snapshots, there.asOf, here?.asOf ?? there.asOf);
      const orders = ordersOf(now).filter(({ source }) => sources.has(source.id));
      const sent = orders.length === 0 ? [] : await this.#send(now, orders, signal);
      const replaced = sent.flatMap(({ replaces }) =>
        replaces.map((copy) => ({ copy, because: "failed" as const })),
      );
      const all = new Map([...now.clear, ...replaced].map((one) => [one.copy.id, one]));
      for (const { copy, because } of all.values()) await this.#clear(copy, because, signal);
    } catch (error) {
      const failure = failureOf(error, `copy ${line.series} to ${name}`);
      this.#failures.push(failure);
      if (failure.kind !== "refused" && failure.kind !== "not-found") this.isOver = true;
    }
  }

  /** Whether another sweep has begun copies there since it was looked: it is at the same work, and goes on with it. */
  #isAnothers(there: readonly Snapshot[]): boolean {
    const fresh = there.filter(({ id }) => !this.#before.has(id));
    const others = fresh.filter(({ tags }) => (tags[copyKeys.by] ?? this.#deps.run) !== this.#deps.run);
    if (others.length === 0) return false;
    this.#yielded = true;
    this.isOver = true;
    return true;
  }

  /** The very first copy goes alone: where another sweep has begun the same, the later of the two yields. */
  async #send(plan: LinePlan, orders: ReturnType<typeof ordersOf>, signal: AbortSignal) {
    const [first] = orders;
    const some = this.#isFirst ? orders.slice(0, 1) : orders;
    const sent = [...(await this.#sendSome(plan, some, signal))];
    if (!this.#isFirst || first === undefined || this.isOver) return sent;
    this.#isFirst = false;
    const { snapshots, asOf } = await this.#place.destination.region.list(plan.line.series, signal);
    const mine = copiesThere(snapshots, asOf).find(
      ({ point, source }) => point === first.point.id && source === first.source.id,
    );
    if ((mine?.keeper?.tags[copyKeys.by] ?? this.#deps.run) !== this.#deps.run) {
      this.#yielded = true;
      this.isOver = true;
      return sent;
    }
    return orders.length === 1 ? sent : [...sent, ...(await this.#sendSome(plan, orders.slice(1), signal))];
  }

  async #sendSome({ line }: LinePlan, orders: ReturnType<typeof ordersOf>, signal: AbortSignal) {
    const { unit, clock, log, run, jobOf } = this.#deps;
    const { region } = this.#place.destination;
    const trouble = await this.#keyTrouble(line.target.kmsKeyId, signal);
    if (trouble !== undefined) return [];
    const job = jobOf(line.job, line.policy);
    const sending = { job, target: line.target, region, from: unit.region, clock, log, by: run };
    const sent: Sent = await sendAll(orders, sending, signal);
    for (const { order, copy } of sent.begun)
      this.#begun.push({ series: line.series, point: order.point.id, source: order.source.id, copy });
    this.#failures.push(...sent.failures.map(({ failure }) => failure));
    const ends = sent.failures.some(({ failure: { kind } }) => kind !== "refused" && kind !== "not-found");
    if (sent.full || ends) this.isOver = true;
    return sent.begun.map(({ order }) => order);
  }

  /** A key that is known to be wrong is told once and spares its copies a failure minutes later. */
  async #keyTrouble(key: string | undefined, signal: AbortSignal): Promise<Failure | undefined> {
    if (key === undefined) return undefined;
    if (!this.#keys.has(key)) {
      const trouble = await this.#place.destination.region.keyTrouble(key, signal);
      this.#keys.set(key, trouble);
      if (trouble !== undefined) this.#failures.push(trouble);
    }
    return this.#keys.get(key);
  }

  async #clear(copy: Snapshot, because: string, signal: AbortSignal): Promise<void> {
    const { audit } = this.#deps;
    await this.#pace.turn(signal);
    if (signal.aborted) return;
    await audit.append(this.#lineOf(copy, "removing"));
    const { outcome, failure } = await this.#place.destination.remove(copy.id, signal);
    await audit.append(this.#lineOf(copy, outcome));
    if (outcome === "removed" || outcome === "was-gone") this.#cleared.push({ snapshot: copy.id, because });
    else if (failure !== undefined && outcome === "failed") this.#failures.push(failure);
  }

  #lineOf({ id, tags }: Snapshot, outcome: AuditLine["outcome"]): AuditLine {
    const { clock, run, unit } = this.#deps;
    return {
      time: clock.now().toISOString(),
      run,
      unit: `${unit.account}/${this.#place.name}`,
      job: tags[tagKeys.job] ?? "",
      point: tags[tagKeys.point] ?? "",
      snapshot: id,
      volume: tags[copyKeys.volume] ?? "",
      captured: tags[tagKeys.captured] ?? "",
      outcome,
    };
  }
}
