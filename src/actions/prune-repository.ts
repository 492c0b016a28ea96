import { counted } from "../core/counted.ts";
import { BackupError } from "../core/errors.ts";
import { type MayMend, mending } from "../core/mending.ts";
import type { Audit } from "../core/ports.ts";
import { type ElsewhereConsent, type ElsewherePlan, planElsewhere } from "../core/prune-elsewhere.ts";
import type { Problem } from "../core/report.ts";
import { removalClock } from "../core/store-skew.ts";
import type { SeriesUpkeep } from "../core/upkeep.ts";
import { forgetPoints } from "./forget-stored.ts";
import { asProblems, type Done, disbelief, inventory, opened, toldTo, type UpkeepDeps } from "./upkeep.ts";

export interface PruneOrder {
  readonly run: string;
  readonly planned: boolean;
  /** Forget what the recorded policies give up, of all hosts, before the room is given back. */
  readonly forget?: ElsewhereConsent;
}

/** Gives back the room of forgotten points, and forgets before that where it is told to. Never where appendOnly says no. */
export async function pruneRepository(
  deps: UpkeepDeps & { readonly audit: Audit },
  { run, planned, forget }: PruneOrder,
  signal: AbortSignal,
): Promise<Done> {
  const { store, state, tell } = deps;
  const { name, appendOnly } = store.config;
  if (appendOnly) throw forbidden(name);
  const facts = await opened(store, state, signal);
  const told = forget === undefined ? undefined : await forgetAll(forget, { run, planned }, deps, signal);
  const series = told?.series ?? [];
  const problems = told?.problems ?? [];
  const isWrong = problems.some(({ severity }) => severity === "error");
  if (planned) return { outcome: isWrong ? "not-done" : "done", facts, prune: { series }, problems };
  const mended = toldTo(problems, deps);
  // Data that a snapshot named which is cleared away stays until a prune that comes later: it can be recovered till then.
  const may: MayMend = ({ kind }) => kind === "index";
  const { freedBytes } = await mending([store], () => store.prune(tell, signal), mended, signal, may);
  const prune = { ...(freedBytes === undefined ? {} : { freedBytes }), series };
  return { outcome: isWrong ? "degraded" : "done", facts, prune, problems };
}

function forbidden(name: string): BackupError {
  return new BackupError({
    kind: "refused",
    code: "AppendOnly",
    doing: `prune the repository ${name}`,
    found: "the configuration says appendOnly: this host never forgets or prunes there",
    remedy: "on a host with the right to: `ec2-backup repository prune --forget`",
  });
}

async function forgetAll(
  consent: ElsewhereConsent,
  { run, planned }: Pick<PruneOrder, "run" | "planned">,
  deps: UpkeepDeps & { readonly audit: Audit },
  signal: AbortSignal,
): Promise<{ series: SeriesUpkeep[]; problems: Problem[] }> {
  const { store, clock } = deps;
  const { name } = store.config;
  const { points, clock: stored } = await inventory(store, deps, signal);
  const removal = removalClock(name, clock.now(), stored);
  if (!removal.ok) return { series: [], problems: asProblems("error", [removal.failure]) };
  const plans = planElsewhere(points, consent, removal.asOf);
  const problems = [
    ...(removal.notice === undefined ? [] : [notice(name, removal.notice)]),
    ...disbelief(
      name,
      plans.flatMap(({ disbelieved }) => disbelieved),
    ),
    ...plans.flatMap((plan) => toldOf(name, plan)),
  ];
  const series: SeriesUpkeep[] = [];
  for (const plan of plans) {
    const { removed, failures } = planned
      ? { removed: plan.remove.map(({ id }) => id), failures: [] }
      : await forgetPoints(plan.remove, { ...deps, run }, signal);
    problems.push(...asProblems("error", failures));
    series.push(upkeepOf(plan, removed));
    if (signal.aborted) break;
  }
  return { series, problems };
}

export function upkeepOf(
  { series, kept, remove, postponed, disbelieved }: Omit<ElsewherePlan, "left" | "warning">,
  removed: readonly string[],
): SeriesUpkeep {
  return {
    series,
    kept: kept + remove.length - removed.length,
    removed,
    postponed: postponed.map(({ id }) => id),
    disbelieved: disbelieved.map(({ id, holds }) => ({
      point: id,
      why: holds.find(({ by }) => by === "clock" || by === "mixed")?.detail ?? "",
    })),
  };
}

function notice(name: string, found: string): Problem {
  return { severity: "notice", kind: "refused", doing: `forget points of the repository ${name}`, found };
}

function toldOf(name: string, { series, left, warning, postponed }: ElsewherePlan): Problem[] {
  const of = { kind: "refused", doing: `forget points of series ${series} in ${name}` } as const;
  return [
    ...(left === undefined
      ? []
      : [{ ...of, severity: "warning" as const, found: `nothing is removed: ${left}` }]),
    ...(warning === undefined
      ? []
      : [{ ...of, severity: "warning" as const, code: "PolicyShrank", found: warning }]),
    ...(postponed.length === 0 ? [] : [braked(name, series, postponed.length)]),
  ];
}

/** More would go than one run may remove: somebody is to look at it. */
export function braked(name: string, series: string, count: number): Problem {
  return {
    severity: "error",
    kind: "refused",
    code: "TooManyRemovals",
    doing: `forget points of series ${series} in ${name}`,
    found: `${counted(count, "more point")} would go than one run may remove; they are left`,
    remedy: "look with --dry-run; if it is meant: --yes",
  };
}
