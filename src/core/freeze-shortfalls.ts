import type { Refusal } from "./freeze-paths.ts";
import type { FreezePlan } from "./freeze-plan.ts";

/**
 * The mounts for which a capture is not called consistent, or that are not though it is, however well the rest
 * is frozen: those that also rest on something that is not captured, those that are in use meanwhile, and those
 * that a list of mounts leaves out. What is a fault of the list anyhow is not told again. `wanted` is absent
 * where nothing is to be frozen.
 */
export function shortfallsOf(wanted: "data" | readonly string[] | undefined, plan: FreezePlan): Refusal[] {
  if (wanted === undefined) {
    const because =
      "is not frozen by any hook, so that its point is crash-consistent whatever the other hooks hold; add freeze: data";
    return plan.eligible.map((path) => ({ path, because }));
  }
  const told = new Set(plan.refused.map(({ path }) => path));
  const straddling = plan.straddling.filter(({ path }) => !told.has(path));
  if (wanted === "data") return [...straddling, ...plan.inUse];
  const known = new Set([...plan.freeze.flat(), ...plan.straddling, ...plan.refused].map(({ path }) => path));
  const because =
    "is left out of freeze.mounts though it rests on captured volumes, so that they are crash-consistent at best; add it, or say data";
  const forgotten = plan.eligible.filter((path) => !known.has(path)).map((path) => ({ path, because }));
  return [...straddling, ...forgotten];
}

/**
 * Whether there is nothing to freeze by the nature of this host, such as one with a root volume alone: then
 * `data` asks for nothing. A disk that is not mounted or that is in use is no such thing.
 */
export function hasNothingToFreeze({ freeze, straddling, inUse, unmounted }: FreezePlan): boolean {
  return [freeze, straddling, inUse, unmounted].every((list) => list.length === 0);
}

/** Why nothing is left to freeze. `resting`: the paths of what is mounted from captured volumes. */
export function whyNothing(
  wanted: "data" | readonly string[],
  { still, straddling, refused, unmounted }: FreezePlan,
  resting: ReadonlySet<string>,
): Refusal[] {
  const asked = (path: string): boolean => (wanted === "data" ? resting.has(path) : wanted.includes(path));
  const told = new Set(refused.map(({ path }) => path));
  const bare = unmounted.map((path) => ({ path, because: "carries nothing that is mounted" }));
  return [
    ...refused,
    ...[...straddling, ...still].filter(({ path }) => asked(path) && !told.has(path)),
    ...bare,
  ];
}
