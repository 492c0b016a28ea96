import { sentenceOf } from "./errors.ts";
import { promiseOf } from "./promise.ts";
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
    if (schedule === undefined && known === undefined) return [];
    const timed = { timezone: config.timezone ?? "UTC", splay: 0, ...(schedule && { schedule }) };
    const promised = promiseOf(timed, now)?.seconds;
    const { lastGood, report } = known ?? {};
    const ageSeconds =
      lastGood === undefined ? undefined : Math.max(0, (now.getTime() - Date.parse(lastGood)) / 1000);
    const errors = report?.problems.filter(({ severity }) => severity === "error") ?? [];
    return [
      {
        repository: config.name,
        kind,
        ...(schedule && { schedule }),
        ...(ageSeconds === undefined ? {} : { ageSeconds }),
        ...(promised === undefined ? {} : { promised }),
        overdue: promised !== undefined && (ageSeconds === undefined || ageSeconds > promised),
        ...(report && { outcome: report.outcome, at: report.finished }),
        failing: errors.map(sentenceOf),
      },
    ];
  });
}

/** Whether somebody should look at it. */
export function needsCare({ overdue, outcome }: UpkeepStatus): boolean {
  return overdue || (outcome !== undefined && outcome !== "done" && outcome !== "skipped");
}
