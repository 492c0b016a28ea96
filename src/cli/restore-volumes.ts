import type { Choice } from "../core/restore-choice.ts";
import type { Unfinished } from "../core/restore-leftovers.ts";
import type { Obstacle } from "../core/restore-obstacles.ts";
import { type PlannedVolume, type RestorePlan, restoreTags } from "../core/restore-plan.ts";
import type { VolumeState } from "../core/restore-ports.ts";
import { formatLocal } from "./restore-list.ts";
import { type Terminal, wrapped } from "./terminal.ts";

/** What is shown before anything is done. */
export interface PlanShown {
  readonly choice: Choice;
  readonly plan: RestorePlan;
  readonly earlier: readonly VolumeState[];
  readonly unfinished: readonly Unfinished[];
  readonly zone: string;
  /** What `--at` came to. */
  readonly at?: Date;
}

/** Prints which point it is, why, and which volumes would be made of it. */
export function printRestorePlan(
  { choice, plan, earlier, unfinished, zone, at }: PlanShown,
  out: Terminal,
): void {
  const { point } = plan;
  const captured = `${formatLocal(point.captured, zone)} (${zone})`;
  out.print(out.paint("bold", `Point ${point.id}`));
  field("captured", `${captured}, ${point.consistency}-consistent${job(point.job)}`, out);
  const until = at === undefined ? "" : `, up to ${formatLocal(at, zone)}`;
  field("chosen", `${choice.because}${until}`, out);
  for (const passed of choice.passedOver.slice(0, 3)) {
    field("passed", `${formatLocal(passed.point.captured, zone)}: ${passed.because}`, out);
  }
  field("restore", `${plan.id}, to ${plan.instance.id} in ${plan.instance.zone}`, out);
  for (const volume of plan.volumes) printVolume(volume, point, earlier, out);
  for (const { volume, because } of plan.left) {
    out.print("");
    out.print(`No copy of ${out.paint("bold", volume)}`);
    field("because", because, out);
  }
  for (const obstacle of plan.obstacles) printObstacle(obstacle, out);
  for (const { restore, point, volumes } of unfinished) {
    out.print("");
    out.print(out.paint("yellow", `${restore} is not finished: ${volumes.join(", ")}`));
    field("go on", `with --point ${point}`, out);
    field("undo", "ec2-backup restore volumes --undo", out);
  }
  if (plan.notes.length > 0) out.print("");
  for (const note of plan.notes) field("note", note, out);
}

function job(name: string): string {
  return name === "" ? "" : `, job ${name}`;
}

function printVolume(
  planned: PlannedVolume,
  point: RestorePlan["point"],
  earlier: readonly VolumeState[],
  out: Terminal,
): void {
  const { volume, request, device, deviceBecause, notes } = planned;
  const was = point.recipe.find((one) => one.volumeId === volume)?.device;
  out.print("");
  out.print(`A copy of ${out.paint("bold", volume)}${was === undefined ? "" : `, which was ${was}`}`);
  field("from", request.snapshot, out);
  field("as", shapeText(request), out);
  field("at", `${device}, ${deviceBecause}`, out);
  const there = earlier.find(({ tags }) => tags[restoreTags.from] === request.snapshot);
  if (there !== undefined) field("exists", `${there.id}, ${there.state}: it is used, not made again`, out);
  for (const note of notes) field("note", note, out);
}

function shapeText({ type, sizeGiB, iops, throughput, kmsKey, initializeRate }: PlannedVolume["request"]) {
  return [
    `${sizeGiB} GiB ${type}`,
    ...(iops === undefined ? [] : [`${iops} IOPS`]),
    ...(throughput === undefined ? [] : [`${throughput} MiB/s`]),
    ...(kmsKey === undefined ? [] : [`encrypted with ${kmsKey}`]),
    ...(initializeRate === undefined ? [] : [`read in by EC2 at ${initializeRate} MiB/s`]),
  ].join(", ");
}

/** Prints what stands between a snapshot and a volume. */
export function printObstacle({ snapshot, volume, severity, found, remedy }: Obstacle, out: Terminal): void {
  out.print("");
  const colour = severity === "blocks" ? "red" : "yellow";
  out.print(
    out.paint(colour, `${snapshot} of ${volume}${severity === "blocks" ? " cannot be restored now" : ""}`),
  );
  field("found", found, out);
  if (remedy !== undefined) field("remedy", remedy, out);
}

/** A word and what it says, in lines that go on below each other; of a command, so that a shell takes them for one. */
export function field(name: string, text: string, out: Terminal): void {
  const margin = 11;
  const isCommand = /^(ec2-backup|aws|sudo|umount|mount) \S/.test(text);
  const lines = wrapped(text, Math.max(24, out.width - margin - (isCommand ? 2 : 0)));
  for (const [index, line] of lines.entries()) {
    const goesOn = isCommand && index < lines.length - 1 ? " \\" : "";
    out.print(`${(index === 0 ? `  ${name}` : "").padEnd(margin)}${line}${goesOn}`);
  }
}
