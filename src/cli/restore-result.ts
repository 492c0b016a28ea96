import { sentenceOf } from "../core/errors.ts";
import type { RestoreProgress, RestoreResult, Undone } from "../core/restore-result.ts";
import { field } from "./restore-volumes.ts";
import { formatBytes, type Terminal } from "./terminal.ts";

/** Prints what exists now, and how to go on. */
export function printRestored(result: RestoreResult, point: string, out: Terminal): void {
  const { outcome, volumes, mounted, notMounted, failure, notes } = result;
  for (const { of, id, device, disk, step, found } of volumes) {
    if (id === undefined) {
      out.print(`No volume of ${of} has been made.`);
      continue;
    }
    out.print(`${out.paint("bold", id)} is a copy of ${of}${found ? ", made before" : ""}`);
    const place = [device, disk].filter((one) => one !== undefined).join(", here ");
    field("state", place === "" ? step : `${step}: ${place}`, out);
  }
  for (const { where, path, type, writable, notes: told } of mounted) {
    field("mounted", `${path} (${type}) at ${where}, ${writable ? "writable" : "read-only"}`, out);
    for (const note of told) field("", note, out);
  }
  for (const { path, type, found, remedy } of notMounted) {
    out.print(out.paint("yellow", `${path} (${type}) is not mounted`));
    field("found", found, out);
    field("remedy", remedy, out);
  }
  for (const note of notes) field("note", note, out);
  if (failure !== undefined) {
    out.print(out.paint("red", "The restore is not finished."));
    field("because", sentenceOf(failure), out);
    field("go on", `the same words again, with --point ${point}`, out);
    field("undo", `ec2-backup restore volumes --undo --restore ${result.id} --yes`, out);
    return;
  }
  const end = outcome === "was-done" ? "All of it was done before." : "The restore is finished.";
  out.print(out.paint("green", end));
  field("undo", `ec2-backup restore volumes --undo --restore ${result.id} --yes`, out);
}

/** Prints what was detached and deleted, or would be; `next` is what is to be done for it to be so. */
export function printUndone(
  undone: readonly Undone[],
  out: Terminal,
  next = "Nothing has been done: add --yes",
): void {
  if (undone.length === 0) {
    out.print("No restore for this instance has left a volume.");
    return;
  }
  // What is done comes before what is left.
  const sorted = [...undone].sort((a, b) => Number(a.outcome === "left") - Number(b.outcome === "left"));
  for (const { id, restore, snapshot, outcome, because, failure } of sorted) {
    const words = {
      removed: "is detached and deleted",
      "would-be-removed": "would be detached and deleted",
      left: "is left",
      failed: "could not be removed",
    };
    out.print(`${out.paint("bold", id)} ${words[outcome]}`);
    field("of", `${restore}, ${snapshot}`, out);
    if (because !== undefined) field("because", because, out);
    if (failure !== undefined) field("found", sentenceOf(failure), out);
  }
  if (undone.some(({ outcome }) => outcome === "would-be-removed"))
    out.print(`What was written to them since is lost. ${next}`.trim());
}

/** "reading /dev/nvme2n1 at 210 MiB/s", for beside a bar. */
export function progressLabel({ doing, rate }: RestoreProgress): string {
  return rate === undefined ? doing : `${doing} at ${formatBytes(rate)}/s`;
}
