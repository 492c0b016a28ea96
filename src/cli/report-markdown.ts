import type { CopyOutcome } from "../core/copy-report.ts";
import type { JobPage, ReportPage } from "../core/report-page.ts";
import { copyFacts } from "./copy-words.ts";
import { elsewhereLine } from "./elsewhere-line.ts";
import { visible } from "./html.ts";
import {
  ageWords,
  alarmWords,
  basisWords,
  dayOf,
  drillWords,
  lasting,
  minute,
  noForecast,
  noHistory,
  pointCounts,
  promiseWords,
  scheduleWords,
  span,
  stateWords,
  verdictWords,
  whyWords,
} from "./report-words.ts";
import { sizeWords } from "./terminal.ts";

/** So many points are listed one by one; a thread in a ticket is no place for a thousand. */
const mostPoints = 50;

/** The report as Markdown (CommonMark with tables), for tickets and chats, and for a terminal. */
export function markdown(page: ReportPage): string {
  const { instance, asOf, agent, headline, findings, jobs } = page;
  const name = instance.name === undefined ? "" : `${text(instance.name)}, `;
  const lines = [
    `# Backups of ${text(instance.name ?? instance.id)}`,
    "",
    instance.zone === ""
      ? `${instance.id}, a host outside EC2. As of ${minute(asOf)} by its clock; all times are UTC.`
      : `${name}${instance.id}, ${instance.type} in ${instance.zone}. As of ${minute(asOf)} by AWS's clock; all times are UTC.`,
    "",
    `**${headline}.**`,
    "",
    ...findings.map(({ severity, job, says, remedy }) => {
      const whose = job === undefined ? "" : `${text(job)}: `;
      return `- ${severity}: ${whose}${text(says)}${remedy === undefined ? "" : `; ${text(remedy)}`}`;
    }),
    ...jobs.flatMap((job) => ["", ...jobLines(job)]),
    "",
    `Made by ec2-backup ${agent}.`,
  ];
  return `${lines.join("\n")}\n`;
}

function jobLines(job: JobPage): string[] {
  const { newest, next, policy } = job;
  return [
    `## Job ${text(job.job)}`,
    "",
    `- newest complete point: ${newest === undefined ? "none" : `${span(newest.ageSeconds)} old, ${minute(newest.captured)}, ${sizeWords(newest.bytes)}`}`,
    `- promised, no older than: ${promiseWords(job)}`,
    `- next run: ${next === undefined ? "not known here" : minute(next.at)}, ${scheduleText(job)}`,
    `- points: ${pointCounts(job.points)}`,
    `- kept: ${policy ?? "everything: the job is not configured any more"}`,
    ...(job.copies ?? []).map((one) => `- copies in ${one.region}: ${copyWords(one)}`),
    ...(job.stored === undefined ? [`- alarms: ${alarmWords(job.alarms)}`] : []),
    "",
    job.stored === undefined ? "### Volumes" : "### What is stored",
    "",
    ...grid(
      [
        ...(job.stored === undefined ? ["Volume", "Device"] : ["Content", "Repository"]),
        "Newest complete point",
        "Promise",
        "Points",
      ],
      job.volumes.map((one) => [
        one.volume,
        one.device,
        ageWords(one),
        one.taken ? verdictWords[one.verdict] : "none",
        String(one.points),
      ]),
    ),
    ...gapLines(job),
    ...forecastLines(job),
    ...runLines(job),
    ...recipeLines(job),
    ...pointLines(job),
  ];
}

function copyWords(copies: CopyOutcome): string {
  if (copies.asOf === undefined) return "could not be asked";
  const broken = copies.failed.map(({ copy, message }) => `${copy} failed: ${text(message)}`);
  return [copyFacts(copies), ...broken].join("; ");
}

/** A cron expression is code: elsewhere its stars would have to be escaped, which nobody can paste. */
function scheduleText(job: JobPage): string {
  const { schedule } = job;
  const words = scheduleWords(job);
  return text(schedule === undefined ? words : words.replace(schedule, () => `\`${schedule}\``));
}

