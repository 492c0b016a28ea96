import { counted } from "./counted.ts";
import { formatDuration } from "./duration.ts";
import type { Problem, VolumeChoice } from "./report.ts";
import type { Finding, JobPage, VolumePage } from "./report-page.ts";
import type { RunHistory } from "./run-history.ts";

type Said = Omit<Finding, "job">;

/** What a reader of the page should know of the whole instance, the worst first. */
export function findingsOf(found: {
  readonly problems: readonly Problem[];
  readonly jobs: readonly JobPage[];
  readonly histories: ReadonlyMap<string, RunHistory>;
  readonly left: readonly VolumeChoice[];
  readonly instanceStores: readonly string[];
  /** Jobs of which this host's state cannot be read. */
  readonly unreadable: readonly string[];
}): Finding[] {
  const { problems, jobs, histories, left, instanceStores, unreadable } = found;
  const all: Finding[] = [
    ...problems.map(ofProblem),
    ...jobs.flatMap((job) => ofJob(job, histories.get(job.job)).map((one) => ({ ...one, job: job.job }))),
    ...unreadable.map(
      (job): Finding => ({
        severity: "warning",
        job,
        says: "what this host remembers of the job cannot be read, so its runs are unknown",
        remedy: "the next run writes it anew",
      }),
    ),
    ...left.map(
      ({ volume, device, because }): Finding => ({
        severity: "notice",
        says: `${volume} (${device}) is in no job: ${because}`,
      }),
    ),
    ...instanceStores.map(
      (device): Finding => ({
        severity: "notice",
        says: `${device} is an instance store, which no snapshot can hold`,
      }),
    ),
  ];
  const order = ["error", "warning", "notice"];
  return all.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}

function ofProblem({ severity, doing, found, remedy }: Problem): Finding {
  return { severity, says: `${doing}: ${found}`, ...(remedy !== undefined && { remedy }) };
}

function ofDrill({ drill }: JobPage): Said[] {
  if (drill?.outcome !== "failed") return [];
  return [
    {
      severity: "error",
      says: `the last drill, of ${drill.at.slice(0, 16).replace("T", " ")} UTC, failed with the point of ${drill.captured.slice(0, 16).replace("T", " ")} UTC`,
      remedy: "the report of the drill says which check: `ec2-backup drill` repeats it",
    },
  ];
}

function ofJob(page: JobPage, history: RunHistory | undefined): Said[] {
  const empty = page.configured && !page.volumes.some(({ taken }) => taken);
  return [
    ...(empty ? [{ severity: "error" as const, says: "the job takes no volume" }] : []),
    ...page.volumes.filter(({ taken }) => taken).flatMap((one) => ofVolume(one, page)),
    ...ofLastRun(page),
    ...ofPoints(page),
    ...ofDrill(page),
    ...ofGaps(page),
    ...ofAlarms(page),
    ...ofHistory(page, history),
  ];
}

function ofVolume({ volume, device, verdict, ageSeconds }: VolumePage, { promise, stored }: JobPage): Said[] {
  const what = stored === undefined ? `${volume} (${device})` : `${volume} in ${device}`;
  const limit = formatDuration((promise?.seconds ?? 0) * 1000);
  if (verdict === "overdue") {
    const age =
      ageSeconds === undefined
        ? "no complete point"
        : `newest complete point is ${ageOver(ageSeconds, promise?.seconds ?? 0)} old`;
    const remedy = "see `ec2-backup status`, then `ec2-backup run`";
    return [{ severity: "error", says: `${what}: ${age}; at most ${spaced(limit)} is promised`, remedy }];
  }
  if (verdict !== "settling") return [];
  return [
    { severity: "notice", says: `${what}: the point that keeps the promise of ${limit} is not complete yet` },
  ];
}

function ofLastRun({ runs, running, problems }: JobPage): Said[] {
  const last = runs?.at(-1);
  const said: Said[] = [];
  if (last !== undefined && last.outcome !== "done") {
    const severity = last.outcome === "failed" ? "error" : "warning";
    const remedy = problems.find((one) => one.severity === "error")?.remedy;
    const because = last.error === undefined ? "" : `: ${last.error}`;
    said.push({
      severity,
      says: `the last run, ${minuteOf(last.started)}, was ${last.outcome}${because}`,
      ...(remedy !== undefined && !because.includes(remedy) && { remedy }),
    });
  }
  if (running !== undefined)
    said.push({
      severity: "notice",
      says: `run ${running.run} began a capture ${minuteOf(running.since)} and has not reported: it is at work, or it died`,
    });
  return said;
}

