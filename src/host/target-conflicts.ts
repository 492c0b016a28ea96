import { lstat } from "node:fs/promises";
import type { CopyPlan } from "../core/copy-plan.ts";
import { BackupError } from "../core/errors.ts";
import type { Existing } from "../core/file-ports.ts";
import { codeOf } from "./atomic-file.ts";

/** How many conflicts are named. */
const most = 5;

/**
 * Refuses, before anything is copied, what cannot be put into place: files that are there already, and directories
 * in whose place there is something else, or the other way round. Links count as what they are.
 */
export async function refuseConflicts(
  plan: CopyPlan,
  name: string,
  to: string,
  existing: Existing,
): Promise<void> {
  const top = Buffer.from(name, "utf8").toString("latin1");
  const at = (path: string): Buffer =>
    Buffer.concat([Buffer.from(to), Buffer.from(path.slice(top.length), "latin1")]);
  const kindAt = async (path: string): Promise<"directory" | "other" | undefined> => {
    const stats = await lstat(at(path)).catch((error: unknown) => {
      if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined;
      throw new BackupError(
        { kind: "cannot-write", doing: `look at ${at(path)}`, found: codeOf(error) },
        { cause: error },
      );
    });
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
    else if (kind === "other" && existing !== "keep") conflicts.push(`${at(path)} is no directory`);
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
    doing: `restore to ${to}`,
    found: `${conflicts.slice(0, most).join(", ")}${more}`,
    remedy:
      existing === "refuse"
        ? "name another place by --to, or let files be replaced by --overwrite"
        : "move it out of the way, or name another place by --to",
  });
}
