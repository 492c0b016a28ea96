import { lstat, statfs } from "node:fs/promises";
import path from "node:path";
import { BackupError } from "../core/errors.ts";
import { codeOf } from "./atomic-file.ts";
import type { Work } from "./copy-stage.ts";

/** How many conflicts are named. */
const most = 5;

/**
 * Refuses, before anything is copied, what cannot be put into place: files that are there already, and directories
 * in whose place there is something else, or the other way round. Links count as what they are.
 */
export async function refuseConflicts({ plan, name, place, order }: Work): Promise<void> {
  const { existing } = order;
  const top = Buffer.from(name, "utf8").toString("latin1");
  const below = (path: string): Buffer => Buffer.from(path.slice(top.length), "latin1");
  const at = (path: string): Buffer => Buffer.concat([Buffer.from(place.path), below(path)]);
  const kindAt = async (path: string): Promise<"directory" | "other" | undefined> => {
    const stats = await lstat(place.parent.at(Buffer.concat([place.name, below(path)]))).catch(
      (error: unknown) => {
        if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined;
        throw new BackupError(
          { kind: "cannot-write", doing: `look at ${at(path)}`, found: codeOf(error) },
          { cause: error },
        );
      },
    );
    return stats === undefined ? undefined : stats.isDirectory() ? "directory" : "other";
  };
  const present = new Set<string>();
  const conflicts: string[] = [];
  const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
  const isBelowPresent = (path: string): boolean => path === top || present.has(parentOf(path));
  for (const { path } of plan.directories) {
    if (!isBelowPresent(path)) continue;
    const kind = await kindAt(path);
    if (kind === "directory") present.add(path);
    // Where the whole has no place, leaving what is there would bring back nothing and call it done.
    else if (kind === "other" && (existing !== "keep" || path === top))
      conflicts.push(`${at(path)} is no directory`);
  }
  for (const batch of plan.batches)
    for (const { path } of [...batch.entries, ...batch.links]) {
      if (!isBelowPresent(path)) continue;
      const kind = await kindAt(path);
      if (kind === "directory" && existing !== "keep") conflicts.push(`${at(path)} is a directory`);
      else if (kind === "other" && existing === "refuse") conflicts.push(`${at(path)} is there already`);
    }
  if (conflicts.length === 0) return;
  const more = conflicts.length > most ? `, and ${conflicts.length - most} more` : "";
  throw new BackupError({
    kind: "refused",
    doing: `restore to ${place.path}`,
    found: `${conflicts.slice(0, most).join(", ")}${more}`,
    remedy:
      existing === "refuse"
        ? "name another place by --to, or let files be replaced by --overwrite"
        : "move it out of the way, or name another place by --to",
  });
}

/** Refuses what the filesystem of the place has no room for. */
export async function refuseLackOfSpace({ place, plan }: Work): Promise<void> {
  const { top } = place;
  const { bavail, bsize } = await statfs((top ?? place.parent).pathOf("."));
  const room = bavail * bsize;
  if (room >= plan.bytes) return;
  const at = top === undefined ? path.dirname(place.path) : place.path;
  throw new BackupError({
    kind: "cannot-write",
    doing: `restore to ${place.path}`,
    found: `it needs ${plan.bytes} bytes, and ${at} has ${room}`,
    remedy: "free some space, or name another place by --to",
    code: "ENOSPC",
  });
}
