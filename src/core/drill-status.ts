import type { Drill } from "./drill.ts";
import { ageOfDrill, type DrillReport, type DrillState } from "./drill-report.ts";
import { promiseOf } from "./promise.ts";

/** What is known of one thing that a drill covers. */
interface SubjectStatus {
  readonly of: string;
  readonly job: string;
  readonly outcome: DrillReport["outcome"];
  /** When it was last tried, ISO 8601. */
  readonly at: string;
  readonly lastGood?: { readonly at: string; readonly point: string; readonly ageSeconds: number };
  /** What was wrong the last time, in sentences. */
  readonly failing: readonly string[];
}

/** What this host remembers of one drill. */
export interface DrillStatus {
  readonly drill: string;
  readonly schedule?: string;
  /** Seconds since all of it was last verified; absent if anything of it never was. */
  readonly ageSeconds?: number;
  /** Seconds that may pass between two good drills; absent where nothing says so. */
  readonly promised?: number;
  readonly overdue: boolean;
  readonly subjects: readonly SubjectStatus[];
}

/** Judges a drill by what is remembered of it. One that never was is overdue where anything is promised. */
export function judgeDrill(drill: Drill, state: DrillState | undefined, now: Date): DrillStatus {
  const { name, schedule } = drill;
  const promised = promiseOf(drill, now)?.seconds;
  const ageSeconds = state === undefined ? undefined : ageOfDrill(state, now);
  return {
    drill: name,
    ...(schedule === undefined ? {} : { schedule }),
    ...(ageSeconds === undefined ? {} : { ageSeconds }),
    ...(promised === undefined ? {} : { promised }),
    overdue: promised !== undefined && (ageSeconds === undefined || ageSeconds > promised),
    subjects: Object.values(state?.subjects ?? {}).map(({ job, lastGood, report }) => ({
      of: report.subject.name ?? report.subject.id,
      job,
      outcome: report.outcome,
      at: report.finished,
      ...(lastGood && {
        lastGood: {
          at: lastGood.at,
          point: lastGood.point,
          ageSeconds: Math.max(0, (now.getTime() - Date.parse(lastGood.at)) / 1000),
        },
      }),
      failing: report.problems
        .filter(({ severity }) => severity === "error")
        .map(({ doing, found }) => `cannot ${doing}: ${found}`),
    })),
  };
}

/** Whether somebody should look at it. */
export function isTroubled({ overdue, subjects }: DrillStatus): boolean {
  return overdue || subjects.some(({ outcome }) => outcome !== "verified");
}
