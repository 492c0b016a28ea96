import { BackupError } from "../core/errors.ts";
import { isOurs, type MachinePlan } from "../core/machine-plan.ts";
import type { MachineState } from "../core/machine-ports.ts";
import type { PlannedVolume } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { type MachineDeps, whenIn } from "./machine-deps.ts";
import { earlierVolumes, volumeFor } from "./restore-create.ts";
import { answered, until } from "./restore-deps.ts";

/**
 * Gives an instance that was launched from the original image the volumes of the point: it is stopped, its root
 * detached, the restored ones attached, and started. Each step looks first whether it is done.
 */
export async function swapRoot(
  plan: MachinePlan,
  launched: MachineState,
  userData: Uint8Array | undefined,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<MachineState> {
  const { id, rootDevice } = launched;
  const volumes = await makeVolumes(plan, deps, signal);
  const wanted = plan.volumes.map((planned, index) => ({
    planned,
    volume: volumes[index] as VolumeState,
    device: planned.root ? rootDevice : planned.device,
  }));
  const now = await settled(id, deps, signal);
  const has = (machine: MachineState) =>
    wanted.every(({ volume, device }) =>
      machine.devices.some((one) => one.volume === volume.id && one.device === device),
    );
  if (now.state === "running" && has(now)) return now;
  deps.progress({ percent: 45, doing: `stopping ${id}` });
  if (now.state !== "stopped") {
    await answered(`stop ${id}`, deps, signal, () => deps.machines.stop(id, signal));
    await whenIn("stopped", id, deps, signal, async (state) => {
      if (state === "running") await deps.machines.stop(id, signal);
    });
  }
  await freeRoot(
    plan,
    id,
    rootDevice,
    wanted.map(({ volume }) => volume.id),
    deps,
    signal,
  );
  for (const { volume, device } of wanted) {
    deps.progress({ percent: 55, doing: `attaching ${volume.id} as ${device}` });
    await attachAt(volume.id, id, device, deps, signal);
  }
  const goes = new Map(wanted.map(({ planned, device }) => [device, goesWith(plan, planned)]));
  await answered(`set the volumes of ${id}`, deps, signal, () => deps.machines.setDeletion(id, goes, signal));
  if (userData !== undefined)
    await answered(`set the user data of ${id}`, deps, signal, () =>
      deps.machines.setUserData(id, userData, signal),
    );
  deps.progress({ percent: 60, doing: `starting ${id}` });
  await answered(`start ${id}`, deps, signal, () => deps.machines.start(id, signal));
  return whenIn("running", id, deps, signal);
}

function goesWith({ devices }: MachinePlan, { request }: PlannedVolume): boolean {
  return devices.find(({ snapshot }) => snapshot === request.snapshot)?.deleteOnTermination === true;
}

async function makeVolumes(
  plan: MachinePlan,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<readonly VolumeState[]> {
  const { id, point, instance, left, volumes } = plan;
  const shared = { id, point, instance, volumes, left, obstacles: [], notes: [], taken: [] };
  // No disk of this host has a part in it.
  const world = { ...deps, disks: undefined as never };
  const earlier = await earlierVolumes(plan, world, signal);
  const ended = await Promise.allSettled(
    volumes.map((planned) => volumeFor(planned, shared, earlier, world, () => undefined, signal)),
  );
  return ended.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value;
  });
}

/** Running or stopped, whatever it was on its way to. */
async function settled(id: string, deps: MachineDeps, signal: AbortSignal): Promise<MachineState> {
  const doing = `wait for ${id}`;
  const state = await until(doing, deps.waits.powerFor, deps, signal, async (elapsed) => {
    const [machine] = await deps.machines.machines([id], signal);
    if (machine === undefined) return elapsed > deps.waits.visibleFor ? ("gone" as const) : undefined;
    return machine.state === "pending" || machine.state === "stopping" ? undefined : machine;
  });
  if (state !== "gone" && (state.state === "running" || state.state === "stopped")) return state;
  return whenIn("running", id, deps, signal);
}

/** Detaches the root of the original image, once it is sure that it came with this very launch. */
async function freeRoot(
  plan: MachinePlan,
  machine: string,
  device: string,
  wanted: readonly string[],
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  const doing = `detach the root of ${machine}`;
  const [now] = await answered(doing, deps, signal, () => deps.machines.machines([machine], signal));
  const there = now?.devices.find((one) => one.device === device)?.volume;
  if (there === undefined || wanted.includes(there)) return;
  const [volume] = await answered(doing, deps, signal, () => deps.volumes.describe([there], signal));
  if (volume === undefined || !isOurs(volume.tags, plan.id))
    throw new BackupError({ kind: "refused", doing, found: `${there} was not made by this restore` });
  await answered(doing, deps, signal, () => deps.volumes.detach(there, machine, signal));
  await until(doing, deps.waits.detachFor, deps, signal, async () => {
    const [found] = await deps.volumes.describe([there], signal);
    if (found === undefined || found.state !== "in-use") return true;
    if (found.attachments.some(({ state }) => state === "attached"))
      await deps.volumes.detach(there, machine, signal);
    return undefined;
  });
}

async function attachAt(
  volume: string,
  machine: string,
  device: string,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  const doing = `attach ${volume} to ${machine}`;
  await until(doing, deps.waits.attachFor, deps, signal, async () => {
    const [found] = await deps.volumes.describe([volume], signal);
    const living = found?.attachments.filter(({ state }) => state !== "detached") ?? [];
    const other = living.find(({ instance }) => instance !== machine);
    if (other !== undefined)
      throw new BackupError({ kind: "refused", doing, found: `it is attached to ${other.instance}` });
    if (living.some(({ state }) => state === "attached" || state === "busy")) return true;
    if (found?.state !== "available" || living.length > 0) return undefined;
    try {
      await deps.volumes.attach(volume, machine, device, signal);
    } catch (error) {
      // An earlier request of ours may have been heard though nobody answered.
      if (!(error instanceof BackupError) || error.code !== "VolumeInUse") throw error;
    }
    return undefined;
  });
}
