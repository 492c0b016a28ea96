import { type MetricName, metricsOf } from "./metrics.ts";
import type { RunReport } from "./report.ts";

/** One value of the textfile; the labels are those of the job and, of a volume, `drive`. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Which of the instance's values stay in the file beside those of this run. */
export interface SampleScope {
  readonly server: string;
  /** The jobs that are configured; absent where that is not known, and then all stay. */
  readonly jobs?: readonly string[];
}

export interface SampleWish {
  readonly only?: readonly MetricName[];
  readonly perVolume: boolean;
}

interface Family {
  readonly help: string;
  /** The metric it stands for; absent = always there. */
  readonly of?: MetricName;
  /** True of what drills write and runs leave alone. */
  readonly drills?: true;
  /** True of what lasts beyond the run that saw it: a later run that cannot see it leaves it as it is. */
  readonly lasts?: true;
}

/**
 * Every name of the file, in base units as Prometheus wants them. An age is written as the instant that it
 * counts from: the file is read for a day and more after it was written, and an age in it would stand still.
 */
const families: ReadonlyMap<string, Family> = new Map(
  Object.entries<Family>({
    ec2_backup_last_run_timestamp_seconds: {
      help: "When the last run of the job ended that was not kept out by another, by the host's clock.",
    },
    ec2_backup_errors: { of: "Errors", help: "Errors in the report of the last run." },
    ec2_backup_elapsed_seconds: {
      of: "ElapsedTime",
      help: "Duration of the last run without settling.",
    },
    ec2_backup_settle_seconds: {
      of: "SettleSeconds",
      help: "From capture until the point could be restored, where the last run waited.",
    },
    ec2_backup_degraded: {
      of: "Degraded",
      help: "1 if the last run's point is less consistent than the job demands, else 0.",
    },
    ec2_backup_frozen_seconds: {
      of: "FrozenTime",
      help: "How long filesystems stood still for the last capture.",
    },
    ec2_backup_recovery_points: { of: "RecoveryPoints", help: "Complete points kept.", lasts: true },
    ec2_backup_size_bytes: { of: "Size", help: "Size of the newest complete point.", lasts: true },
    ec2_backup_newest_complete_timestamp_seconds: {
      of: "SecondsSinceLastBackup",
      help: "When the newest complete point was captured, by EC2's clock.",
      lasts: true,
    },
    ec2_backup_copied_until_timestamp_seconds: {
      of: "CopyLag",
      help: "Until when all points that the Region is to have a copy of are whole there, by EC2's clock.",
      lasts: true,
    },
    ec2_backup_volume_size_bytes: {
      of: "Size",
      help: "Size of the volume in the newest complete point that has it.",
      lasts: true,
    },
    ec2_backup_volume_newest_complete_timestamp_seconds: {
      of: "SecondsSinceLastBackup",
      help: "When the newest complete point that has the volume was captured, by EC2's clock.",
      lasts: true,
    },
    ec2_backup_restore_verified: {
      of: "RestoreVerified",
      help: "1 if the last drill restored the point and every check passed, else 0.",
      drills: true,
    },
    ec2_backup_restore_seconds: {
      of: "RestoreSeconds",
      help: "How long the last drill took to restore the point and to check it.",
      drills: true,
    },
    ec2_backup_last_good_drill_timestamp_seconds: {
      of: "SecondsSinceLastRestoreVerified",
      help: "When the last good drill of the job's points ended, by the clock of the host that drilled.",
      drills: true,
    },
  }),
);

