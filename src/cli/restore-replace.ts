import { sentenceOf } from "../core/errors.ts";
import type { ReplacePlan } from "../core/replace-plan.ts";
import type { ReplaceResult } from "../core/replace-result.ts";
import type { Choice } from "../core/restore-choice.ts";
import { printParagraph } from "./paragraph.ts";
import { formatLocal } from "./restore-list.ts";
import { field } from "./restore-volumes.ts";
import { type Terminal, table } from "./terminal.ts";

/** What is shown before anything is done. */
export interface ReplaceShown {
  readonly choice: Choice;
  readonly plan: ReplacePlan;
  readonly zone: string;
}

/** Prints which volume would take the place of which, where, and what happens meanwhile. */
export function printReplacePlan({ choice, plan, zone }: ReplaceShown, out: Terminal): void {
  const { point } = choice;
  out.print(out.paint("bold", `Point ${point.id}`));
  field("captured", `${formatLocal(point.captured, zone)} (${zone}), ${point.consistency}-consistent`, out);
  field("chosen", choice.because, out);
  field("replace", `${plan.restore.id}, on ${plan.instance.id}${begun(plan)}`, out);
  out.print("");
  const rows = plan.swaps.map(({ old, fresh, device, planned, captured }) => [
    old,
    fresh ?? `a copy of ${planned.request.snapshot}`,
    device,
    mountsOf(plan, old) || (old === captured ? "-" : `in place of ${captured}`),
  ]);
  if (rows.length > 0)
    for (const line of table(["OLD", "NEW", "DEVICE", "MOUNTED AT"], rows, out.width)) out.print(line);
  out.print("");
  for (const [index, step] of stepsOf(plan).entries()) printParagraph(`${index + 1}. ${step}`, out);
  for (const { found, remedy, severity } of plan.restore.obstacles) {
    out.print(out.paint(severity === "blocks" ? "red" : "yellow", "in the way"));
    field("found", found, out);
    if (remedy !== undefined) field("remedy", remedy, out);
  }
  for (const { found, remedy } of plan.refusals) {
    out.print(out.paint("red", "This cannot be done now"));
    field("found", found, out);
    if (remedy !== undefined) field("remedy", remedy, out);
  }
  const notes = [...plan.notes, ...plan.swaps.flatMap(({ planned }) => planned.notes)];
  for (const note of notes) field("note", note, out);
}

function begun({ progress }: ReplacePlan): string {
  return progress === "begun" ? ", begun before: it goes on" : progress === "done" ? ", finished before" : "";
}

function mountsOf({ use }: ReplacePlan, old: string): string {
  return (use?.mounts ?? [])
    .filter(({ volume }) => volume === old)
    .map(({ where }) => where)
    .join(", ");
}

/** In words, with what stands still meanwhile. */
export function stepsOf({ root, swaps, use, instance }: ReplacePlan): readonly string[] {
  if (root === "task")
    return [
      "EC2 makes the new root volume and is asked to exchange it",
      `${instance.id} is REBOOTED: it is away for some minutes, and what is in its memory is lost`,
      "the old root volume is kept, detached and tagged",
    ];
  const what = swaps.length === 1 ? "the new volume" : `${swaps.length} new volumes`;
  const mounts = (use?.mounts ?? []).map(({ where }) => where);
  const [down, up] =
    root === "stop"
      ? [`${instance.id} is stopped`, `${instance.id} is started, if it ran`]
      : mounts.length === 0
        ? ["nothing of it is mounted", "nothing is mounted"]
        : [`unmount ${mounts.join(", ")}`, "mount again, at the same places and with the same options"];
  return [
    `make ${what} (nothing stands still)`,
    `${down}: from here on the data is away`,
    "detach the old, attach the new at the same device",
    up,
    "tag the old volumes, which are kept; runs leave them out (Backup=no)",
  ];
}

/** Prints what came of it, and how to go on or back. */
export function printReplaced(
  result: ReplaceResult,
  point: string,
  out: Terminal,
  /** Another instance, whose root it is. */
  instance?: string,
): void {
  const { outcome, volumes, mounted, failure, second, notes, task, taken } = result;
  const undo = `ec2-backup restore replace --undo${instance === undefined ? "" : ` --instance ${instance}`}`;
  for (const { where, path } of mounted) field("mounted", `${path} at ${where}`, out);
  for (const note of notes) field("note", note, out);
  const ends: Record<ReplaceResult["outcome"], string> = {
    done: "The volumes are replaced.",
    "was-done": "All of it was done before. Once more by the same point: add --label and a word.",
    "rolled-back": "It failed, and all is as it was before.",
    undone:
      taken === undefined ? "The old volumes are back." : `It is taken back, but for ${taken.join(", ")}.`,
    unfinished: "It is NOT FINISHED.",
    "not-begun": "Nothing has been changed.",
    rebooting: `EC2 has the order (${task ?? ""}): this host reboots now. The next run reports the result.`,
    failed: "It failed.",
  };
  const good =
    outcome === "done" || outcome === "was-done" || outcome === "undone" || outcome === "rebooting";
  printParagraph(out.paint(good ? "green" : "red", ends[outcome]), out);
  if (failure !== undefined) field("because", sentenceOf(failure), out);
  if (second !== undefined) field("and then", sentenceOf(second), out);
  if (outcome === "unfinished") {
    field("go on", `the same words again, with --point ${point}`, out);
    field("go back", `${undo} --yes`, out);
  }
  if (outcome !== "done" || task !== undefined) return;
  for (const { old } of volumes)
    field("kept", `${old}; when satisfied: aws ec2 delete-volume --volume-id ${old}`, out);
  field("go back", `${undo} --restore ${result.id} --yes`, out);
}
