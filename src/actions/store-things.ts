import type { DumpConfig } from "../core/dump-config.ts";
import { nextDue } from "../core/dump-due.ts";
import { isMixed, type RecoveryPoint } from "../core/recovery-point.ts";
import type { StoredReport } from "../core/report.ts";
import { newestFirst } from "../core/retention.ts";
import type { RetentionPolicy } from "../core/retention-policy.ts";
import type { Store } from "../core/store-ports.ts";
import { memberOf, type StoredSubject, storedSeries } from "../core/store-tags.ts";
import { storedPolicy } from "../core/stored-policy.ts";
import type { StoredEngine, StoredListing, Stores } from "../core/stored-ports.ts";
import type { FilesWish } from "../core/stored-wish.ts";
import type { RunDeps, RunRequest } from "./run-request.ts";
import type { Recorder } from "./steps.ts";

/** What the parts of a round have in common. */
export interface Round {
  readonly request: RunRequest;
  readonly deps: RunDeps;
  readonly stores: Stores;
  readonly record: Recorder;
  readonly signal: AbortSignal;
}

/** A repository that has answered, and its points. */
export interface OpenedStore {
  readonly store: Store;
  readonly engine: StoredEngine;
}

/** One series on its way through a run. */
export interface StoredLine {
  readonly subject: StoredSubject;
  readonly series: string;
  report: StoredReport;
  /** What this run made, as it knows it. */
  made?: RecoveryPoint;
}

/** What a job's configuration names as one: its files, or a dump, which may be of several series. */
export interface StoredThing {
  /** `files` or `dump/<name>`. */
  readonly source: string;
  readonly repository: string;
  readonly series: string;
  readonly policy: RetentionPolicy;
  readonly wish: { readonly files: FilesWish } | { readonly dump: DumpConfig } | { readonly former: true };
  /** Where no series is known of it. */
  report: StoredReport;
  readonly lines: StoredLine[];
  /** Whether this run knows what series it is of. */
  known: boolean;
}

/** What a job stores, in the order of a run: dumps, then files. */
export function thingsOf({ job, discovery, consent }: RunRequest): StoredThing[] {
  const { dumps = [], files } = job.stored ?? {};
  const thing = (subject: StoredSubject, repository: string, wish: StoredThing["wish"]): StoredThing => {
    const source = memberOf(subject);
    return {
      source,
      repository,
      series: storedSeries(discovery.instance.arn, job.name, subject),
      policy: storedPolicy(job, subject.content),
      wish,
      report: { source, repository, outcome: "none" },
      lines: [],
      known: false,
    };
  };
  return [
    ...(consent.former ?? []).map(({ source, repository }) =>
      thing(subjectOf(source), repository, { former: true }),
    ),
    ...dumps.map((dump) =>
      thing({ content: "dump", dump: dump.name, kind: dump.kind }, dump.repository, { dump }),
    ),
    ...(files === undefined ? [] : [thing({ content: "files" }, files.repository, { files })]),
  ];
}

/** What a series is of that only its points tell of. */
export function subjectOf(source: string, kind = "command"): StoredSubject {
  return source === "files"
    ? { content: "files" }
    : { content: "dump", dump: source.slice("dump/".length), kind };
}

/** A series of a thing that this run makes, or finds. */
export function lineOf(thing: StoredThing, subject: StoredSubject, series: string): StoredLine {
  const known = thing.lines.find((line) => line.series === series);
  if (known !== undefined) return known;
  const line = { subject, series, report: { ...thing.report, source: memberOf(subject) } };
  thing.lines.push(line);
  return line;
}

/** Whether a series is of a thing: that of a dump, or of one of its parts. */
export function isOf({ series, wish }: StoredThing, found: string): boolean {
  return found === series || ("dump" in wish && found.startsWith(`${series}/`));
}

/** The points of one series, and what this run knows better of its own: not every restic lists how large they are. */
export function pointsOf(
  { series, made }: Pick<StoredLine, "series" | "made">,
  listing: StoredListing,
): RecoveryPoint[] {
  return listing.points
    .filter((point) => point.series === series)
    .map((point) =>
      point.id === made?.id && point.state === made.state ? { ...point, snapshots: made.snapshots } : point,
    )
    .sort(newestFirst);
}

/**
 * When the dump's own schedule is due, if that is not yet; of one series of it, or of all. A point whose time is not
 * believed would keep it from being made until that time has come.
 */
export function notDue(
  thing: StoredThing,
  listing: StoredListing,
  timezone: string,
  only?: string,
): Date | undefined {
  if (!("dump" in thing.wish) || thing.wish.dump.schedule === undefined) return undefined;
  const newest = new Map<string, Date>();
  for (const point of [...listing.points].sort(newestFirst)) {
    const { series, state, captured } = point;
    const counts = only === undefined ? isOf(thing, series) : series === only;
    if (counts && state === "complete" && !isMixed(point) && !newest.has(series))
      newest.set(series, captured);
  }
  return nextDue(thing.wish.dump.schedule, timezone, [...newest.values()], listing.asOf);
}