function ofPoints({ points, configured, job, volumes, promise }: JobPage): Said[] {
  const said: Said[] = [];
  const spoilt = points.filter(({ state }) => state === "partial" || state === "failed");
  if (spoilt.length > 0)
    said.push({
      severity: "warning",
      says: `${counted(spoilt.length, "point")} ${spoilt.length === 1 ? "is" : "are"} not whole (partial or failed)`,
    });
  const newest = points.find(({ state }) => state === "complete");
  if (newest?.lesser === true)
    said.push({
      severity: "warning",
      says: `the newest complete point is only ${newest.consistency}-consistent, less than the job demands`,
    });
  const postponed = points.filter(({ verdict }) => verdict === "postponed").length;
  if (postponed > 0)
    said.push({
      severity: "warning",
      says: `retention gives up more points than one run may remove; the brake leaves ${postponed}`,
      remedy: `look at \`ec2-backup plan ${job}\`, then \`ec2-backup prune ${job} --yes\``,
    });
  if (!configured)
    said.push({
      severity: "notice",
      says: "no such job is configured any more: nothing adds to its points, and nothing prunes them",
    });
  else if (promise === undefined && volumes.some(({ taken }) => taken))
    said.push({
      severity: "notice",
      says: "neither a schedule nor missedAfter says how old the newest point may grow",
    });
  return said;
}

function ofGaps({ gaps = [], gapsSince }: JobPage): Said[] {
  const ended = gaps.filter(({ to }) => to !== undefined);
  if (ended.length === 0) return [];
  const longest = Math.max(...ended.map(({ seconds }) => seconds));
  const since = gapsSince === undefined ? "" : ` since ${minuteOf(gapsSince)}`;
  const says = `${counted(ended.length, "gap")} longer than promised${since}, the longest ${wholeSpan(longest)}`;
  return [{ severity: "warning", says }];
}

function ofAlarms({ alarms, configured, stored }: JobPage): Said[] {
  // Alarms are of the job as a whole, whose age is that of the series that is furthest behind.
  if (stored !== undefined) return [];
  if (alarms === undefined)
    return configured
      ? [{ severity: "notice", says: "whether alarms watch the job is not known on this host" }]
      : [];
  const asOf = minuteOf(alarms.asOf);
  return alarms.alarms.flatMap(({ name, state, actionsEnabled }): Said[] => [
    ...(state === "ALARM"
      ? [{ severity: "error" as const, says: `${name} was in ALARM as of ${asOf}` }]
      : []),
    ...(actionsEnabled ? [] : [{ severity: "warning" as const, says: `${name} tells nobody as of ${asOf}` }]),
  ]);
}

function ofHistory({ configured }: JobPage, history: RunHistory | undefined): Said[] {
  if (history !== undefined && history.unreadable > 0)
    return [
      {
        severity: "warning",
        says: `${counted(history.unreadable, "record")} of earlier runs cannot be read`,
      },
    ];
  if (!configured || (history?.runs.length ?? 0) > 0) return [];
  return [
    { severity: "notice", says: "this host remembers no run of the job: no durations, errors or gaps" },
  ];
}

/** Rounded, but never to what is promised: an age that is too high would read as one that is not. */
function ageOver(seconds: number, promised: number): string {
  const unit = seconds < 2 * 86_400 ? 60 : 3_600;
  const rounded = Math.round(seconds / unit) * unit;
  return spaced(formatDuration((rounded > promised ? rounded : promised + 60) * 1000));
}

/** "26h30m" as "26 h 30 min". */
function spaced(duration: string): string {
  return duration
    .replace(/\d+[a-z]+/g, (part) => `${part.replace(/[a-z]+/, " $&").replace(/m$/, "min")} `)
    .trimEnd();
}

/** Whole minutes below a day, then whole hours: enough to compare with a promise. */
function wholeSpan(seconds: number): string {
  const unit = seconds < 86_400 ? 60 : 3_600;
  return formatDuration(Math.floor(seconds / unit) * unit * 1000);
}

function minuteOf(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")}Z`;
}
