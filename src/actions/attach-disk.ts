import type { DiskHost } from "../core/directory-ports.ts";
import { BackupError, failureOf, sentenceOf } from "../core/errors.ts";
import { planDevices } from "../core/restore-devices.ts";
import type { Attachment, VolumeState } from "../core/restore-ports.ts";
import type { DirectoryDeps } from "./directory-deps.ts";
import { isNameTaken, maxNames, whenAttached } from "./restore-attach.ts";
import { answered, never, until } from "./restore-deps.ts";

/**
 * Attaches an available volume, has something done with its disk and always detaches it, also when told to stop. The
 * first failure is thrown; that it could not be detached is told in it, or beside the value.
 */
export async function withDisk<T>(
  volume: VolumeState,
  host: DiskHost,
  deps: DirectoryDeps,
  signal: AbortSignal,
  use: (disk: string) => Promise<T>,
): Promise<{ readonly value: T; readonly left?: string }> {
  let outcome: { readonly value: T } | { readonly error: unknown };
  let asked = false;
  try {
    await deps.note({ volume: volume.id, instance: host.instance });
    deps.tell(`attaching ${volume.id} to ${host.instance}`);
    const taken = await answered("see which devices are taken", deps, signal, () => host.taken(signal));
    asked = true;
    const device = await attach(volume.id, host.instance, taken, deps, signal);
    const disk = await host.diskOf({ id: volume.id, device }, signal);
    outcome = { value: await use(disk) };
  } catch (error) {
    outcome = { error };
  }
  const left = asked ? await detach(volume.id, host.instance, deps) : undefined;
  if ("error" in outcome) throw left === undefined ? outcome.error : withLeft(outcome.error, left);
  return { value: outcome.value, ...(left === undefined ? {} : { left: sentenceOf(left) }) };
}

async function attach(
  id: string,
  instance: string,
  taken: readonly string[],
  deps: DirectoryDeps,
  signal: AbortSignal,
): Promise<string> {
  const tried: string[] = [];
  for (;;) {
    const [next] = planDevices([undefined], [...taken, ...tried]);
    const device = next?.device;
    if (device === undefined)
      throw new BackupError({
        kind: "refused",
        doing: `attach ${id}`,
        found: `${instance} has no device name left`,
      });
    try {
      // Not cut short: only its answer tells whether there is something to be detached.
      await answered(`attach ${id}`, deps, signal, () => deps.volumes.attach(id, instance, device, never));
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      const mine = error.code === "VolumeInUse" && (await isMine(id, instance, deps, signal));
      if (!mine && (!isNameTaken(error) || tried.length >= maxNames || error.code === "VolumeInUse"))
        throw error;
      if (!mine) {
        tried.push(device);
        continue;
      }
    }
    return await whenAttached(id, (volume) => attachmentOf(volume, instance), deps, signal);
  }
}

/** An earlier request of ours may have been heard though nobody answered. */
async function isMine(
  id: string,
  instance: string,
  deps: DirectoryDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const [now] = await answered(`look at ${id}`, deps, signal, () => deps.volumes.describe([id], signal));
  return now !== undefined && attachmentOf(now, instance) !== undefined;
}

/** How it is attached to the instance, where it is. */
function attachmentOf({ attachments }: VolumeState, instance: string): Attachment | undefined {
  return attachments.find((one) => one.instance === instance && one.state !== "detached");
}

/** What is wrong if it cannot be detached. Never cut short; all its waits have limits. */
async function detach(id: string, instance: string, deps: DirectoryDeps): Promise<BackupError | undefined> {
  deps.tell(`detaching ${id}`);
  try {
    await detachFrom(id, instance, deps, never);
    return undefined;
  } catch (error) {
    const failure = failureOf(error, `detach ${id}`);
    return new BackupError(failure);
  }
}

/** Detaches it if it is attached there, and waits until it is. */
export async function detachFrom(
  id: string,
  instance: string,
  deps: Pick<DirectoryDeps, "volumes" | "clock" | "waits">,
  signal: AbortSignal,
): Promise<void> {
  let asked = 0;
  await until(`wait for ${id} to be detached`, deps.waits.detachFor, deps, signal, async () => {
    const [volume] = await deps.volumes.describe([id], signal);
    const there = volume === undefined ? undefined : attachmentOf(volume, instance);
    if (there === undefined) {
      // What was asked for a moment ago may not be shown yet.
      return volume === undefined || volume.state === "available" || asked > 0 ? true : undefined;
    }
    if (there.state === "attached" || (there.state === "attaching" && asked === 0)) {
      asked += 1;
      await deps.volumes.detach(id, instance, signal);
    }
    return undefined;
  });
}

function withLeft(error: unknown, left: BackupError): BackupError {
  const failure = failureOf(error, "copy the directory");
  const { kind, doing, remedy, code } = failure;
  return new BackupError({
    kind,
    doing,
    found: `${failure.found}; and ${sentenceOf(left)}`,
    ...(remedy === undefined ? {} : { remedy }),
    ...(code === undefined ? {} : { code }),
  });
}
