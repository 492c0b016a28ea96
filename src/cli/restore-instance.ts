import { sentenceOf } from "../core/errors.ts";
import type { MachinePlan } from "../core/machine-plan.ts";
import type { MachineResult, MachineUndone } from "../core/machine-result.ts";
import type { MachineObstacle, Property } from "../core/machine-wish.ts";
import type { Choice } from "../core/restore-choice.ts";
import { formatLocal } from "./restore-list.ts";
import { field } from "./restore-volumes.ts";
import { type Terminal, table } from "./terminal.ts";

/** What is shown before anything is done. */
export interface MachinePlanShown {
  readonly choice: Choice;
  readonly plan: MachinePlan;
  readonly earlier: readonly { readonly id: string; readonly state: string }[];
  readonly unfinished: readonly string[];
  readonly zone: string;
}

/** Prints what the new instance would be, where each property comes from, and what stands in the way. */
export function printMachinePlan(shown: MachinePlanShown, out: Terminal): void {
  const { choice, plan, earlier, unfinished, zone } = shown;
  const { point } = plan;
  out.print(out.paint("bold", `A new instance of point ${point.id}`));
  field("captured", `${formatLocal(point.captured, zone)} (${zone}), ${point.consistency}-consistent`, out);
  field("of", point.instanceArn, out);
  field("chosen", choice.because, out);
  field("restore", plan.id, out);
  field("way", `${waysOf(plan)[plan.way]}: ${plan.because}`, out);
  out.print("");
  for (const line of table(["PROPERTY", "FROM", "VALUE"], plan.properties.map(rowOf), out.width))
    out.print(line);
  out.print("");
  const volumes = plan.volumes.map(({ device, request, volume, root }) => [
    device || "?",
    `${request.sizeGiB} GiB ${request.type}${request.iops === undefined ? "" : `, ${request.iops} IOPS`}${request.throughput === undefined ? "" : `, ${request.throughput} MiB/s`}`,
    `${request.snapshot} of ${volume}${root ? ", the root" : ""}`,
  ]);
  for (const line of table(["DEVICE", "VOLUME", "SNAPSHOT"], volumes, out.width)) out.print(line);
  for (const { id, state } of earlier) {
    out.print("");
    out.print(out.paint("yellow", `${id} is there already, ${state}: it is used, no other is made`));
  }
  for (const obstacle of plan.obstacles) printObstacle(obstacle, out);
  for (const restore of unfinished) {
    out.print("");
    out.print(out.paint("yellow", `${restore}, begun here, is not finished`));
    field("undo", `ec2-backup restore instance --undo --restore ${restore}`, out);
  }
  out.print("");
  for (const note of plan.notes) field("note", note, out);
}

const waysOf = ({ original }: MachinePlan): Readonly<Record<MachinePlan["way"], string>> => ({
  register: "image of the root's snapshot",
  swap: "swap of the root",
  image: original?.id ?? "its image",
});

function rowOf({ name, value, from, was, note }: Property): string[] {
  const changed = was === undefined ? "" : `; was ${was}`;
  return [name, from, `${value}${changed}${note === undefined ? "" : `; ${note}`}`];
}

function printObstacle({ about, severity, found, remedy }: MachineObstacle, out: Terminal): void {
  out.print("");
  const blocks = severity === "blocks";
  out.print(out.paint(blocks ? "red" : "yellow", `${about}${blocks ? " stands in the way" : ""}`));
  field("found", found, out);
  if (remedy !== undefined) field("remedy", remedy, out);
}

/** Prints what exists now, how it is reached, and how to go on. */
export function printMachine(result: MachineResult, point: string, out: Terminal): void {
  const { machine, image, health, failure, left, notes, outcome } = result;
  if (machine !== undefined) {
    out.print(`${out.paint("bold", machine.id)} is ${machine.state}, a ${machine.type} in ${machine.zone}`);
    const addresses = [machine.privateAddress, machine.publicAddress].filter((one) => one !== undefined);
    field("address", addresses.length === 0 ? "none yet" : addresses.join(", public "), out);
  }
  if (image !== undefined) {
    field("image", `${image} is there; while it is, it holds the snapshot of the root`, out);
    field("", `aws ec2 deregister-image --image-id ${image}`, out);
  }
  for (const note of notes) field("note", note, out);
  if (failure !== undefined) {
    out.print(out.paint("red", "The restore is not finished."));
    field("because", sentenceOf(failure), out);
    field("go on", `the same words again, with --point ${point}`, out);
    field("undo", `ec2-backup restore instance --undo --restore ${result.id} --yes`, out);
    return;
  }
  if (left !== undefined) {
    field("image", out.paint("yellow", `it may be there still: ${sentenceOf(left)}`), out);
    field("", `ec2-backup restore instance --undo --restore ${result.id} --yes`, out);
  }
  if (health !== undefined) {
    const passed = isHealthy(result);
    const words = `system ${health.system}, instance ${health.instance}`;
    field("checks", passed ? `${words}: both passed` : out.paint("yellow", `${words}: not passed yet`), out);
  }
  out.print(
    out.paint("green", outcome === "was-done" ? "All of it was done before." : "The instance is made."),
  );
  if (machine === undefined) return;
  const steps = [
    `see it boot: aws ec2 get-console-output --latest --instance-id ${machine.id}`,
    "log in, look at the data and the logs of what runs there, and at `systemctl --failed`",
    "move addresses and target groups only then; set tags and alarms anew",
    "`ec2-backup status` there: the copy begins a series of its own",
  ];
  for (const [index, step] of steps.entries()) field(index === 0 ? "next" : "", step, out);
}

/** Whether both status checks passed, as far as they were waited for. */
export function isHealthy({ health }: MachineResult): boolean {
  return health === undefined || (health.system === "ok" && health.instance === "ok");
}

/** Prints what was taken back, or would be. */
export function printMachinesUndone(
  undone: readonly MachineUndone[],
  out: Terminal,
  next = "Nothing has been done: add --yes",
): void {
  if (undone.length === 0) {
    out.print("No restore of an instance that was begun here has left anything.");
    return;
  }
  const gone = { instance: "terminated", image: "deregistered", volume: "deleted" };
  for (const { kind, id, restore, outcome, because, failure } of undone) {
    const words = {
      removed: `is ${gone[kind]}`,
      "would-be-removed": `would be ${gone[kind]}`,
      left: "is left",
      failed: `could not be ${gone[kind]}`,
    };
    out.print(`${out.paint("bold", id)} ${words[outcome]}`);
    field("of", restore, out);
    if (because !== undefined) field("because", because, out);
    if (failure !== undefined) field("found", sentenceOf(failure), out);
  }
  if (next !== "" && undone.some(({ outcome }) => outcome === "would-be-removed")) out.print(next);
}