/** What one run has to say. A run that was kept out by another says its errors and nothing else. */
export function samplesOf(report: RunReport, server: string, { only, perVolume }: SampleWish): Sample[] {
  // Prometheus itself gives every series a label `job`: that of the scrape.
  const labels = { server, backup_job: report.job };
  const samples: Sample[] = [];
  const put = (name: string, value: number | undefined, more: Record<string, string> = {}): void => {
    const of = families.get(name)?.of;
    const wanted = of === undefined || only === undefined || only.includes(of);
    if (wanted && value !== undefined) samples.push({ name, labels: { ...labels, ...more }, value });
  };
  const values = new Map(metricsOf(report).map(({ name, value }) => [name, value]));
  const frozen = values.get("FrozenTime");
  put("ec2_backup_errors", values.get("Errors"));
  if (report.outcome === "skipped") return samples;
  put("ec2_backup_last_run_timestamp_seconds", secondsOf(report.finished));
  put("ec2_backup_elapsed_seconds", values.get("ElapsedTime"));
  put("ec2_backup_settle_seconds", values.get("SettleSeconds"));
  put("ec2_backup_degraded", values.get("Degraded"));
  put("ec2_backup_frozen_seconds", frozen === undefined ? undefined : frozen / 1000);
  put("ec2_backup_recovery_points", values.get("RecoveryPoints"));
  put("ec2_backup_size_bytes", values.get("Size"));
  const newest = report.series?.newestComplete;
  put("ec2_backup_newest_complete_timestamp_seconds", newest && secondsOf(newest.captured));
  for (const { region, asOf, lagSeconds } of report.copies ?? [])
    if (asOf !== undefined && lagSeconds !== undefined)
      put("ec2_backup_copied_until_timestamp_seconds", secondsOf(asOf) - lagSeconds, { region });
  for (const seen of perVolume ? (report.series?.volumes ?? []) : []) {
    const drive = { drive: seen.device };
    put("ec2_backup_volume_size_bytes", seen.bytes, drive);
    const captured = seen.newest === undefined ? undefined : secondsOf(seen.newest);
    put("ec2_backup_volume_newest_complete_timestamp_seconds", captured, drive);
  }
  return samples;
}

function secondsOf(instant: string): number {
  return Date.parse(instant) / 1000;
}

/**
 * What the file is to hold after a run: its values, those of the other jobs, and of its own job what lasts or
 * what a run that was kept out has no word about. A job that is configured no more and another instance (a
 * cloned image) go.
 */
export function mergedSamples(
  there: readonly Sample[],
  report: RunReport,
  fresh: readonly Sample[],
  { server, jobs }: SampleScope,
): Sample[] {
  const listed = report.series !== undefined;
  const said = new Set(fresh.map(({ name }) => name));
  const stays = ({ name, labels }: Sample): boolean => {
    if (labels["server"] !== server) return false;
    if (families.get(name)?.drills === true || labels["upkeep"] !== undefined) return true;
    const job = labels["backup_job"] ?? "";
    if (job !== report.job) return jobs === undefined || jobs.includes(job);
    if (said.has(name)) return false;
    return report.outcome === "skipped" || (families.get(name)?.lasts === true && !listed);
  };
  return [...there.filter(stays), ...fresh];
}

/** The file's text: families in the order of the table, each with its help and type once. */
export function textOf(samples: readonly Sample[]): string {
  const blocks = [...families].flatMap(([name, { help }]) => {
    const lines = samples.filter((one) => one.name === name).map(lineOf);
    return lines.length === 0 ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...lines];
  });
  return [...blocks, ""].join("\n");
}

function lineOf({ name, labels, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}{${pairs.join(",")}} ${value}`;
}

/** As the text format wants it: backslash, double quote and line feed. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** The values of a text that {@link textOf} made. What is not ours or damaged is left out. */
export function samplesIn(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, inside = "", number = ""] = /^([a-z0-9_]+)\{(.*)\} (\S+)$/s.exec(line) ?? [];
    const value = Number(number);
    if (name === undefined || !families.has(name) || !Number.isFinite(value)) return [];
    const pairs = [...inside.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"(?:,|$)/gs)];
    const labels = Object.fromEntries(pairs.map(([, label = "", quoted = ""]) => [label, unescaped(quoted)]));
    return labels["server"] === undefined || labels["backup_job"] === undefined
      ? []
      : [{ name, labels, value }];
  });
}

function unescaped(quoted: string): string {
  return quoted.replace(/\\(.)/gs, (_, sign: string) => (sign === "n" ? "\n" : sign));
}
