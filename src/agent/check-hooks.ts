import { leftOutByTags } from "../config/backup-tag.ts";
import { pathText } from "../config/path.ts";
import { attainable, isLess } from "../core/consistency.ts";
import { failureOf, interrupted, sentenceOf } from "../core/errors.ts";
import { type FreezePlan, planFreeze } from "../core/freeze-plan.ts";
import { hasNothingToFreeze, shortfallsOf, whyNothing } from "../core/freeze-shortfalls.ts";
import type { Occupied } from "../core/freeze-verdict.ts";
import type { FreezeHookConfig, HookConfig } from "../core/hook-config.ts";
import type { Volume } from "../core/instance.ts";
import type { Job } from "../core/job.ts";
import type { MountMap } from "../core/mount-map.ts";
import type { Host } from "../core/ports.ts";
import { scopeOf, selectVolumes } from "../core/selection.ts";
import { refuseSilent } from "../host/silent-mounts.ts";
import { type HostProcess, thisHost } from "./this-host.ts";

/** What a run would refuse of its hooks, each as a line that begins with its place in the file. */
export interface CheckedHooks {
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

interface HooksToCheck {
  readonly jobs: readonly Job[];
  /** The instance's; absent where they are not known: then nothing is judged by them. */
  readonly volumes?: readonly Volume[];
  readonly self: HostProcess;
  readonly stateDirectory: string;
}

interface Ground extends HooksToCheck {
  readonly host: Host;
  readonly map: MountMap;
  readonly faults: string[];
  readonly warnings: string[];
}

/** How long a check may take, in milliseconds: a filesystem whose server is gone answers nobody. */
const patience = 20_000;

/**
 * Looks, without holding, connecting or running anything, at what the hooks of each job would need on this host:
 * their mounts, programs and files with passwords. Tells after `within` milliseconds what it has found until then.
 * Throws only if it is interrupted.
 */
export async function checkHooks(
  given: HooksToCheck,
  signal: AbortSignal,
  within = patience,
): Promise<CheckedHooks> {
  const late = AbortSignal.timeout(within);
  const stop = AbortSignal.any([signal, late]);
  const faults: string[] = [];
  const warnings: string[] = [];
  const stopped = new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
  // Nothing else may be left that keeps the process until then.
  const awake = setTimeout(() => undefined, within);
  try {
    await Promise.race([look(given, faults, warnings, stop), stopped]);
  } finally {
    clearTimeout(awake);
  }
  if (signal.aborted) throw interrupted("check the hooks", "it");
  const unfinished = late.aborted ? [`the hooks could not all be checked within ${within / 1000} s`] : [];
  return { faults: [...faults], warnings: [...warnings, ...unfinished] };
}

async function look(
  given: HooksToCheck,
  faults: string[],
  warnings: string[],
  stop: AbortSignal,
): Promise<void> {
  const host = thisHost(given.self, given.stateDirectory);
  const map = await host.mounts(given.volumes ?? []);
  const ground = { ...given, host, map, faults, warnings };
  for (const job of given.jobs) {
    await lookAtMounts(job, ground);
    for (const [index, hook] of job.hooks.entries()) {
      // Nobody waits for the rest any more.
      if (stop.aborted) return;
      if (hook.kind !== "freeze") await lookAtFiles(hook, placeOf(job, index, hook.kind), ground, stop);
    }
  }
}

function placeOf(job: Job, ...more: readonly (string | number)[]): string {
  return pathText(["jobs", job.name, "hooks", ...more]);
}

/** What the freeze of a job, or the lack of one, makes of its consistency. */
async function lookAtMounts(job: Job, { host, map, volumes, faults, warnings }: Ground): Promise<void> {
  const index = job.hooks.findIndex(({ kind }) => kind === "freeze");
  const freeze = job.hooks[index] as FreezeHookConfig | undefined;
  const wanted = freeze?.mounts;
  const place = freeze === undefined ? placeOf(job) : placeOf(job, index, "freeze", "mounts");
  if (map.mounts.length === 0 && map.doubts.length > 0) {
    if (freeze !== undefined) warnings.push(`${place}: not checked: ${map.doubts.join("; ")}`);
    return;
  }
  const occupied = await host.occupied(job);
  if (volumes === undefined) {
    faults.push(...refusalsAnywhere(wanted ?? "data", map, occupied).map((found) => `${place}: ${found}`));
    return;
  }
  const scope = scopeOf(selectVolumes(volumes, job.volumes, ({ tags }) => leftOutByTags(tags), map.mounts));
  if (!("expected" in scope)) {
    faults.push(`${pathText(["jobs", job.name, "volumes"])}: ${scope.found}; ${scope.remedy}`);
    return;
  }
  const set = new Set(scope.expected.map(({ id }) => id));
  const plan = planFreeze({ map, set, occupied, wanted: wanted ?? "data" });
  const short = job.consistency === "crash" ? [] : shortfallsOf(wanted, plan);
  warnings.push(...short.map((one) => `${place}: ${one.path} ${one.because}`));
  if (wanted !== undefined) judge(wanted, plan, map, set, place, faults, warnings);
  const frozen = wanted === undefined ? [] : plan.freeze.flat().map(({ path }) => path);
  const straddling = plan.straddling.map(({ path }) => path);
  const best = attainable(job.hooks, { eligible: plan.eligible, straddling, frozen });
  if (job.consistency !== undefined && isLess(best, job.consistency))
    warnings.push(
      `${pathText(["jobs", job.name, "consistency"])}: ${job.consistency} is demanded, and the hooks can give ${best} at best here`,
    );
}

/** What a run would refuse to freeze. */
function judge(
  wanted: FreezeHookConfig["mounts"],
  plan: FreezePlan,
  map: MountMap,
  set: ReadonlySet<string>,
  place: string,
  faults: string[],
  warnings: string[],
): void {
  if (wanted !== "data") faults.push(...plan.refused.map((one) => `${place}: ${one.path} ${one.because}`));
  if (plan.freeze.length > 0 || (wanted !== "data" && plan.refused.length > 0)) return;
  if (wanted === "data" && hasNothingToFreeze(plan)) return;
  const resting = map.mounts.filter((mount) => mount.volumes.some((id) => set.has(id)));
  const why = whyNothing(wanted, plan, new Set(resting.map(({ path }) => path)));
  const reasons = why.map(({ path, because }) => `; ${path} ${because}`).join("");
  warnings.push(`${place}: no mount on the captured volumes may be frozen${reasons}`);
}

/** What is refused whatever rests on which volume: as though all of them were captured. */
function refusalsAnywhere(
  wanted: FreezeHookConfig["mounts"],
  map: MountMap,
  occupied: readonly Occupied[],
): string[] {
  if (wanted === "data") return [];
  const mounts = map.mounts.map((mount) => ({ ...mount, volumes: ["any"], unknown: [] }));
  const { refused } = planFreeze({ map: { ...map, mounts }, set: new Set(["any"]), occupied, wanted });
  return refused.map(({ path, because }) => `${path} ${because}`);
}

/** What can be known of a hook's files. A command's log is not opened, since that would make it. */
async function lookAtFiles(
  config: Exclude<HookConfig, FreezeHookConfig>,
  place: string,
  { self, faults }: Ground,
  stop: AbortSignal,
): Promise<void> {
  try {
    if (config.kind === "command") {
      const { prepareCommands } = await import("../hooks/prepare-commands.ts");
      const { log, ...silent } = config;
      await prepareCommands(silent, self.uid, stop);
      if (log !== undefined) await refuseSilent(log, `open the log ${log}`, stop);
    } else if (config.kind === "mysql") {
      const { targetOf } = await import("../hooks/mysql-options.ts");
      await targetOf(config, self);
    } else if (config.kind !== "postgres" && config.passwordFile !== undefined) {
      const { passwordIn } = await import("../host/private-file.ts");
      await passwordIn(config.passwordFile, self.uid);
    }
  } catch (error) {
    if (!stop.aborted) faults.push(`${place}: ${sentenceOf(failureOf(error, "check the hook"))}`);
  }
}