function gapLines({ gaps, gapsSince, promise }: JobPage): string[] {
  if (gaps === undefined || gapsSince === undefined || promise === undefined) return [];
  const rows = gaps.map(({ from, to, seconds }) => [
    minute(from),
    to === undefined ? "still" : minute(to),
    span(seconds),
  ]);
  const title = `### Gaps longer than ${span(promise.seconds)} since ${minute(gapsSince)}`;
  return [
    "",
    title,
    "",
    ...(rows.length === 0 ? ["None."] : grid(["From", "Until", "Without a point"], rows)),
  ];
}

function forecastLines({ forecast, beyond }: JobPage): string[] {
  const title = ["", "### Retention in the coming weeks", ""];
  if (forecast === undefined) return [...title, noForecast];
  const rows = forecast.weeks.map(({ at, points, made, removed, oldest }, index) => [
    index === 0 ? "now" : dayOf(at, true),
    String(points),
    index === 0 ? "" : String(made),
    index === 0 ? "" : String(removed),
    oldest === undefined ? "" : dayOf(oldest, true),
  ]);
  const elsewhere = beyond === undefined ? [] : [elsewhereLine(beyond, false), ""];
  return [
    ...title,
    ...elsewhere,
    basisWords(forecast),
    "",
    ...grid(["At", "Points", "Made", "Removed", "Oldest"], rows),
  ];
}

function runLines({ runs }: JobPage): string[] {
  const title = ["", "### Runs", ""];
  if (runs === undefined) return [...title, noHistory];
  const rows = [...runs]
    .reverse()
    .map(({ started, outcome, elapsedMs, frozenMs, errors, error }) => [
      minute(started),
      outcome,
      lasting(elapsedMs),
      frozenMs === undefined ? "" : lasting(frozenMs),
      errors === 0 ? "" : `${errors}: ${error ?? ""}`,
    ]);
  return [...title, ...grid(["Started", "Outcome", "Took", "Stood still", "Errors"], rows)];
}

function recipeLines(job: JobPage): string[] {
  const { recipe, stored } = job;
  if (stored?.restore !== undefined)
    return [
      "",
      "### Restore",
      "",
      `Bring it back with \`${text(stored.restore)}\`, or look first: \`ec2-backup restore list\`.`,
    ];
  if (recipe === undefined) return ["", "### Restore", "", "There is no complete point to restore from."];
  return [
    "",
    `### Restore the point of ${minute(recipe.captured)} without this program`,
    "",
    drillWords(job),
    ...recipe.volumes.flatMap(({ volume, device, root, commands }) => [
      "",
      `${root ? "Root volume" : text(device ?? "Device unknown")} (${text(volume)}):`,
      "",
      // Indented, since no fence is sure not to occur in what it holds.
      ...commands.map((command) => `    ${visible(command)}`),
    ]),
    "",
    ...recipe.notes.map((note) => `- ${text(note)}`),
  ];
}

function pointLines({ points }: JobPage): string[] {
  if (points.length === 0) return [];
  const rows = points
    .slice(0, mostPoints)
    .map((point) => [
      minute(point.captured),
      stateWords(point),
      sizeWords(point.bytes),
      point.leaves === undefined ? "" : dayOf(point.leaves),
      whyWords(point),
    ]);
  const more = points.length - rows.length;
  return [
    "",
    "### Points",
    "",
    ...grid(["Captured", "State", "Size", "Goes", "Kept because"], rows),
    ...(more > 0
      ? ["", `${more} older ones are not listed here; the HTML and JSON reports have them all.`]
      : []),
  ];
}

/** A table whose columns but the last are as wide as their widest cell, so that it is read as it stands, too. */
function grid(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [head, ...rows].map((row) => row.map(text));
  const last = head.length - 1;
  const widths = head.map((title, column) =>
    column === last
      ? Math.max(3, title.length)
      : Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [first = [], ...others] = cells;
  return [line(first), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...others.map(line)];
}

/**
 * Text in which nothing is markup: what came from tags and errors must not become a link or a heading. Only what
 * stands between two backticks, such as a command, is code, in which nothing else is markup either. What would end
 * it or a table's cell is not taken for code.
 */
function text(raw: string): string {
  const parts = visible(raw.replace(/\s+/g, " ")).split(/((?<!`)`[^`\\|]+`(?!`))/);
  return parts
    .map((part, index) =>
      index % 2 === 1 ? part : part.replace(/[\\`*_[\]<>|#~!&]/g, (sign) => `\\${sign}`),
    )
    .join("");
}
