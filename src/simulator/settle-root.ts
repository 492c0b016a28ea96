import type { Instance, RootTask } from "./ec2/machines.ts";
import { attached } from "./ec2/volume.ts";
import type { World } from "./world.ts";

/** Lets a replacement go on. @returns whether it has come to its end just now. */
export function settleRootTask(task: RootTask, due: (at: number | null) => boolean): boolean {
  if (task.completeTime !== null) return false;
  if (!due(task.endsAt)) {
    if (due(task.worksFrom)) task.state = task.outcome === "succeeded" ? "in-progress" : "failing";
    return false;
  }
  task.state = task.outcome;
  task.completeTime = task.endsAt;
  return true;
}

/**
 * What a finished replacement leaves: the new root volume in the old one's place and the instance booted again, or
 * all as it was; `failed-detached` leaves the instance without a root volume.
 */
export function replaceRoot(world: World, instance: Instance, task: RootTask): void {
  const incoming = world.volumes[task.volume];
  const former = Object.values(world.volumes).find(({ attachments }) =>
    attachments.some((each) => each.instance === instance.id && each.device === instance.rootDeviceName),
  );
  // That what was made goes again is an assumption.
  if (task.outcome !== "succeeded" && incoming !== undefined && task.made)
    Object.assign(incoming, { state: "deleting", changesAt: task.endsAt });
  if (task.outcome === "failed") return;
  const place = former?.attachments.find((each) => each.instance === instance.id);
  if (former !== undefined)
    former.attachments = former.attachments.filter((each) => each.instance !== instance.id);
  if (task.outcome === "failed-detached" || incoming === undefined) return;
  incoming.state = "ready";
  incoming.changesAt = null;
  incoming.attachments = [
    attached({
      instance: instance.id,
      device: instance.rootDeviceName,
      deleteOnTermination: place?.deleteOnTermination ?? true,
      attachTime: task.endsAt,
    }),
  ];
  instance.rootVolumes.push(incoming.id);
  instance.boots += 1;
  if (former !== undefined && task.deleteReplaced)
    Object.assign(former, { state: "deleting", changesAt: task.endsAt });
}
