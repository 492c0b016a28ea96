import { formatSpan } from "./duration.ts";
import { sentenceOf } from "./errors.ts";
import { harmless } from "./harmless.ts";
import type { Problem, RunReport } from "./report.ts";

/** A message for a person who was woken by it. */
export interface Notice {
  /** At most 99 printable ASCII characters on one line. */
  readonly subject: string;
  readonly text: string;
}

/** What the message knows beside the report. */
export interface NoticeFacts {
  /** The newest complete point that this host has ever seen; a run that could list knows better. */
  readonly lastGood?: { readonly captured: string; readonly bytes: number };
  readonly version: string;
}

/** SNS asks for less than 100 ASCII characters without control characters (API reference of Publish). */
export const longestSubject = 99;
/** More would be read by nobody; the report has them all. */
const mostProblems = 10;
const longestSentence = 600;

const words: Readonly<Record<RunReport["outcome"], string>> = {
  done: "done",
  degraded: "made, but not as it should be",
  failed: "FAILED",
  skipped: "SKIPPED",
};

/** Says what happened, why, what to do and what there is to fall back on, in plain text. */
export function noticeOf(report: RunReport, facts: NoticeFacts): Notice {
  const host = hostOf(report);
  const said = `Backup ${words[report.outcome]}: ${host}, job ${report.job}`;
  const errors = report.problems.filter(({ severity }) => severity === "error");
  const warnings = report.problems.filter(({ severity }) => severity === "warning");
  const parts = [
    [`The backup of ${host} was ${madeOf(report)}.`],
    [
      `Job:       ${report.job} (${report.trigger})`,
      `Ended:     ${instant(report.finished)}, after ${formatSpan(report.elapsedMs / 1000)}`,
      `Made:      ${pointOf(report)}`,
      `Last good: ${lastGoodOf(report, facts)}`,
    ],
    listed("What went wrong", errors),
    listed("Also noticed", warnings),
    whatToDo(report),
    [
      `Instance ${report.instance?.arn || (report.instance?.id ?? "unknown")}`,
      `Run ${report.run}, ec2-backup-agent ${facts.version}`,
    ],
  ];
  return {
    subject: asciiLine(said, longestSubject),
    text: `${parts
      .filter((part) => part.length > 0)
      .map((part) => part.map(harmless).join("\n"))
      .join("\n\n")}\n`,
  };
}

function hostOf({ instance }: RunReport): string {
  if (instance === undefined) return "an instance that does not know itself";
  return instance.name === undefined ? instance.id : `${instance.name} (${instance.id})`;
}

function madeOf({ outcome }: RunReport): string {
  switch (outcome) {
    case "done":
      return "made";
    case "degraded":
      return "made, but something is wrong";
    case "failed":
      return "NOT made";
    case "skipped":
      return "NOT made by this run: another run of the job was still at work";
  }
}

function pointOf({ points }: RunReport): string {
  if (points.length === 0) return "no recovery point";
  return points
    .map(({ id, state, snapshots, consistency }) => {
      return `point ${id}, ${state}, ${snapshots.length} snapshot(s), ${consistency}-consistent`;
    })
    .join("; ");
}

/** What there is to restore from, whatever became of this run. */
function lastGoodOf({ series, finished }: RunReport, { lastGood }: NoticeFacts): string {
  const newest = series?.newestComplete ?? (series === undefined ? lastGood : undefined);
  if (newest === undefined)
    return series === undefined ? "NONE IS KNOWN on this host" : "NONE: no complete point is listed";
  const age = (Date.parse(finished) - Date.parse(newest.captured)) / 1000;
  const seen = series === undefined ? ", as this host last saw it" : "";
  return `${instant(newest.captured)}, ${formatSpan(Math.max(0, age))} before that (${gibibytes(newest.bytes)})${seen}`;
}

function listed(title: string, problems: readonly Problem[]): string[] {
  if (problems.length === 0) return [];
  const shown = problems.slice(0, mostProblems).flatMap((problem, index) => {
    const { remedy, ...rest } = problem;
    const { found } = rest;
    const text = problem.severity === "error" ? sentenceOf(rest) : `${problem.doing}: ${found}`;
    const sentence = `  ${index + 1}. ${cut(text)}`;
    return remedy === undefined ? [sentence] : [sentence, `     To do: ${cut(remedy)}`];
  });
  const more = problems.length - mostProblems;
  return [`${title}:`, ...shown, ...(more > 0 ? [`  and ${more} more; see the report`] : [])];
}

function whatToDo({ outcome, job }: RunReport): string[] {
  if (outcome === "done") return [];
  const pad = (command: string) => `  ${command}`.padEnd(28);
  return [
    "On the instance, as root:",
    `${pad("ec2-backup status")} what this host knows of its backups`,
    `${pad(`ec2-backup plan ${job}`)} what a run would do, and what stands in its way`,
    `${pad(`ec2-backup run ${job}`)} tries again now`,
    ...(outcome === "failed" ? ["While no new point can be made, no complete one is removed."] : []),
  ];
}

function cut(text: string): string {
  // What EC2 adds for `sts decode-authorization-message` is longer than all the rest, and in the log.
  const words = text.replace(/\bEncoded authorization failure message: \S+/g, "");
  const one = words.replace(/\s+/g, " ").trim();
  return one.length > longestSentence ? `${one.slice(0, longestSentence - 3)}...` : one;
}

/** One line of ASCII: letters lose their accents, other signs become question marks. */
export function asciiLine(text: string, longest: number): string {
  const plain = text.normalize("NFKD").replace(/\p{M}/gu, "");
  const ascii = plain.replace(/[^\x20-\x7e]/gu, "?").trim();
  return ascii.length > longest ? `${ascii.slice(0, longest - 3)}...` : ascii;
}

/** "2026-11-01 02:00:07 UTC". */
function instant(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}

function gibibytes(bytes: number): string {
  return bytes === 0 ? "size unknown" : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
