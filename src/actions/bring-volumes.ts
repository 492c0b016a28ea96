import type { PlannedVolume, RestorePlan } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import type { RestoredVolume } from "../core/restore-result.ts";
import { attachTo } from "./restore-attach.ts";
import { volumeFor } from "./restore-create.ts";
import type { RestoreDeps } from "./restore-deps.ts";

/** How far the volumes of a plan are; kept up to date while they are brought, so that a failure shows what is there. */
export interface Brought {
  readonly volumes: RestoredVolume[];
  readonly notes: string[];
}

export function nothingBrought({ volumes }: Pick<RestorePlan, "volumes">): Brought {
  return {
    volumes: volumes.map(({ volume, request }) => ({
      of: volume,
      snapshot: request.snapshot,
      step: "planned",
      found: false,
    })),
    notes: [],
  };
}

/** The disks that are there, and of which captured volume each is a copy. */
export function disksOf({ volumes }: Pick<Brought, "volumes">): ReadonlyMap<string, string> {
  return new Map(volumes.flatMap(({ disk, of }) => (disk === undefined ? [] : [[disk, of] as const])));
}

/** Makes the volumes of a plan, unless they are among the earlier ones, attaches them and waits for their disks. */
export async function bringVolumes(
  plan: RestorePlan,
  earlier: readonly VolumeState[],
  work: Brought,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<readonly VolumeState[]> {
  const states = await makeAll(plan, earlier, work, deps, signal);
  await attachAll(plan, states, work, deps, signal);
  return states;
}

/** All are asked for before the first is waited for. */
async function makeAll(
  plan: RestorePlan,
  earlier: readonly VolumeState[],
  work: Brought,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<readonly VolumeState[]> {
  let made = 0;
  const total = plan.volumes.length;
  const tell = () =>
    deps.progress({ percent: (made / total) * 100, doing: `${made} of ${total} volumes made` });
  tell();
  const making = plan.volumes.map(async (planned, index) => {
    const noted = (id: string, found: boolean) => {
      advance(work, index, { id, found, step: "created" });
      deps.log("info", found ? `volume ${id} is there already` : `made volume ${id}`, {
        volume: id,
        snapshot: planned.request.snapshot,
      });
    };
    const state = await volumeFor(planned, plan, earlier, deps, noted, signal);
    made += 1;
    tell();
    return state;
  });
  return allOf(making);
}

/** One after the other, since a name that turns out to be taken is replaced by the next free one. */
async function attachAll(
  plan: RestorePlan,
  states: readonly VolumeState[],
  work: Brought,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<void> {
  for (const [index, planned] of plan.volumes.entries()) {
    const state = states[index];
    if (state === undefined) continue;
    deps.progress({ percent: (index / plan.volumes.length) * 100, doing: `attaching ${state.id}` });
    const device = await attachTo(state, planned, plan, deps, signal);
    advance(work, index, { device, step: "attached" });
    if (device !== planned.device) work.notes.push(renamed(planned, state.id, device));
    const disk = await deps.disks.deviceOf({ id: state.id, device }, deps.waits.diskFor, signal);
    advance(work, index, { disk, step: "ready" });
    deps.log("info", `attached ${state.id} as ${device}, here ${disk}`, { volume: state.id });
  }
}

function renamed({ device }: PlannedVolume, id: string, got: string): string {
  return `${id} is attached as ${got}, since ${device} was taken meanwhile`;
}

function advance(work: Brought, index: number, change: Partial<RestoredVolume>): void {
  const before = work.volumes[index];
  if (before !== undefined) work.volumes[index] = { ...before, ...change };
}

/** The first failure, once all have come to an end: none is still at work when the result is told. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  const ended = await Promise.allSettled(promises);
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}
