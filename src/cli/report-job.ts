import type { CopyOutcome } from "../core/copy-report.ts";
import type { JobPage, ReportPage } from "../core/report-page.ts";
import { copyFacts } from "./copy-words.ts";
import { elsewhereLine } from "./elsewhere-line.ts";
import { type Content, html, type Markup } from "./html.ts";
import { bars, thinning, timeline } from "./report-charts.ts";
import {
  gapTable,
  pointTables,
  problemList,
  recipe,
  runTable,
  volumeTable,
  weekTable,
} from "./report-tables.ts";
import {
  alarmWords,
  basisWords,
  counted,
  lasting,
  minute,
  noForecast,
  noHistory,
  pointCounts,
  promiseWords,
  scheduleWords,
  span,
} from "./report-words.ts";
import { sizeWords } from "./terminal.ts";

/** All of one job. */
export function jobSection(job: JobPage, index: number, { asOf, instance }: ReportPage): Markup {
  return html`<section id="job-${index}" aria-labelledby="job-${index}-name">
<h2 id="job-${index}-name">Job ${job.job}</h2>
${facts(job)}
<h3>${job.stored === undefined ? "Volumes" : "What is stored"}</h3>
${job.volumes.length === 0 ? html`<p>The job takes no volume.</p>` : volumeTable(job)}
<h3>Points over time</h3>
${job.points.length === 0 ? html`<p>There is no point yet.</p>` : timeline(job, asOf)}
${gaps(job)}
<h3>Retention in the coming weeks</h3>
${retention(job, asOf)}
<h3>Runs, and how long they took</h3>
${runs(job)}
${problemList(job)}
<h3>Restore</h3>
${recipe(job, instance.id)}
${
  job.points.length > 0 &&
  html`<h3>All points</h3>
${pointTables(job)}`
}
</section>
`;
}

function facts(job: JobPage): Markup {
  const { newest, next, timing, policy } = job;
  const rows: readonly (readonly [string, string, string?])[] = [
    newest === undefined
      ? ["Newest complete point", "none"]
      : [
          "Newest complete point",
          `${span(newest.ageSeconds)} old`,
          `${minute(newest.captured)}, ${sizeWords(newest.bytes)}`,
        ],
    ["Promised age", ...split(promiseWords(job))],
    ["Next run", next === undefined ? "not known here" : minute(next.at), scheduleWords(job)],
    ["Points", pointCounts(job.points)],
    ["Kept", policy ?? "everything: the job is not configured any more"],
    ...(timing === undefined
      ? []
      : [["Usual run", lasting(timing.medianMs), `longest ${lasting(timing.longestMs)}`] as const]),
    ...(timing?.frozen === undefined
      ? []
      : [
          [
            "Stood still",
            lasting(timing.frozen.medianMs),
            `longest ${lasting(timing.frozen.longestMs)}`,
          ] as const,
        ]),
    ...(job.copies ?? []).map((one) => [`Copies in ${one.region}`, ...copiesSplit(one)] as const),
    // They are of the job as a whole.
    ...(job.stored === undefined ? [["Alarms", ...split(alarmWords(job.alarms))] as const] : []),
  ];
  return html`<dl class="facts">${rows.map(([term, value, more]) => html`<div><dt>${term}</dt><dd>${value}${more !== undefined && html`<small>${more}</small>`}</dd></div>`)}</dl>`;
}

/** What matters most of it first. */
function copiesSplit(copies: CopyOutcome): [string, string?] {
  if (copies.asOf === undefined) return ["could not be asked"];
  const { lagSeconds = 0, failed } = copies;
  const lag = lagSeconds === 0 ? "nothing is missing" : `${span(lagSeconds)} behind`;
  const broken = failed.map(({ copy, message }) => `${copy} failed: ${message}`);
  return [lag, [copyFacts(copies), ...broken].join("; ")];
}

function split(words: string): [string, string?] {
  const at = words.indexOf(" (");
  return at < 0 ? [words] : [words.slice(0, at), words.slice(at + 2, -1)];
}

function gaps({ gaps: found, gapsSince, promise }: JobPage): Content {
  if (found === undefined || gapsSince === undefined || promise === undefined) return undefined;
  const since = `since ${minute(gapsSince)}`;
  if (found.length === 0) return html`<p>No gap longer than ${span(promise.seconds)} ${since}.</p>`;
  return html`<p>${counted(found.length, "gap")} longer than ${span(promise.seconds)} ${since}:</p>
${gapTable(found)}`;
}

function retention(job: JobPage, asOf: string): Content {
  const { forecast } = job;
  if (forecast === undefined)
    return html`<p>${job.configured ? noForecast : "Nothing prunes the points of a job that is not configured."}</p>`;
  const elsewhere = job.beyond === undefined ? undefined : html`<p>${elsewhereLine(job.beyond, false)}</p>`;
  return html`${elsewhere}<p class="soft">${basisWords(forecast)}</p>
${thinning(job, asOf)}
${weekTable(job)}`;
}

function runs(job: JobPage): Content {
  const { runs: known, timing } = job;
  if (known === undefined) return html`<p>${noHistory}</p>`;
  const missed = known.reduce((sum, run) => sum + (run.missed ?? 0), 0);
  const made = timing === undefined ? "none of which made a point" : `${timing.runs} of which made a point`;
  return html`<p class="soft">The last ${counted(known.length, "run")} that this host remembers, ${made}${missed > 0 && `; ${counted(missed, "slot")} passed without a run`}.</p>
<div class="pair">${bars(known, "Duration", (run) => run.elapsedMs)}${bars(known, "Filesystems stood still", (run) => run.frozenMs)}</div>
${runTable(known)}`;
}
