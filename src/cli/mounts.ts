import type { MountSummary, MountVerdict } from "../core/mount-map.ts";
import { type Terminal, table } from "./terminal.ts";

/** Prints what each mount rests on and whether it can be held still. */
export function printMounts(summary: MountSummary, out: Terminal): void {
  const rows = summary.mounts.map((mount) => [
    mount.path,
    mount.filesystem,
    mount.stack.join(" < "),
    volumesOf(mount),
    mount.freeze ? "yes" : `no: ${mount.because ?? ""}`,
  ]);
  if (rows.length > 0) {
    const head = ["MOUNT", "FILESYSTEM", "STACK", "VOLUMES", "FREEZE"];
    for (const line of table(head, rows, out.width)) out.print(line);
  }
  for (const doubt of summary.doubts) out.print(`${out.paint("yellow", "doubt")}: ${doubt}`);
}

function volumesOf({ volumes, unknown }: MountVerdict): string {
  return [...volumes, ...unknown.map(({ disk }) => `${disk}?`)].join(" ");
}
