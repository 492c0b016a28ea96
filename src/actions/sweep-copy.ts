import { failureOf, interrupted } from "../core/errors.ts";
import { type Problem, problemOf } from "../core/report.ts";
import { type CopyLine, lagOf, planDestination } from "../core/sweep-copy.ts";
import { copyLinesOf } from "../core/sweep-copy-lines.ts";
import type { CopySwept, DestinationSwept } from "../core/sweep-report.ts";
import type { SweepCopyDeps } from "./sweep-copy-deps.ts";
import { type Gone, nothingGone, sendDue } from "./sweep-copy-send.ts";
import { failedThere, unreadLines } from "./sweep-copy-trouble.ts";
import { onceEach } from "./sweep-trouble.ts";

/**
 * Copies the points of a unit into other Regions, of instances that are there or gone. All it goes by are the tags in
 * both Regions: what is interrupted goes on with the next sweep. One Region that does not answer delays no other.
 */
export async function sweepCopy(
  dryRun: boolean,
  deps: SweepCopyDeps,
  signal: AbortSignal,
): Promise<{ readonly swept: CopySwept; readonly problems: readonly Problem[] }> {
  const { ec2, unit, rules, regionsOf, regionsFor } = deps;
  const instances = await ec2.instances(signal);
  const { snapshots, asOf } = await ec2.points(signal);
  const ground = { unit, instances, rules, regionsOf, ...(regionsFor && { regionsFor }) };
  const { lines, unread } = copyLinesOf(snapshots, asOf, ground);
  const byRegion = Map.groupBy(lines, ({ target }) => target.region);
  const done = await Promise.all(
    [...byRegion].map(([region, its]) => oneRegion(region, its, { asOf, dryRun }, deps, signal)),
  );
  return {
    swept: { asOf: asOf.toISOString(), destinations: done.map(({ swept }) => swept) },
    problems: [...unreadLines(unread, unit), ...done.flatMap(({ problems }) => problems)],
  };
}

interface Done {
  readonly swept: DestinationSwept;
  readonly problems: readonly Problem[];
}

interface Given {
  readonly asOf: Date;
  readonly dryRun: boolean;
}

async function oneRegion(
  region: string,
  lines: readonly CopyLine[],
  given: Given,
  deps: SweepCopyDeps,
  signal: AbortSignal,
): Promise<Done> {
  try {
    return await copyInto(region, lines, given, deps, signal);
  } catch (error) {
    const { kind, doing, found, remedy, code } = failureOf(error, `copy to ${region}`);
    const more = { ...(remedy === undefined ? {} : { remedy }), ...(code === undefined ? {} : { code }) };
    const where = doing.includes(region) ? doing : `${doing} in ${region}`;
    return {
      swept: { ...empty(region, lines) },
      problems: [problemOf("error", { kind, doing: where, found, ...more })],
    };
  }
}

const empty = (region: string, lines: readonly CopyLine[]): DestinationSwept => ({
  region,
  series: new Set(lines.map(({ series }) => series)).size,
  begun: [],
  waiting: 0,
  leftToAgents: 0,
  left: [],
  failed: [],
  cleared: [],
});

async function copyInto(
  name: string,
  lines: readonly CopyLine[],
  { asOf: here, dryRun }: Given,
  deps: SweepCopyDeps,
  signal: AbortSignal,
): Promise<Done> {
  const destination = await deps.destination(name);
  const { snapshots: there, asOf } = await destination.copies(signal);
  const plan = planDestination(lines, there, deps.unit.region, { now: asOf, here });
  const gone: Gone =
    plan.due.length === 0 && plan.lines.every(({ clear }) => clear.length === 0)
      ? nothingGone
      : await sendDue(plan, { name, destination, dryRun, there }, deps, signal);
  const failures = [...gone.failures];
  if (signal.aborted) failures.push(interrupted(`copy to ${name}`, "the sweep"));
  const bad = plan.lines.flatMap(({ bad: some, line }) => some.map((one) => ({ ...one, line })));
  const thinned = signal.aborted
    ? undefined
    : await destination.thin?.(signal).catch((error: unknown) => {
        // Told beside what has been begun, which it takes nothing away from.
        failures.push(failureOf(error, `thin the copies in ${name}`));
        return undefined;
      });
  const lefts = Map.groupBy(
    plan.lines.flatMap(({ left }) => left),
    ({ because }) => because.replace(/snap-[0-9a-f]+/g, "a snapshot"),
  );
  const isLeft = plan.lines.reduce((sum, one) => sum + leftCount(one), 0);
  return {
    swept: {
      ...empty(name, lines),
      asOf: asOf.toISOString(),
      begun: gone.begun,
      waiting: Math.max(0, plan.due.length - gone.begun.length),
      leftToAgents: isLeft,
      left: [...lefts].map(([because, its]) => ({ because, points: its.length })),
      failed: bad.map(({ point, source, copy, attempt, retryAt, line }) => ({
        series: line.series,
        point,
        source,
        copy: copy.id,
        message: copy.stateMessage ?? "EC2 says no reason",
        attempt,
        ...(retryAt && { retryAt: retryAt.toISOString() }),
      })),
      cleared: gone.cleared,
      lagSeconds: Math.round(lagOf(plan.lines, here) / 1_000),
      ...(gone.yielded ? { yielded: true as const } : {}),
      ...(thinned && { prune: thinned.swept }),
    },
    problems: [
      ...onceEach(failures).map((failure) => problemOf("error", failure)),
      ...failedThere(bad, name),
      ...(thinned?.problems ?? []),
    ],
  };
}

/** Points that would be due if they were not their agent's. */
function leftCount({ copy, wait, leftToAgent }: ReturnType<typeof planDestination>["lines"][number]): number {
  return new Set([...copy, ...wait].map(({ point }) => point.id).filter((id) => leftToAgent.has(id))).size;
}
