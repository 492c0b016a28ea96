import { type Failure, interrupted } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import { readingOnce } from "../core/read-once.ts";
import type { Problem } from "../core/report.ts";
import { planSweep, type SeriesPlan } from "../core/sweep.ts";
import type { SweepInstance } from "../core/sweep-ports.ts";
import type { PruneSwept, SeriesSwept } from "../core/sweep-report.ts";
import { asksForVolumes, draftsOf, groundOf, pointsIn, type UnitGround } from "../core/sweep-series.ts";
import { rulesByStanzas } from "../core/sweep-stanzas.ts";
import type { Decided, SweepPruneDeps, SweepPruneOrder } from "./sweep-prune-deps.ts";
import { type Removed, removeGiven } from "./sweep-remove.ts";
import { troubleOf } from "./sweep-trouble.ts";
import type { Moving } from "./turns.ts";

/**
 * Removes in one unit what the policies give up that points record, of every instance, there or gone. All it goes by
 * is in EC2: what is interrupted goes on with the next sweep. Told to stop, it says what it has done.
 */
export async function sweepPrune(
  order: SweepPruneOrder,
  deps: SweepPruneDeps,
  signal: AbortSignal,
): Promise<{ readonly swept: PruneSwept; readonly problems: readonly Problem[] }> {
  const { decided, asOf, ...counts } = await deps.turns.taking(signal, (moving) =>
    decide(order, deps, moving, signal),
  );
  const doubt = dubious(asOf, order, deps.clock);
  const removed =
    doubt === undefined
      ? await removeGiven(decided, order, asOf, deps, signal)
      : { bySeries: new Map(), failures: [doubt], snapshots: 0 };
  const details = decided.map((one) => sweptOf(one, order, removed));
  return {
    swept: { asOf: asOf.toISOString(), ...counts, removedSnapshots: removed.snapshots, details },
    problems: troubleOf(details, removed.failures, deps.unit),
  };
}

interface Decisions {
  readonly decided: readonly Decided[];
  readonly asOf: Date;
  readonly series: number;
  readonly points: number;
  readonly snapshots: number;
}

/** What is to become of each series. Of all that is listed only this outlives it: removing takes hours. */
async function decide(
  order: SweepPruneOrder,
  deps: SweepPruneDeps,
  moving: Moving,
  signal: AbortSignal,
): Promise<Decisions> {
  const { ec2, rules, stanzas, tell } = deps;
  // Both whole before anything is decided; the instances first, so that one that is made meanwhile is not taken for gone.
  const instances = await ec2.instances(signal);
  const { snapshots, asOf } = await ec2.points(signal, (found) => {
    moving();
    tell("listed", found);
  });
  const ground = { unit: deps.unit, instances: listed(instances, deps), stanzas };
  const drafts = draftsOf(snapshots, rules.seriesOfGroups);
  const read = readingOnce();
  const asked = drafts.some((draft) => asksForVolumes(draft, asOf, ground, rules, read));
  const unit: UnitGround = asked ? { ...ground, volumes: await ec2.volumes(signal) } : ground;
  const decided: Decided[] = [];
  let points = 0;
  for (const [index, draft] of drafts.entries()) {
    const its = pointsIn(draft, asOf, read);
    points += its.length;
    const { keep, ...plan } = planSweep(its, groundOf(its, unit), rules, order, asOf);
    if (isWorthTelling(plan)) decided.push({ name: draft.name, plan: { ...plan, kept: keep.length } });
    // A long plan must not keep other units, deadlines and signals from their turn.
    if (index % 100 === 99) await deps.clock.sleep(0, signal);
    if (signal.aborted) throw interrupted("decide about points", "the sweep");
    moving();
  }
  return { decided, asOf, series: drafts.length, points, snapshots: snapshots.length };
}

function listed(
  instances: readonly SweepInstance[],
  { taggedRules, stanzas }: Pick<SweepPruneDeps, "taggedRules" | "stanzas">,
): UnitGround["instances"] {
  return new Map(
    instances.map((one) => {
      const { arn, state, tags } = one;
      const tagged = taggedRules(tags);
      const stanza = rulesByStanzas(one, stanzas);
      return [arn, { state, ...(tagged === undefined ? {} : { tagged }), ...(stanza && { stanza }) }];
    }),
  );
}

function isWorthTelling({
  remove,
  mark,
  unmark,
  waiting,
  postponed,
  silent,
  left,
}: Omit<SeriesPlan, "keep">): boolean {
  const moved = [remove, mark, unmark, waiting, postponed].some((list) => list.length > 0);
  return moved || silent > 0 || left !== undefined;
}

const day = 86_400_000;

/** EC2's clock ages the points; where this host disagrees by more than a day, one of the two is wrong. */
function dubious(asOf: Date, { yes }: SweepPruneOrder, clock: Clock): Failure | undefined {
  const apart = Math.abs(asOf.getTime() - clock.now().getTime());
  if (yes || apart <= day) return undefined;
  return {
    kind: "unexpected",
    doing: "judge the age of points",
    found: `EC2 dates the listing ${asOf.toISOString()}, and this host disagrees by ${Math.round(apart / day)} d`,
    remedy: "nothing is removed; find out which clock is wrong, or let `ec2-backup sweep --yes` go by EC2's",
    code: "DubiousClock",
  };
}

function sweptOf({ name, plan }: Decided, { dryRun }: SweepPruneOrder, removed: Removed): SeriesSwept {
  const ids = (points: SeriesPlan["remove"]) => points.map(({ id }) => id);
  const done = removed.bySeries.get(name);
  const gone = done?.removed ?? [];
  const count = plan.remove.length + plan.mark.length + plan.waiting.length + plan.postponed.length;
  const going = dryRun ? ids(plan.remove).filter((id) => !done?.held.includes(id)) : gone;
  return {
    series: name,
    points: plan.kept + count,
    kept: plan.kept + count - going.length,
    removed: going,
    marked: dryRun ? ids(plan.mark) : (done?.marked ?? []),
    unmarked: dryRun ? ids(plan.unmark) : (done?.unmarked ?? []),
    waiting: plan.waiting.length,
    postponed: plan.postponed.length,
    held: done?.held.length ?? 0,
    silent: plan.silent,
    expired: plan.expired,
    ...(plan.left === undefined ? {} : { left: plan.left }),
  };
}
