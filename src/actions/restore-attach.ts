import { BackupError } from "../core/errors.ts";
import { planDevices } from "../core/restore-devices.ts";
import type { PlannedVolume, RestorePlan } from "../core/restore-plan.ts";
import type { Attachment, VolumeState } from "../core/restore-ports.ts";
import { answered, type RestoreDeps, until } from "./restore-deps.ts";

/** Another invocation may take a name between a look and the request, but hardly many times. */
export const maxNames = 5;

/** Attaches the volume unless it is; returns the device name of the attachment once EC2 calls it attached. */
export async function attachTo(
  volume: VolumeState,
  planned: PlannedVolume,
  plan: RestorePlan,
  deps: RestoreDeps,
  signal: AbortSignal,
): Promise<string> {
  const here = (one: VolumeState): Attachment | undefined => attachmentOf(one, plan.instance.id);
  const tried: string[] = [];
  let device = planned.device;
  let state = volume;
  for (;;) {
    const there = here(state);
    if (there !== undefined) return whenAttached(state.id, here, deps, signal);
    try {
      await answered(`attach ${state.id}`, deps, signal, () =>
        deps.volumes.attach(state.id, plan.instance.id, device, signal),
      );
      return await whenAttached(state.id, here, deps, signal);
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      if (error.code === "VolumeInUse") {
        // An earlier request of ours may have been heard though nobody answered.
        state = await seen(state, deps, signal);
        if (here(state) !== undefined) continue;
        throw error;
      }
      if (!isNameTaken(error) || tried.length >= maxNames) throw error;
    }
    tried.push(device);
    const others = plan.volumes.map((one) => one.device);
    const [next] = planDevices([undefined], [...plan.taken, ...others, ...tried]);
    if (next?.device === undefined) throw noName(state.id);
    device = next.device;
  }
}

/** An earlier command, or somebody else, was taking it away. */
function wasLeaving(id: string): BackupError {
  return new BackupError({
    kind: "refused",
    doing: `attach ${id}`,
    found: "it was being detached, and is detached now",
    remedy: "run this again",
  });
}

/** The key of a volume is wanted when it is attached (EBS user guide, "How EBS encryption works"). */
function gaveUp(id: string): BackupError {
  return new BackupError({
    kind: "refused",
    doing: `attach ${id}`,
    found: "EC2 began to attach it and gave up, as it does where the key of the volume cannot be used",
    remedy: "see that the key is enabled and that its policy lets EC2 use it (kms:CreateGrant, kms:Decrypt)",
    code: "AttachmentGaveUp",
  });
}

export function isNameTaken({ kind, found }: BackupError): boolean {
  return kind === "refused" && /already in use|is in use/i.test(found);
}

function noName(id: string): BackupError {
  return new BackupError({
    kind: "refused",
    doing: `attach ${id}`,
    found: "this instance has no device name left",
    remedy: "detach a volume, then run this again",
  });
}

async function seen(volume: VolumeState, deps: RestoreDeps, signal: AbortSignal): Promise<VolumeState> {
  const doing = `look at ${volume.id}`;
  const [now] = await answered(doing, deps, signal, () => deps.volumes.describe([volume.id], signal));
  return now ?? volume;
}

/** How it is attached to the instance. Throws where it is attached to another. */
function attachmentOf({ id, attachments }: VolumeState, instance: string): Attachment | undefined {
  const living = attachments.filter(({ state }) => state !== "detached");
  const other = living.find((one) => one.instance !== instance);
  if (other !== undefined)
    throw new BackupError({
      kind: "refused",
      doing: `attach ${id}`,
      found: `it is attached to ${other.instance}`,
      remedy: "restore another copy with --label and a word of your choice",
    });
  return living[0];
}

/** The device name once EC2 calls it attached. `find` tells which of its attachments is meant. */
export async function whenAttached(
  id: string,
  find: (volume: VolumeState) => Attachment | undefined,
  deps: Pick<RestoreDeps, "volumes" | "clock" | "waits">,
  signal: AbortSignal,
): Promise<string> {
  const doing = `wait for ${id} to be attached`;
  let begun = false;
  let last: string | undefined;
  try {
    return await until(doing, deps.waits.attachFor, deps, signal, async () => {
      const [volume] = await deps.volumes.describe([id], signal);
      const there = volume === undefined ? undefined : find(volume);
      if (there?.state === "attached" || there?.state === "busy") return there.device;
      if (last !== undefined && volume?.state === "available" && there === undefined)
        throw begun ? gaveUp(id) : wasLeaving(id);
      begun ||= there?.state === "attaching";
      last = there?.state ?? last;
      return undefined;
    });
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== "TimeUp" || last === undefined) throw error;
    throw stuck(error, id, last);
  }
}

/** (EBS user guide, "Attach an Amazon EBS volume": one may stay `attaching` where the name is in use within the instance.) */
export function stuck({ doing, found }: BackupError, id: string, state: string): BackupError {
  return new BackupError({
    kind: "unreachable",
    doing,
    found: `it is still ${state}; ${found}`,
    remedy: `wait, or end it by force, which loses what was not written yet: aws ec2 detach-volume --force --volume-id ${id}; then run this again. If that does not help, stop and start the instance`,
    code: "TimeUp",
  });
}
