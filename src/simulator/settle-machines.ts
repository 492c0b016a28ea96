import type { Instance, RootTask } from "./ec2/machines.ts";
import type { Attachment, Volume } from "./ec2/volume.ts";
import { own } from "./own.ts";
import { replaceRoot, settleRootTask } from "./settle-root.ts";
import type { World } from "./world.ts";

/**
 * Lets simulated time do its work on volumes, instances, images and what is restored from the archive.
 * @returns files of volumes that are gone.
 */
export function settleMachines(world: World, now: number): string[] {
  const due = (at: number | null): at is number => at !== null && at <= now;
  for (const instance of Object.values(world.instances)) settleInstance(world, instance, now);
  for (const task of Object.values(world.rootTasks))
    if (settleRootTask(task, due)) finishRootTask(world, task);
  const files = Object.values(world.volumes).flatMap((volume) => settleVolume(world, volume, due) ?? []);
  settleImages(world, due);
  for (const snapshot of Object.values(world.snapshots)) {
    const { tiering } = snapshot;
    if (tiering === null) continue;
    if (due(tiering.until)) Object.assign(snapshot, { storageTier: "archive", tiering: null });
    else if (due(tiering.readyAt)) {
      snapshot.storageTier = "standard";
      if (tiering.days === null) snapshot.tiering = null;
    }
  }
  return files;
}

type Due = (at: number | null) => at is number;

/** @returns the file of a volume that is gone. */
function settleVolume(world: World, volume: Volume, due: Due): string | undefined {
  if (due(volume.changesAt)) {
    volume.changesAt = null;
    if (volume.state === "deleting" || volume.doomed === "vanishes") {
      delete world.volumes[volume.id];
      return volume.ownsFile && volume.file !== null ? volume.file : undefined;
    }
    if (volume.state === "creating") volume.state = volume.doomed === "error" ? "error" : "ready";
  }
  volume.attachments = volume.attachments.filter((each) => staysAttached(world, each, due));
  return undefined;
}

function staysAttached(world: World, attachment: Attachment, due: Due): boolean {
  if (!due(attachment.changesAt)) return true;
  if (attachment.state === "attaching") {
    attachment.state = "attached";
    attachment.changesAt = null;
    return !attachment.fails;
  }
  const instance = own(world.instances, attachment.instance);
  const running = instance?.state === "running";
  const kept = running && (attachment.guest === "held" || (instance.played && attachment.guest !== "absent"));
  if (attachment.forced || !kept) return false;
  // "can become stuck in the busy state while detaching" until it is unmounted
  attachment.state = attachment.guest === "held" ? "busy" : "detaching";
  return true;
}

function settleInstance(world: World, instance: Instance, now: number): void {
  if (instance.rebootsAt !== null && instance.rebootsAt <= now) {
    instance.rebootsAt = null;
    instance.boots += 1;
  }
  interrupt(world, instance, now);
  // A member of a group that has stopped goes on to be terminated.
  while (instance.changesAt !== null && instance.changesAt <= now) {
    const at = instance.changesAt;
    instance.changesAt = null;
    if (instance.state === "pending") started(world, instance);
    else if (instance.state === "stopping") stopped(world, instance, at);
    else if (instance.state === "stopped") replaced(world, instance, at);
    else if (instance.state === "shutting-down") terminated(world, instance);
  }
}

/** What was announced comes, whatever the instance is doing. */
function interrupt(world: World, instance: Instance, now: number): void {
  const { interruption, target } = instance;
  const { terminate, stop } = world.settings.times;
  if (interruption !== null && interruption.at <= now) {
    const ends = interruption.action === "terminate";
    instance.interruption = null;
    leave(instance, ends ? "shutting-down" : "stopping", interruption.at + (ends ? terminate : stop), {
      code: "Server.SpotInstanceTermination",
      message: "Server.SpotInstanceTermination: Instance terminated due to spot interruption",
    });
  }
  if (target !== null && target.at !== null && target.at <= now) {
    instance.target = { ...target, at: null };
    leave(instance, "shutting-down", target.at + terminate, userShutdown);
  }
}

function leave(
  instance: Instance,
  state: "shutting-down" | "stopping",
  until: number,
  stateReason: Instance["stateReason"],
): void {
  if (instance.state === "terminated" || instance.state === "shutting-down") return;
  Object.assign(instance, { state, stateReason, changesAt: until });
}

const userShutdown = {
  code: "Client.UserInitiatedShutdown",
  message: "Client.UserInitiatedShutdown: User initiated shutdown",
};

/** "If an instance is in any state other than running, Auto Scaling considers it unhealthy and replaces it." */
function stopped(world: World, instance: Instance, at: number): void {
  instance.state = "stopped";
  if (Object.hasOwn(instance.tags, "aws:autoscaling:groupName"))
    instance.changesAt = at + world.settings.times.groupReplaces;
}

// What the group launches in its place is not simulated.
function replaced(world: World, instance: Instance, at: number): void {
  leave(instance, "shutting-down", at + world.settings.times.terminate, userShutdown);
}

function started(world: World, instance: Instance): void {
  const { startFails } = instance;
  instance.startFails = null;
  if (startFails !== null) {
    instance.stateReason = startFails;
    // A new instance that cannot start is terminated at once; one that was there stays as it was.
    if (instance.boots === 0) terminated(world, instance);
    else instance.state = "stopped";
    return;
  }
  instance.state = "running";
  instance.boots += 1;
  // "We release its public IPv4 address when it is stopped ... and assign a new one when it is started."
  const address = instance.publicIp;
  // One of the loopback interface is there to be reached by a test.
  if (address !== null && !address.startsWith("127.") && !instance.elasticIp && instance.boots > 1)
    instance.publicIp = nextAddress(address);
  instance.launchDevices = Object.values(world.volumes).flatMap(({ attachments }) =>
    attachments.filter((each) => each.instance === instance.id).map(({ device }) => device),
  );
}

/** Another address that nobody has: of those for documentation. */
function nextAddress(address: string): string {
  return `203.0.113.${(Number(address.split(".")[3] ?? 0) % 254) + 1}`;
}

function terminated(world: World, instance: Instance): void {
  instance.state = "terminated";
  for (const volume of Object.values(world.volumes)) {
    const mine = volume.attachments.find((each) => each.instance === instance.id);
    if (mine === undefined) continue;
    volume.attachments = volume.attachments.filter((each) => each !== mine);
    // It goes when time next does its work.
    if (mine.deleteOnTermination && volume.attachments.length === 0)
      Object.assign(volume, { state: "deleting", changesAt: instance.launchTime });
  }
}

function finishRootTask(world: World, task: RootTask): void {
  const instance = own(world.instances, task.instance);
  if (instance !== undefined) replaceRoot(world, instance, task);
}

function settleImages(world: World, due: Due): void {
  for (const image of Object.values(world.images)) {
    if (image.state !== "pending") continue;
    const states = Object.values(image.snapshots).map((id) => own(world.snapshots, id)?.state ?? "error");
    if (states.includes("error"))
      Object.assign(image, { state: "failed", stateReason: "A snapshot of the image failed" });
    else if (due(image.readyAt) && states.every((state) => state === "completed")) image.state = "available";
  }
}
