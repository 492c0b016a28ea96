import { formatSpan } from "../core/duration.ts";
import { harmless } from "../core/harmless.ts";
import type { CopyReport } from "../core/report.ts";
import { type JobStatus, promisedOf, type Status, type VolumeAge } from "../core/status.ts";
import { copyFacts } from "./copy-words.ts";
import { elsewhereLine } from "./elsewhere-line.ts";
import { unlockedLine } from "./locks.ts";
import { printParagraph } from "./paragraph.ts";
import { formatBytes, formatInstant, type Terminal, table, wrapped } from "./terminal.ts";

/** What is wider is not read. */
const widest = 100;

export function printStatus(found: Status, out: Terminal): void {
  const status = withoutEscapes(found);
  out.print(`${status.instance ?? "instance unknown"}: ${protectionWords(status)}`);
  for (const job of status.unreadable)
    say(job, "yellow", "what this host remembered of it cannot be read; the next run writes it anew", out);
  for (const note of status.notes) say("note", "yellow", note, out);
  const { protection, jobs, from } = status;
  if (protection === "never run") {
    out.print("Make the first run: ec2-backup run");
    out.print("See what would keep it from being made: ec2-backup doctor");
  }
  if (protection === "not protected" && jobs.length === 0) {
    const tags = from === "host" ? " The instance's tags were not asked for." : "";
    out.print(`No run has been recorded on this host.${tags}`);
    out.print("Start with: ec2-backup plan --all");
    return;
  }
  printJobs(status, out);
  printVolumes(status, out);
  for (const job of jobs) printTrouble(job, status, out);
  printAdvice(status, out);
}

/** What is remembered stands in files, and what tags and servers say may be in it. */
function withoutEscapes(status: Status): Status {
  const clean = (_: string, value: unknown) => (typeof value === "string" ? harmless(value) : value);
  return JSON.parse(JSON.stringify(status), clean) as Status;
}

function protectionWords({ protection, leftOutBy, from, asOf, jobs, elsewhere }: Status): string {
  const known =
    from === "aws"
      ? `as ${elsewhere ? "its repositories have" : "AWS has"} it ${formatInstant(asOf)}`
      : `as far as this host remembers, ${formatInstant(asOf)} by its clock`;
  if (protection === "never run") return `configured, but no run has been recorded here, ${known}`;
  if (protection === "left out")
    return `left out of all backups by its tag ${leftOutBy ?? "Backup"}, ${known}`;
  if (protection === "not protected" && jobs.length > 0)
    return `not protected any more: neither a configuration nor a Backup tag names it, ${known}`;
  return protection === "protected" ? `protected, ${known}` : protection;
}

function printAdvice({ protection, jobs, from, elsewhere }: Status, out: Terminal): void {
  const late = jobs.filter((job) => job.overdue).map(({ job }) => job);
  if (late.length === 0 || protection === "never run") return;
  if (from === "aws") {
    out.print(`Overdue: ec2-backup run ${late.join(" ")}`);
    return;
  }
  out.print("Overdue, as far as is remembered.");
  out.print(`Ask ${elsewhere ? "the repositories" : "AWS"}: ec2-backup status --refresh`);
  out.print("Back up: ec2-backup run");
}

function printJobs({ jobs, asOf, protection }: Status, out: Terminal): void {
  const isWanted = protection === "protected" || protection === "never run";
  const rows = jobs.map(({ job, report, newest, running, next, schedule }) => [
    job,
    report === undefined ? "never" : formatInstant(report.finished),
    report?.outcome ?? "",
    newest === undefined ? "none seen" : `${agoWords(newest.captured, asOf)}${sizeWords(newest.bytes)}`,
    [
      next === undefined ? (isWanted ? "no schedule" : "none") : `${formatInstant(next.at)} (${schedule})`,
      ...(running === undefined
        ? []
        : [`run ${running.run} began ${formatInstant(running.since)} and has not reported`]),
    ].join("; "),
  ]);
  if (rows.length === 0) return;
  const head = ["JOB", "LAST RUN", "OUTCOME", "NEWEST COMPLETE", "NEXT RUN"];
  for (const line of table(head, rows, out.width)) out.print(line);
}

/** As the last run has seen them. */
function sayCopies(job: string, copies: CopyReport, out: Terminal): void {
  const { region, asOf, failed, lagSeconds = 0 } = copies;
  if (asOf === undefined) {
    say(job, "red", `copies in ${region}: it could not be asked`, out);
    return;
  }
  const failures = failed.length === 0 ? "" : `, ${failed.length} failed`;
  const words = `copies in ${region}, as the last run saw them: ${copyFacts(copies)}${failures}`;
  if (lagSeconds > 0 || failed.length > 0) say(job, failed.length > 0 ? "red" : "yellow", words, out);
  else printParagraph(`${job}: ${words}`, out);
}

