import type { DrillChecks } from "../core/drill.ts";
import type { DrillFacts } from "../core/drill-ports.ts";
import type { CheckResult } from "../core/drill-report.ts";
import { BackupError, type Failure, failureOf } from "../core/errors.ts";
import type { PlannedMount } from "../core/restore-places.ts";
import type { RestorePlan } from "../core/restore-plan.ts";
import { check, type DrillDeps, type Findings } from "./drill-check.ts";
import { checkFiles } from "./drill-files.ts";
import { lookAtFilesystems } from "./drill-filesystems.ts";
import { withTemporaryVolumes } from "./temporary-volumes.ts";

/** One point that is to be restored and looked at. */
export interface DrillOrder {
  readonly plan: RestorePlan;
  readonly checks: DrillChecks;
  /** Milliseconds. */
  readonly lifetime: number;
  readonly facts: Omit<DrillFacts, "mounts">;
}

/** What came of it, as far as it went. */
export interface Drilled {
  readonly checks: readonly CheckResult[];
  readonly notes: readonly string[];
  /** Milliseconds until the last check was done. */
  readonly elapsedMs: number;
  /** The captured volumes of which something was mounted. */
  readonly looked: readonly string[];
  /** Why not everything could be looked at, or something is left. */
  readonly failure?: Failure;
  /** Whether all that was to be looked at was looked at. */
  readonly whole: boolean;
}

/**
 * Restores a point to volumes that live for this alone, looks at what is on them without writing to it but for the
 * journals, and always cleans up. Never throws.
 */
export async function drillPoint(order: DrillOrder, deps: DrillDeps, signal: AbortSignal): Promise<Drilled> {
  const { plan, lifetime, checks, facts } = order;
  const { clock, host } = deps;
  const began = clock.elapsed();
  const found: Findings = { checks: [], notes: [], looked: new Set() };
  let elapsedMs: number | undefined;
  let failure: Failure | undefined;
  try {
    await host.open(facts.directory, checks.command?.user, signal);
    await withTemporaryVolumes({ plan, lifetime }, deps, signal, async (disks) => {
      await lookAt(order, disks, found, deps, signal);
      elapsedMs = clock.elapsed() - began;
    });
  } catch (error) {
    failure = failureOf(error, `drill point ${plan.point.id}`);
  }
  await host.close([placeOf(facts), facts.directory]);
  const whole = elapsedMs !== undefined;
  const looked = [...found.looked];
  return {
    ...found,
    looked,
    elapsedMs: elapsedMs ?? clock.elapsed() - began,
    whole,
    ...(failure && { failure }),
  };
}

/** By the point, so that nothing that another one has left is in the way. */
function placeOf({ directory, point }: DrillOrder["facts"]): string {
  return `${directory}/${point.replace(/[^\w-]/g, "")}`;
}

async function lookAt(
  { checks, facts, plan }: DrillOrder,
  disks: ReadonlyMap<string, string>,
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<void> {
  const where = placeOf(facts);
  const mounts = await lookAtFilesystems(
    { disks, where, ...checks, drill: facts.drill },
    found,
    deps,
    signal,
  );
  if (mounts.length === 0 && found.checks.every(({ outcome }) => outcome !== "failed"))
    throw new BackupError({
      kind: "refused",
      doing: "look at the restored volumes",
      found: "there is no filesystem on them that could be mounted, so nothing of them is verified",
      remedy: "see the checks that were not done",
    });
  const places = mounts.map((one) => one.where);
  const before = found.checks.length;
  await checkFiles(checks, plan.point.captured, places, found, deps, signal);
  await runCommand(checks.command, { ...facts, mounts: places }, found, deps, signal);
  const lost = await lostOf(mounts, deps, signal);
  if (lost.length === 0) return;
  // What was found without them is no word on the point, neither good nor bad.
  for (const one of found.checks.splice(before))
    found.checks.push({ ...one, outcome: "not-done", detail: `${lost.join(", ")} was gone` });
  throw new BackupError({
    kind: "refused",
    doing: "look at the restored volumes",
    found: `somebody else has unmounted ${lost.join(", ")} meanwhile, or mounted something over it`,
    remedy: "let nobody touch what drills have mounted, then drill again",
  });
}

/** Where there is something else now than what was looked at. */
async function lostOf(
  mounts: readonly PlannedMount[],
  { disks }: DrillDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const lost: string[] = [];
  for (const { filesystem, where } of mounts)
    if (!(await disks.holds(filesystem, where, signal))) lost.push(where);
  return lost;
}

async function runCommand(
  command: DrillChecks["command"],
  facts: DrillFacts,
  found: Findings,
  deps: DrillDeps,
  signal: AbortSignal,
): Promise<void> {
  if (command === undefined) return;
  deps.progress({ percent: 95, doing: `running ${command.run[0]}` });
  await check(found, deps, "command", command.run[0] ?? "", async () => {
    const failure = await deps.host.command(command, facts, signal);
    if (failure?.kind === "interrupted") throw new BackupError(failure);
    return failure === undefined ? {} : { failed: failure.found };
  });
}
