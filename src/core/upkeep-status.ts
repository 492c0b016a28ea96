import { formatSpan } from "./duration.ts";
import { sentenceOf } from "./errors.ts";
import { promiseOf } from "./promise.ts";
import type { Problem } from "./report.ts";
import type { RepositoryConfig } from "./store-ports.ts";
import type { UpkeepReport, UpkeepState } from "./upkeep.ts";
import { type UpkeepKind, upkeepKinds } from "./upkeep-names.ts";

/** What this host remembers of one kind of upkeep of one repository. */
export interface UpkeepStatus {
  readonly repository: string;
  readonly kind: UpkeepKind;
  readonly schedule?: string;
  /** Seconds since it was last done with nothing wrong. */
  readonly ageSeconds?: number;
  /** Seconds that may pass between two; absent where nothing says so. */
  readonly promised?: number;
  readonly overdue: boolean;
  readonly outcome?: UpkeepReport["outcome"];
  /** When it was last tried, ISO 8601. */
  readonly at?: string;
  /** What was wrong the last time, in sentences. */
  readonly failing: readonly string[];
}

/** Judges the upkeep of a repository that is configured, or was done by hand. */
export function judgeUpkeep(
  config: Pick<RepositoryConfig, "name" | "timezone" | "check" | "prune" | "mirror">,
  state: UpkeepState | undefined,
  now: Date,
): readonly UpkeepStatus[] {
  return upkeepKinds.flatMap((kind): UpkeepStatus[] => {
    const schedule = config[kind]?.schedule;
    const known = state?.[kind];
    // Asked for by hand where it cannot be done, such as a mirror of what has none: that would be told for ever.
    const wasNever = known?.lastGood === undefined && (known?.report?.outcome ?? "not-done") === "not-done";
    if (schedule === undefined && wasNever) return [];
    const timed = { timezone: config.timezone ?? "UTC", splay: 0, ...(schedule && { schedule }) };
    const promised = promiseOf(timed, now)?.seconds;
    const { lastGood, since, report } = known ?? {};
    const ageSeconds = ageOf(lastGood, now);
    // What an earlier version remembers without an instant was tried, and never went well.
    const unbroken = ageSeconds ?? (known === undefined ? 0 : (ageOf(since, now) ?? Infinity));
    const errors = report?.problems.filter(({ severity }) => severity === "error") ?? [];
    return [
      {
        repository: config.name,
        kind,
        ...(schedule && { schedule }),
        ...(ageSeconds === undefined ? {} : { ageSeconds }),
        ...(promised === undefined ? {} : { promised }),
        overdue: promised !== undefined && unbroken > promised,
        ...(report && { outcome: report.outcome, at: report.finished }),
        failing: errors.map(sentenceOf),
      },
    ];
  });
}

function ageOf(iso: string | undefined, now: Date): number | undefined {
  return iso === undefined ? undefined : Math.max(0, (now.getTime() - Date.parse(iso)) / 1000);
}

/** What runs that store there tell of it: who would do it may not be at work at all, and then tells nobody. */
export function overdueProblem({ repository, kind, ageSeconds, promised }: UpkeepStatus): Problem {
  const last = ageSeconds === undefined ? "never yet" : `${formatSpan(ageSeconds)} ago`;
  return {
    severity: "error",
    kind: "unexpected",
    code: "UpkeepOverdue",
    doing: `see that the repository ${repository} is looked after`,
    found: `its ${kind} last went well ${last}; its schedule promises one every ${formatSpan(promised ?? 0)}`,
    remedy: `see ec2-backup status and the log, and do it now: ec2-backup repository ${kind} ${repository}`,
  };
}

/** How much is wrong with what else is done to the repository by itself: errors of the last time, or that it is overdue. */
export function errorsBeside(found: readonly UpkeepStatus[], kind: string): number {
  return found
    .filter((one) => one.kind !== kind && one.schedule !== undefined)
    .reduce((sum, { failing, overdue }) => sum + Math.max(failing.length, overdue ? 1 : 0), 0);
}

/** Whether somebody should look at it. */
export function needsCare({ overdue, outcome }: UpkeepStatus): boolean {
  return overdue || (outcome !== undefined && outcome !== "done" && outcome !== "skipped");
}
