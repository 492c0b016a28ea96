import type { HookKind } from "./hook.ts";
import type { HookConfig } from "./hook-config.ts";
import { type Consistency, consistencies } from "./retention-policy.ts";

/** What became of a hook, as far as consistency goes by it. */
export interface HookOutcome {
  readonly kind: HookKind;
  /** Whether it held from before the capture until after it. */
  readonly held: boolean;
}

/** The mounts on the captured volumes that could be frozen, and those that were. */
export interface Stillness {
  /** One path for each filesystem that may be frozen at all. */
  readonly eligible: readonly string[];
  readonly frozen: readonly string[];
  /** Mounts that rest partly on captured volumes and partly elsewhere: no freeze makes a set of them. */
  readonly straddling: readonly string[];
}

/**
 * What a point deserves to be called. `filesystem`: every eligible mount was frozen. `application`: every
 * database and command hook held as well or, where nothing can be frozen, a database hook did. Else `crash`.
 */
export function consistencyOf(hooks: readonly HookOutcome[], mounts: Stillness): Consistency {
  const { eligible, straddling } = mounts;
  const frozen = new Set(mounts.frozen);
  const whole = straddling.length === 0;
  const still = whole && eligible.length > 0 && eligible.every((path) => frozen.has(path));
  const applications = hooks.filter(({ kind }) => kind !== "freeze");
  const held = applications.length > 0 && applications.every((hook) => hook.held);
  const nothingToFreeze = whole && eligible.length === 0;
  if (held && still) return "application";
  if (held && nothingToFreeze && applications.some(({ kind }) => kind === "database")) return "application";
  return still ? "filesystem" : "crash";
}

/** Whether a consistency is less than what is demanded. */
export function isLess(found: Consistency, demanded: Consistency): boolean {
  return consistencies.indexOf(found) < consistencies.indexOf(demanded);
}

/** A hook as far as consistency goes by it. A command that runs nothing before the capture holds nothing. */
export type Raising = Pick<HookConfig, "kind"> & { readonly before?: unknown };

/** Whether a hook has a say in the consistency. */
export function raises(hook: Raising): boolean {
  return hook.kind !== "command" || hook.before !== undefined;
}

/** The best that hooks can give if all of them hold. */
export function attainable(hooks: readonly Raising[], mounts: Stillness): Consistency {
  const outcomes = hooks.filter(raises).map(({ kind }) => ({
    kind: kind === "command" || kind === "freeze" ? kind : ("database" as const),
    held: true,
  }));
  return consistencyOf(outcomes, mounts);
}

/**
 * What a job that does not say demands: what its hooks are there for, whatever becomes of them on this host, so
 * that a disk that is not mounted tonight does not lower it. Without a freeze, or with one that has `nothing` to
 * freeze here, what the others can give.
 */
export function demandOf(hooks: readonly Raising[], best: Consistency, nothing: boolean): Consistency {
  if (nothing || hooks.every(({ kind }) => kind !== "freeze")) return best;
  return hooks.filter(raises).length > 1 ? "application" : "filesystem";
}
