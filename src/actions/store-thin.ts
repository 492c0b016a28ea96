import type { RecoveryPoint } from "../core/recovery-point.ts";
import type { RetentionReport } from "../core/report.ts";
import type { StoredListing } from "../core/stored-ports.ts";
import { factsOfSeries, storedPromise } from "../core/stored-series.ts";
import { leaveBeyond } from "./leave-beyond.ts";
import { prune } from "./prune.ts";
import { gateOf } from "./prune-gate.ts";
import {
  isOf,
  lineOf,
  type OpenedStore,
  pointsOf,
  type Round,
  type StoredLine,
  type StoredThing,
  subjectOf,
} from "./store-things.ts";

/** Judges each series of a thing by itself, and removes what may go. */
export async function thinThing(
  thing: StoredThing,
  opened: OpenedStore,
  listing: StoredListing,
  round: Round,
): Promise<void> {
  const known = new Set(thing.lines.map(({ series }) => series));
  for (const point of listing.points) {
    if (known.has(point.series) || !isOf(thing, point.series)) continue;
    known.add(point.series);
    const source = `${thing.source}${point.series.slice(thing.series.length)}`;
    const kind = "dump" in thing.wish ? thing.wish.dump.kind : undefined;
    const line = lineOf(thing, subjectOf(source, kind), point.series);
    // It was looked for in this run and is no part of the dump any more.
    if (thing.known) line.report = { ...line.report, outcome: "gone" };
  }
  const schedule = "dump" in thing.wish ? thing.wish.dump.schedule : undefined;
  const promised = storedPromise(schedule, round.request.job, listing.asOf);
  if (thing.lines.length === 0) {
    thing.report = { ...thing.report, series: { complete: 0, ...promised } };
    return;
  }
  for (const line of thing.lines) {
    const points = pointsOf(line, listing);
    const retention = await thinLine(thing, line, points, opened, listing, round);
    const removed = retention?.removals.filter((one) => one.outcome === "removed") ?? [];
    const gone = new Set(removed.map(({ point }) => point));
    const left = points.filter(({ id }) => !gone.has(id));
    line.report = {
      ...line.report,
      ...(retention && { retention }),
      series: { ...factsOfSeries(left, listing.asOf), ...promised },
    };
  }
}

async function thinLine(
  thing: StoredThing,
  line: StoredLine,
  points: readonly RecoveryPoint[],
  { store, engine }: OpenedStore,
  listing: StoredListing,
  round: Round,
): Promise<RetentionReport | undefined> {
  const { request, deps, record, signal } = round;
  const own = { points, asOf: listing.asOf };
  const job = { ...request.job, retention: thing.policy };
  if (points.length === 0 || !request.prune) return undefined;
  // While new ones are not made, the old ones are all there is.
  if (request.capture && line.report.outcome === "not-made") return undefined;
  if (store.config.appendOnly || (request.capture && request.job.prune !== undefined))
    return leaveBeyond(job, own, record, store.config);
  if (listing.refusal !== undefined) {
    record.report("error", listing.refusal);
    return undefined;
  }
  // The host dated what it made, and how far its clock may be off is judged already.
  const gate = gateOf(request, own, [], deps.clock);
  if (gate.because !== undefined) record.report("error", gate.because);
  if (gate.may === "nothing") return undefined;
  const whole = "former" in thing.wish;
  const consent = { ...request.consent, whole, failedOnly: gate.may === "failed-only" };
  const tools = { ...deps, engine, record, run: request.run, repository: thing.repository };
  const { source } = line.report;
  return record.step(`prune ${source}`, () => prune(job, own, consent, tools, signal));
}
