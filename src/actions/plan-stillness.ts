import { attainable, demandOf, raises, type Stillness } from "../core/consistency.ts";
import { BackupError, type Failure } from "../core/errors.ts";
import { type FreezePlan, planFreeze } from "../core/freeze-plan.ts";
import { hasNothingToFreeze, shortfallsOf, whyNothing } from "../core/freeze-shortfalls.ts";
import { summaryOfMounts } from "../core/freeze-verdict.ts";
import type { Hook } from "../core/hook.ts";
import type { FreezeHookConfig, HookConfig } from "../core/hook-config.ts";
import type { Job } from "../core/job.ts";
import type { MountMap, MountSummary } from "../core/mount-map.ts";
import type { Host } from "../core/ports.ts";
import type { Consistency } from "../core/retention-policy.ts";
import type { CaptureScope } from "../core/selection.ts";
import type { HookUse } from "./quiesce.ts";

/** How a capture is to be held still, and what that can give at best. */
export interface StillnessPlan {
  readonly uses: readonly HookUse[];
  readonly map: MountMap;
  readonly freeze: FreezePlan;
  /** What consistency is judged by. */
  readonly mounts: Omit<Stillness, "frozen">;
  readonly summary: MountSummary;
  /** What the job asks for; where it does not say, what its hooks can give on this host. */
  readonly demanded: Consistency;
  readonly attainable: Consistency;
  /** Mounts for which the set is not called consistent, with the reason as a sentence. */
  readonly shortfalls: readonly string[];
  /** Mounts on captured volumes that no freeze flushes. */
  readonly flush: readonly string[];
}

/**
 * Turns the hooks of a job into hooks of this host. What the host refuses to freeze becomes a hook that
 * fails, so that the job's own rules for failures decide. `warm` is run while the freeze waits for data
 * to be written.
 */
export async function planStillness(
  job: Job,
  scope: CaptureScope,
  map: MountMap,
  host: Host,
  warm: () => Promise<void>,
): Promise<StillnessPlan> {
  const config = job.hooks.find((one): one is FreezeHookConfig => one.kind === "freeze");
  const set = new Set(scope.expected.map((volume) => volume.id));
  const occupied = await host.occupied(job);
  const question = { map, set, occupied };
  const freeze = planFreeze({ ...question, wanted: config?.mounts ?? "data" });
  const resting = map.mounts.filter(({ volumes }) => volumes.some((id) => set.has(id)));
  const here = new Set(resting.map(({ path }) => path));
  const nothing = config?.mounts === "data" && hasNothingToFreeze(freeze);
  const hooks = job.hooks.filter(({ kind }) => kind !== "freeze" || !nothing);
  const uses: HookUse[] = [];
  for (const one of hooks) uses.push(await useOf(one, freeze, here, host, warm));
  const frozen = new Set(config === undefined ? [] : freeze.freeze.flat().map(({ path }) => path));
  const mounts = { eligible: freeze.eligible, straddling: freeze.straddling.map(({ path }) => path) };
  const best = attainable(job.hooks, { ...mounts, frozen: [...frozen] });
  // Who holds nothing still expects nothing of it.
  const short = job.hooks.some(raises) ? shortfallsOf(config?.mounts, freeze) : [];
  return {
    uses,
    map,
    freeze,
    mounts,
    summary: summaryOfMounts(question),
    demanded: job.consistency ?? demandOf(job.hooks, best, nothing),
    attainable: best,
    shortfalls: short.map(({ path, because }) => `${path} ${because}`),
    flush: resting.filter(({ path, readOnly }) => !readOnly && !frozen.has(path)).map(({ path }) => path),
  };
}

async function useOf(
  config: HookConfig,
  plan: FreezePlan,
  resting: ReadonlySet<string>,
  host: Host,
  warm: () => Promise<void>,
): Promise<HookUse> {
  const deadline = "deadline" in config ? { deadline: config.deadline } : {};
  if (config.kind !== "freeze") return { hook: await host.hook(config), ...deadline };
  const fault = faultOf(config, plan, resting);
  if (fault !== undefined) return { hook: failing(config, fault) };
  return { hook: unlessSuspended(host.freeze(config, plan.freeze, warm), host), ...deadline };
}

function faultOf(
  { mounts }: FreezeHookConfig,
  plan: FreezePlan,
  resting: ReadonlySet<string>,
): Failure | undefined {
  const { refused, freeze } = plan;
  const doing = "freeze the filesystems";
  const first = refused[0];
  if (mounts !== "data" && first !== undefined) {
    const found = refused.map(({ path, because }) => `${path}: ${because}`).join("; ");
    return { kind: "configuration", doing, found, remedy: "change freeze.mounts of the job" };
  }
  if (freeze.length > 0) return undefined;
  const reasons = whyNothing(mounts, plan, resting);
  const why = reasons.map(({ path, because }) => `${path}: ${because}`).join("; ");
  return {
    kind: "refused",
    doing,
    found: `no mount on the captured volumes may be frozen${why === "" ? "" : ` (${why})`}`,
    remedy: "take the hook freeze from the job, or look at the mounts in `ec2-backup plan`",
  };
}

function failing({ name, onFailure }: FreezeHookConfig, failure: Failure): Hook {
  return { name, kind: "freeze", onFailure, prepare: () => Promise.reject(new BackupError(failure)) };
}

/** A host that falls asleep while it is frozen would not wake up in time to thaw. */
function unlessSuspended(hook: Hook, host: Host): Hook {
  const look = async (): Promise<void> => {
    const pending = await host.suspendPending();
    if (pending === undefined) return;
    throw new BackupError({
      kind: "refused",
      doing: "freeze the filesystems",
      found: `${pending}; a host must not fall asleep while it is frozen`,
      remedy: "the next run freezes again",
    });
  };
  return {
    ...hook,
    async prepare(facts, signal) {
      await look();
      const prepared = await hook.prepare(facts, signal);
      return {
        ...prepared,
        async hold(stop) {
          await look();
          return prepared.hold(stop);
        },
        close: () => prepared.close(),
      };
    },
  };
}
