import { BackupError, type Failure, sentenceOf } from "../core/errors.ts";
import { isOurs, type MachinePlan } from "../core/machine-plan.ts";
import { restoreTags } from "../core/restore-plan.ts";
import type { MachineDeps } from "./machine-deps.ts";
import { answered } from "./restore-deps.ts";

/** What is known of the image that an instance was made with. */
export interface ImageWork {
  image?: string;
  /** Why it may be there still. */
  left?: Failure;
}

/** The images that were made for this and are nobody's yet. */
async function imagesOf(
  plan: MachinePlan,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  // The original image, or the point's own, is nobody's to take away here.
  if (plan.way !== "register") return [];
  const images = await answered("look for the image", deps, signal, () =>
    deps.machines.taggedImages(restoreTags.restore, plan.id, signal),
  );
  const ours = images.filter(({ tags }) => isOurs(tags, plan.id) && tags[restoreTags.done] === undefined);
  return ours.map(({ id }) => id);
}

/** An image that is to be kept must be marked, or the next undo would take it. */
export async function findKept(
  plan: MachinePlan,
  work: ImageWork,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  const [kept] = await imagesOf(plan, deps, signal);
  if (kept !== undefined) work.image = kept;
}

/** Takes the image back that was made for this. */
export async function withdrawImage(
  plan: MachinePlan,
  work: ImageWork,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  const { image } = work;
  // Where it is known, it is enough to know it.
  const found = await imagesOf(plan, deps, signal).catch((error: unknown) => {
    if (image === undefined) throw error;
    return [];
  });
  for (const id of new Set([...found, ...(image === undefined ? [] : [image])])) {
    await answered(`deregister ${id}`, deps, signal, () => deps.machines.deregister(id, signal));
    deps.log("info", `deregistered the image ${id}`);
  }
  delete work.image;
}

/** The same where the instance is there: that stays, whatever becomes of its image, of which the end is told. */
export async function withdrawAtLast(
  plan: MachinePlan,
  work: ImageWork,
  deps: MachineDeps,
  signal: AbortSignal,
): Promise<void> {
  try {
    await withdrawImage(plan, work, deps, signal);
  } catch (error) {
    if (!(error instanceof BackupError) || error.kind === "interrupted") throw error;
    work.left = error;
    deps.log("warn", sentenceOf(error));
  }
}
