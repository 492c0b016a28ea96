import { counted } from "../core/counted.ts";
import { describeLock } from "../core/lock.ts";
import type { RunReport } from "../core/report.ts";
import type { Terminal } from "./terminal.ts";

/** Prints what became of the locks of a run, or what a plan would lock. */
export function printLocks({ locks, planned }: RunReport, out: Terminal): void {
  if (locks === undefined) return;
  const how = describeLock(locks);
  if (planned) {
    out.print(`A run now locks the snapshots of its point ${how}.`);
    return;
  }
  const { locked, already, missing } = locks;
  const before = already === 0 ? "" : `; ${already} of earlier points were locked already`;
  out.print(`Locked: ${counted(locked.length, "snapshot")} ${how}${before}`);
  if (missing.length > 0)
    out.print(`${out.paint("red", "Not locked")}: ${missing.join(", ")}; the next run tries again`);
}

/** What `status` says where the last run left something unlocked. */
export function unlockedLine(missing: number): string {
  return `${counted(missing, "snapshot")} ${missing === 1 ? "is" : "are"} not locked as the job asks`;
}
