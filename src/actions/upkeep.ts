import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { Trigger } from "../core/job.ts";
import { mendedIn, type TellMended } from "../core/mending.ts";
import { missingRemedy } from "../core/missing-repository.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { RecoveryPoint } from "../core/recovery-point.ts";
import { type Problem, problemOf } from "../core/report.ts";
import type { StoreClock, StoreFacts } from "../core/store-answers.ts";
import { storedPoints } from "../core/store-point.ts";
import type { Store, StoredSnapshot, StoreProgress } from "../core/store-ports.ts";
import { holdingSkewed } from "../core/store-skew.ts";
import type { UpkeepAction, UpkeepReport, UpkeepState } from "../core/upkeep.ts";

/** Who does it, when and for whom. */
export interface UpkeepOrder {
  readonly run: string;
  readonly trigger: Trigger;
  readonly slot?: string;
  readonly host: string;
  /** Only what would be done. */
  readonly planned: boolean;
}

export interface UpkeepDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly tell: (progress: StoreProgress) => void;
  /** What is remembered of the repository. */
  readonly state: UpkeepState | undefined;
  /** Whether other repositories are copied into this one. */
  readonly copies: boolean;
}

/** What an action adds to the report of itself. */
export type Done = Pick<UpkeepReport, "outcome"> &
  Partial<Pick<UpkeepReport, "facts" | "check" | "prune" | "mirror" | "problems">> & {
    /** What is to be remembered of it. */
    readonly remember?: Pick<UpkeepState, "parts" | "policies">;
  };

export interface Kept {
  readonly report: UpkeepReport;
  readonly remember: Pick<UpkeepState, "parts" | "policies">;
}

/** Does it and reports on it, also where it fails. Never rejects. */
export async function reported(
  action: UpkeepAction,
  repository: string,
  { run, trigger, slot, host, planned }: UpkeepOrder,
  clock: Clock,
  body: () => Promise<Done>,
): Promise<Kept> {
  const [started, begun] = [clock.now(), clock.elapsed()];
  const {
    remember = {},
    problems = [],
    ...done
  } = await body().catch((error: unknown): Done => {
    const failure = failureOf(error, `${doingOf[action]} the repository ${repository}`);
    return {
      outcome: failure.code === heldHere ? "skipped" : "not-done",
      problems: [problemOf("error", failure)],
    };
  });
  const report: UpkeepReport = {
    version: 1,
    run,
    action,
    repository,
    trigger,
    ...(slot === undefined ? {} : { slot }),
    host,
    started: started.toISOString(),
    finished: clock.now().toISOString(),
    elapsedMs: Math.round(clock.elapsed() - begun),
    planned,
    ...done,
    problems,
  };
  return { report, remember };
}

/** The code of a failure that comes of an upkeep of the same repository by another process of this host. */
export const heldHere = "HeldHere";

const doingOf: Readonly<Record<UpkeepAction, string>> = {
  init: "make",
  check: "check",
  prune: "prune",
  mirror: "mirror",
  unlock: "unlock",
};

/** Opens it. One that is missing is told with what this host remembers: nobody is to make one in its place. */
export async function opened(
  store: Store,
  state: UpkeepState | undefined,
  signal: AbortSignal,
): Promise<StoreFacts> {
  let facts: StoreFacts;
  try {
    facts = await store.open(signal);
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind !== "not-found") throw error;
    const { name, url } = store.config;
    const seen = state?.known?.at;
    const remedy = missingRemedy({ name, url, ...(seen === undefined ? {} : { seen }) });
    const { kind, doing, found, code } = error;
    throw new BackupError({ kind, doing, found, remedy, ...(code === undefined ? {} : { code }) });
  }
  const before = state?.known?.id;
  if (before === undefined || before === facts.repositoryId) return facts;
  throw new BackupError({
    kind: "refused",
    code: "AnotherRepository",
    doing: `open the repository ${store.config.name}`,
    found: `it is ${facts.repositoryId.slice(0, 8)}, and was ${before.slice(0, 8)} on ${state?.known?.at ?? ""}: another repository lies in its place`,
    remedy: `see what became of the one before; if it is meant to be this one: ec2-backup repository init ${store.config.name}`,
  });
}

/** All that a repository holds, as far as it can be believed. */
export interface Inventory {
  readonly snapshots: readonly StoredSnapshot[];
  readonly points: readonly RecoveryPoint[];
  readonly clock: StoreClock | undefined;
}

/** Lists it. The points of which the time is not believed are held. */
export async function inventory(
  store: Store,
  { clock, copies }: Pick<UpkeepDeps, "clock" | "copies">,
  signal: AbortSignal,
): Promise<Inventory> {
  const snapshots = await store.snapshots([], signal);
  const stored = await store.clock(signal);
  const facts = { now: clock.now(), clock: stored, longest: store.config.deadline, copies };
  const found = storedPoints(snapshots, {
    repository: store.config.name,
    ...(stored === undefined ? {} : { clock: stored }),
  });
  return { snapshots, points: holdingSkewed(found, snapshots, facts), clock: stored };
}

/** Points of which the time is not believed are told: somebody's clock is wrong, or somebody forges. */
export function disbelief(repository: string, points: readonly RecoveryPoint[]): Problem[] {
  const [first] = points;
  if (first === undefined) return [];
  const why = first.holds.find(({ by }) => by === "clock" || by === "mixed")?.detail ?? "";
  return [
    {
      severity: "warning",
      kind: "refused",
      code: "ClockNotBelieved",
      doing: `read the points of the repository ${repository}`,
      found: `${points.length} of them are held and count for nothing, such as ${first.id} of series ${first.series}: ${why}`,
      remedy:
        "see whose clock was wrong, or who made them; where the repository was moved, its files must keep their times",
    },
  ];
}

/** Tells what was mended in the report, and at once in the log: what comes after it may fail. */
export function toldTo(problems: Problem[], { log }: Pick<UpkeepDeps, "log">): TellMended {
  return (repository, found) => {
    log("warn", `${repository}: ${found}`);
    problems.push(problemOf("warning", mendedIn(repository, found)));
  };
}

export function asProblems(severity: Problem["severity"], failures: readonly Failure[]): Problem[] {
  return failures.map((failure) => problemOf(severity, failure));
}
