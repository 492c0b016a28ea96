import { BackupError } from "../core/errors.ts";
import { isOurs, type MachinePlan } from "../core/machine-plan.ts";
import type { ImageState, MachineState } from "../core/machine-ports.ts";
import { restoreTags } from "../core/restore-plan.ts";
import { isLiving, type MachineDeps } from "./machine-deps.ts";
import { answered, until } from "./restore-deps.ts";

/** More attempts than a person would undo one restore. */
const maxAttempts = 20;

/** The living instance that the restore has made so far. */
export async function earlierMachine(
  { id }: Pick<MachinePlan, "id">,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<MachineState | undefined> {
  const found = await answered(`look for instances of ${id}`, deps, signal, () =>
    deps.machines.tagged(restoreTags.restore, id, signal),
  );
  const living = found.filter((one) => isLiving(one) && isOurs(one.tags, id));
  return living.find(({ tags }) => tags[restoreTags.done] !== undefined) ?? living[0];
}

/** The image of the root's snapshot: the one that is there already, else a new one. Returns once it is available. */
export async function imageFor(plan: MachinePlan, deps: MachineDeps, signal: AbortSignal): Promise<string> {
  const { name } = plan.image;
  const doing = `make the image ${name}`;
  const [there] = await answered(doing, deps, signal, () => deps.machines.imagesNamed(name, signal));
  if (there !== undefined) return whenAvailable(ownImage(there, plan), deps, signal);
  try {
    const id = await answered(doing, deps, signal, () => deps.machines.register(plan.image, signal));
    deps.log("info", `registered the image ${id}`);
    return await whenAvailable(id, deps, signal);
  } catch (error) {
    // An earlier request of ours may have been heard though nobody answered: there is one image of a name.
    if (!(error instanceof BackupError) || error.code !== "InvalidAMIName.Duplicate") throw error;
  }
  const seen = await until(doing, deps.waits.visibleFor, deps, signal, async () => {
    const [image] = await deps.machines.imagesNamed(name, signal);
    return image;
  });
  return whenAvailable(ownImage(seen, plan), deps, signal);
}

function ownImage({ id, name, tags }: ImageState, plan: MachinePlan): string {
  if (isOurs(tags, plan.id)) return id;
  throw new BackupError({
    kind: "refused",
    doing: `make the image ${name}`,
    found: `${id} has that name, and was not made by this restore`,
    remedy: "add --label with a word of your choice",
  });
}

async function whenAvailable(id: string, deps: MachineDeps, signal: AbortSignal): Promise<string> {
  const doing = `wait for the image ${id}`;
  return until(doing, deps.waits.powerFor, deps, signal, async () => {
    const [image] = await deps.machines.images([id], signal);
    if (image?.state === "available") return id;
    if (image === undefined || image.state === "pending") return undefined;
    throw new BackupError({
      kind: "refused",
      doing,
      found: `it is ${image.state}`,
      remedy: "undo, and begin again",
    });
  });
}

/**
 * Launches the instance of a plan, or finds the one that an earlier invocation has launched. The next token is only
 * taken when the instance of the last one is known to be gone, so that there are never two.
 */
export async function launchOnce(
  plan: MachinePlan,
  { image, userData }: { readonly image: string; readonly userData?: Uint8Array },
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<MachineState> {
  const doing = "launch the instance";
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const text = [plan.id, "machine", attempt].join("\n");
    const clientToken = `ec2-backup-${deps.digest(text).slice(0, 32)}`;
    const order = { ...plan.machine, image, clientToken, ...(userData && { userData }) };
    try {
      const machine = await answered(doing, deps, signal, () => deps.machines.launch(order, signal));
      if (isLiving(machine)) return machine;
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      if (error.code === "IdempotentInstanceTerminated") continue;
      if (error.code !== "IdempotentParameterMismatch") throw error;
      const earlier = await seenSoon(plan, deps, signal);
      if (earlier !== undefined) return earlier;
    }
  }
  throw new BackupError({
    kind: "refused",
    doing,
    found: `EC2 answers ${maxAttempts} requests with instances that are terminated`,
    remedy: "add --label with a word that was not used for this point yet",
  });
}

/** The same token with other words: what it made is continued as soon as it is seen, or it is gone. */
async function seenSoon(
  plan: MachinePlan,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<MachineState | undefined> {
  try {
    return await until("find the instance of an earlier request", deps.waits.visibleFor, deps, signal, () =>
      earlierMachine(plan, deps, signal),
    );
  } catch (error) {
    if (error instanceof BackupError && error.code === "TimeUp") return undefined;
    throw error;
  }
}