/** restic before 0.17 does not tell how large a snapshot is. */
function sizeWords(bytes: number): string {
  return bytes === 0 ? "" : `, ${formatBytes(bytes)}`;
}

function agoWords(captured: string, asOf: string): string {
  const seconds = (Date.parse(asOf) - Date.parse(captured)) / 1000;
  return seconds < -60 ? "in the future" : `${formatSpan(Math.max(0, seconds))} ago`;
}

function printVolumes({ jobs, asOf }: Status, out: Terminal): void {
  const rows = jobs.flatMap(({ job, volumes, promise }) =>
    volumes.map((one) => [
      one.volume,
      one.device,
      job,
      one.newest === undefined
        ? one.unseen === true
          ? "not known"
          : "none"
        : agoWords(one.newest, asOf).replace(/ago$/, "old"),
      promise === undefined ? "nothing" : formatSpan(promisedOf(one, promise)?.seconds ?? promise.seconds),
      wordsOf(one),
    ]),
  );
  if (rows.length === 0) return;
  out.print("");
  const head = [...namesOf(jobs), "JOB", "NEWEST COMPLETE", "PROMISED", ""];
  for (const line of table(head, rows, out.width)) out.print(line);
}

/** Of files and dumps it is not a device where they lie, but a repository. */
function namesOf(jobs: readonly JobStatus[]): readonly [string, string] {
  const names = jobs.flatMap(({ volumes }) => volumes.map(({ volume }) => volume));
  const stored = names.filter((name) => name === "files" || name.startsWith("dump/"));
  if (stored.length === 0) return ["VOLUME", "DEVICE"];
  return stored.length === names.length ? ["CONTENT", "REPOSITORY"] : ["CONTENT", "WHERE"];
}

function wordsOf({ verdict, settling, unseen, device }: VolumeAge): string {
  const younger =
    unseen === true
      ? `${device} could not be asked`
      : settling === undefined
        ? ""
        : `a point of ${formatInstant(settling)} was not complete yet`;
  const word = { kept: "ok", overdue: "OVERDUE", settling: "unsure", unpromised: "" }[verdict];
  return [word, younger].filter((part) => part !== "").join(": ");
}

function printTrouble(
  { job, report, alarms, aheadSeconds }: JobStatus,
  { from, protection, elsewhere }: Status,
  out: Terminal,
): void {
  if (aheadSeconds !== undefined) {
    const clock =
      from === "host"
        ? `this host's clock is behind ${elsewhere ? "the store" : "AWS"}'s`
        : "its clock was ahead of this one";
    say(job, "yellow", `the newest point is of ${formatSpan(aheadSeconds)} from now: ${clock}`, out);
  }
  for (const problem of report?.problems.filter((one) => one.severity === "error") ?? [])
    say(job, "red", `${problem.doing}: ${problem.found}`, out);
  const { locks, retention } = report ?? {};
  if (retention?.beyond !== undefined) say(job, "yellow", elsewhereLine(retention.beyond.length, false), out);
  if (locks !== undefined && locks.missing.length > 0)
    say(job, "red", unlockedLine(locks.missing.length), out);
  for (const copies of report?.copies ?? []) sayCopies(job, copies, out);
  if ((protection === "left out" || elsewhere) && (alarms?.alarms ?? []).length === 0) return;
  if (alarms === undefined) {
    out.print(`${job}: whether alarms watch it is not known here`);
    return;
  }
  const asOf = formatInstant(alarms.asOf);
  if (alarms.alarms.length === 0) {
    out.print(`${job}: alarms as of ${asOf}: none: ec2-backup alarms plan`);
    return;
  }
  const loud = alarms.alarms.filter(({ state, actionsEnabled }) => state === "ALARM" || !actionsEnabled);
  out.print(`${job}: ${alarms.alarms.length} alarms as of ${asOf}${loud.length === 0 ? "" : ", of which"}`);
  for (const { name, state, actionsEnabled } of loud)
    out.print(`  ${name}: ${state}${actionsEnabled ? "" : ", switched off: it tells nobody"}`);
}

/** A sentence on whom or what it is about, in lines that fit, the later ones set in. */
function say(about: string, style: "yellow" | "red", text: string, out: Terminal): void {
  const [first = "", ...rest] = wrapped(`${about}: ${text}`, Math.min(out.width, widest) - 2);
  out.print(first.startsWith(`${about}:`) ? out.paint(style, about) + first.slice(about.length) : first);
  for (const line of rest) out.print(`  ${line}`);
}
